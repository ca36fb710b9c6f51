"""Another process of this machine that tries to run code behind Dask's ports.

`python intruder.py USER PORT...` becomes that user, tries each port in each way it knows, and
prints as JSON which of them got an answer.
"""

import asyncio
import json
import os
import sys
from urllib.request import urlopen

from distributed import Client, Security, rpc
from distributed.protocol.pickle import dumps

TIMEOUT_S = 3
CALL = {"function": dumps(os.getpid), "args": dumps(()), "kwargs": dumps({}), "wait": True}


async def as_client(address: str, security: Security) -> object:
    async with Client(address, security=security, asynchronous=True, timeout=TIMEOUT_S) as client:
        return await client.run_on_scheduler(os.getpid)


async def as_scheduler(address: str, security: Security) -> object:
    async with connected(address, security) as worker:
        return (await worker.run(**CALL))["result"]


async def as_worker(address: str, security: Security) -> object:
    async with connected(address, security) as scheduler:
        return (await scheduler.run_function(**CALL))["result"]


def connected(address: str, security: Security) -> rpc:
    arguments = security.get_connection_args("client")
    return rpc(address, connection_args=arguments, timeout=TIMEOUT_S)


async def as_browser(port: int) -> object:
    url = f"http://127.0.0.1:{port}/info/main/workers.html"
    return await asyncio.to_thread(lambda: urlopen(url, timeout=TIMEOUT_S).status)


async def main(ports: list[int]) -> dict[str, object]:
    ways = {}
    for port in ports:
        ways[f"browser {port}"] = as_browser(port)
        for scheme, security in (("tcp", Security()), ("tls", Security.temporary())):
            for way in (as_client, as_scheduler, as_worker):
                address = f"{scheme}://127.0.0.1:{port}"
                ways[f"{way.__name__} {address}"] = way(address, security)
    limited = [asyncio.wait_for(way, 2 * TIMEOUT_S) for way in ways.values()]
    answers = await asyncio.gather(*limited, return_exceptions=True)
    return {
        way: answer
        for way, answer in zip(ways, answers, strict=True)
        if not isinstance(answer, BaseException)
    }


if __name__ == "__main__":
    os.setuid(int(sys.argv[1]))
    print(json.dumps(asyncio.run(main([int(port) for port in sys.argv[2:]]))))
