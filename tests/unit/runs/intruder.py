"""Another process of this machine that tries to run code behind Dask's ports.

`python intruder.py USER SECONDS WAY=PORT...` becomes that user, tries all at once and each for so
long, and prints as JSON which of them got an answer.
"""

import asyncio
import json
import os
import sys
from urllib.request import urlopen

from distributed import Client, Security, rpc
from distributed.protocol.pickle import dumps

CALL = {"function": dumps(os.getpid), "args": dumps(()), "kwargs": dumps({}), "wait": True}


async def as_client(address: str, security: Security, limit_s: float) -> object:
    async with Client(address, security=security, asynchronous=True, timeout=limit_s) as client:
        return await client.run_on_scheduler(os.getpid)


async def as_scheduler(address: str, security: Security, limit_s: float) -> object:
    async with connected(address, security, limit_s) as worker:
        return (await worker.run(**CALL))["result"]


async def as_worker(address: str, security: Security, limit_s: float) -> object:
    async with connected(address, security, limit_s) as scheduler:
        return (await scheduler.run_function(**CALL))["result"]


def connected(address: str, security: Security, limit_s: float) -> rpc:
    arguments = security.get_connection_args("client")
    return rpc(address, connection_args=arguments, timeout=limit_s)


async def as_browser(place: str, limit_s: float) -> object:
    url = f"http://{place}/info/main/workers.html"
    return await asyncio.to_thread(lambda: urlopen(url, timeout=limit_s).status)


WAYS = {"client": as_client, "scheduler": as_scheduler, "worker": as_worker}


async def attempt(way: str, port: str, limit_s: float) -> object:
    place = f"127.0.0.1:{port}"
    if way == "browser":
        return await as_browser(place, limit_s)
    who, _, scheme = way.partition("-")
    security = Security.temporary() if scheme == "tls" else Security()
    return await asyncio.wait_for(WAYS[who](f"{scheme}://{place}", security, limit_s), 2 * limit_s)


async def main(limit_s: float, attempts: list[str]) -> dict[str, object]:
    tried = [attempt(*one.split("="), limit_s) for one in attempts]
    answers = await asyncio.gather(*tried, return_exceptions=True)
    pairs = zip(attempts, answers, strict=True)
    return {one: answer for one, answer in pairs if not isinstance(answer, BaseException)}


if __name__ == "__main__":
    os.setuid(int(sys.argv[1]))
    print(json.dumps(asyncio.run(main(float(sys.argv[2]), sys.argv[3:]))))
