"""Connection to a Dask scheduler: its encryption, and what a foreign cluster must have installed.

Anyone who can connect to a Dask scheduler or worker can run any code there. So each connection
needs a certificate, also from another process on the same machine.
"""

# Dask has only partial type hints.
# mypy: allow-untyped-calls

import asyncio
import gc
import logging
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from pkgutil import resolve_name
from textwrap import shorten
from traceback import clear_frames
from typing import Any

import dask
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from distributed import Client, Future, LocalCluster, Security
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.comm.core import connect as open_comm
from tornado.websocket import WebSocketError

from cnn_lab import __version__
from cnn_lab.ops.environment import SCHEDULER, UNENCRYPTED_SCHEDULER, SettingsError
from cnn_lab.runs.job import TrainingFailedError

CONNECT_TIMEOUT_S = 15
PROBE_TIMEOUT_S = 15
TICK_S = 0.5
MAX_QUOTED = 200  # characters of a foreign error message
ENCRYPTED = ("tls", "wss")
Question = tuple[Callable[[str], Any], str]
VERSION: Question = (resolve_name, "cnn_lab:__version__")
WORKER: Question = (resolve_name, "cnn_lab.runs.worker:TOPIC")
KERAS: Question = (version, "keras")
WORKER_FIELDS = ("tls_ca_file", "tls_worker_cert", "tls_worker_key")
TLS = "distributed.comm.tls"  # where Dask's configuration names certificates
# What OpenSSL calls the first bytes of something that does not speak TLS.
NOT_TLS = ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
NOT_YET_VALID, EXPIRED = 9, 10  # OpenSSL's numbers for the dates of a certificate

# For every Dask process started here: no pages about its state, which anyone on this machine could
# read, and no sampling profiler, nor fifty looks a second at how quick its event loop is, of which
# nothing is shown: beside training each is taken from the run.
QUIET: Mapping[str, Any] = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.logging.distributed": "error",
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}

_log = logging.getLogger(__name__)


class ClusterError(TrainingFailedError):
    """Raised when there is no scheduler, no longer one, or one that cannot train."""


def own_scheduler() -> LocalCluster:
    """Start a scheduler in this process, on loopback, with a certificate made for it alone.

    Raises
    ------
    ClusterError
        If it cannot be started, because there is no free port for example.

    Notes
    -----
    Making the key takes a tenth of a second. Key and certificate stay in memory.
    """
    try:
        with dask.config.set(QUIET):
            cluster = LocalCluster(
                n_workers=0,
                processes=False,
                protocol="tls",
                security=Security.temporary(),
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                # A run that lost its worker is not silently restarted.
                scheduler_kwargs={"dashboard": False, "allowed_failures": 0},
                silence_logs=logging.CRITICAL,
            )
        cluster.sync(stop_http, cluster.scheduler)
    except (OSError, RuntimeError) as error:
        raise ClusterError(
            f"The training scheduler could not be started: {quoted(error)}"
        ) from error
    return cluster


async def stop_http(node: Any) -> None:
    """Stop the HTTP server that every Dask node starts; a coroutine, to run in the node's loop."""
    node.http_server.stop()


def connect(scheduler: LocalCluster | str) -> Client:
    """Connect to a scheduler of this process or to the one behind an address.

    Raises
    ------
    ClusterError
        If the address is not one, nothing or something else answers there, either side does not
        accept the other's certificate, or it would be reached over a network without encryption.
    """
    if isinstance(scheduler, str):
        try:
            SCHEDULER.read(scheduler)
        except SettingsError as error:
            raise ClusterError(str(error)) from error
    allowed = UNENCRYPTED_SCHEDULER.value()
    if isinstance(scheduler, str) and is_exposed(scheduler) and not allowed:
        raise ClusterError(
            "The training scheduler is on another machine and its address does not begin with "
            "tls://, so anyone on the network between could run code here. Set up certificates, "
            f"or set {UNENCRYPTED_SCHEDULER.name}=1 if that network is yours alone. "
            f"Received: {SCHEDULER.name}={scheduler!r}"
        )
    try:
        if isinstance(scheduler, str):
            asyncio.run(_greet(scheduler))
        with dask.config.set(QUIET):
            return Client(
                scheduler, timeout=CONNECT_TIMEOUT_S, set_as_default=False, name="cnn-lab"
            )
    except (OSError, ValueError, RuntimeError, TypeError, WebSocketError) as error:
        why, received = _why_unconnected(error), ""
        if isinstance(scheduler, str):
            received = f"Received: {SCHEDULER.name}={scheduler!r}"
            if parse_address(scheduler)[0] in ENCRYPTED:
                why = _certificate_problem() or why
        failure = ClusterError(f"{why} {received}".strip())
        _release_client(error)
        raise failure from None


async def _greet(address: str) -> None:
    """Exchange Dask's first messages with a scheduler.

    A client waits for them without a limit, so it would never say that a process has been frozen,
    or that something silent listens.

    Raises
    ------
    OSError
        If there is no answer in time, or not one of Dask's.
    """
    security = Security().get_connection_args("client")
    greeting = open_comm(address, timeout=CONNECT_TIMEOUT_S, **security)
    try:
        comm = await asyncio.wait_for(greeting, CONNECT_TIMEOUT_S)
    except MemoryError as error:  # it takes any eight bytes for the size of the message
        raise OSError(str(error)) from error
    await comm.close()


def is_exposed(address: str) -> bool:
    """Return whether a scheduler's address leads to another machine without encryption.

    Examples
    --------
    >>> [is_exposed(f"{host}:8786") for host in ("tcp://10.0.0.1", "tls://10.0.0.1", "localhost")]
    [True, False, False]
    """
    scheme, place = parse_address(address)
    if scheme in ENCRYPTED:
        return False
    try:
        host, _ = parse_host_port(place, default_port=0)
        return host != "localhost" and not ip_address(host).is_loopback
    except ValueError:  # a name, which may lead anywhere
        return True


def _why_unconnected(error: BaseException) -> str:
    for cause in _causes(error):
        if not isinstance(cause, ssl.SSLError):
            continue
        if cause.reason in NOT_TLS:
            return (
                "What listens at this address does not speak TLS: either it is something other "
                "than the training scheduler, or that was started without certificates."
            )
        verified = getattr(cause, "verify_code", None)
        if verified in (NOT_YET_VALID, EXPIRED):
            return (
                "The certificate of the training scheduler "
                f"{'has expired' if verified == EXPIRED else 'is not valid yet'}. Make a new one, "
                "unless the clock of this machine or of the one that made it is wrong."
            )
        if "CERTIFICATE_EXPIRED" in (cause.reason or ""):
            return (
                "The certificate of this server has expired for the training scheduler, though "
                "not for this server: the clocks of their machines differ."
            )
        return (
            "The training scheduler and this server do not accept each other's certificates. "
            f"Both must be signed by the authority in Dask's setting {TLS}.ca-file."
        )
    return (
        "The training scheduler does not answer. Is it running at this address, is it not "
        "something else that listens there, and does it expect tls:// or tcp://?"
    )


def _certificate_problem() -> str:
    """Return what is wrong with the files of this server's certificate; empty if nothing is.

    Dask's own errors for them say that a stream was closed, or nothing.
    """
    security: Any = Security()
    files = {
        f"{TLS}.ca-file": security.tls_ca_file,
        f"{TLS}.client.cert": security.tls_client_cert,
        f"{TLS}.client.key": security.tls_client_key or security.tls_client_cert,
    }
    if not all(files.values()):
        return (
            "The training scheduler needs a certificate, and this server has none. Name its files "
            f"in Dask's settings {TLS}.ca-file, .client.cert and .client.key."
        )
    readers: tuple[Callable[[bytes], Any], ...] = (
        x509.load_pem_x509_certificates,
        x509.load_pem_x509_certificate,
        lambda content: serialization.load_pem_private_key(content, password=None),
    )
    found: list[Any] = []
    for (setting, place), read in zip(files.items(), readers, strict=True):
        try:
            found.append(read(place.encode() if "\n" in place else Path(place).read_bytes()))
        except OSError as error:
            return (
                "A certificate for the training scheduler cannot be read: "
                f"{error.strerror or error}. Received: {setting}={place!r}"
            )
        except (ValueError, TypeError):  # a TypeError if it is a key behind a password
            what = "a private key without a password" if "key" in setting else "a certificate"
            return f"This file does not hold {what} in PEM format. Received: {setting}={place!r}"
    _, certificate, key = found
    if certificate.public_key() != key.public_key():
        return f"The files in Dask's settings {TLS}.client.cert and .client.key do not match."
    now = datetime.now(UTC)
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if begins <= now <= ends:
        return ""
    return (
        "This server's certificate for the training scheduler is valid from "
        f"{begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M}, and here it is {now:%Y-%m-%d %H:%M} "
        "(UTC). Make a new one, unless this clock is wrong."
    )


def explained(error: Exception) -> str:
    """Return what an error in a task of a worker means, in words that begin a sentence."""
    what = f"{type(error).__name__}: {quoted(error)}"
    if isinstance(error, ImportError | AttributeError) or type(error).__name__ == "ValidationError":
        what += (
            " The worker may have another copy of CNN Lab or of its libraries: install this one "
            "there with `pip install '.[train]'`, and start it again."
        )
    return what


def _release_client(error: BaseException) -> None:
    """Have the client that an error's traceback holds collected now.

    Later, it might be collected while another client starts in the same thread: both need the
    same lock of Dask's, and the thread would wait for itself.
    """
    for cause in _causes(error):
        clear_frames(cause.__traceback__)
    gc.collect()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def credentials(cluster: LocalCluster) -> dict[str, str]:
    """Return what a worker needs to join a scheduler of this process; to be kept secret."""
    return {name: getattr(cluster.security, name) for name in WORKER_FIELDS}


def worker_security(credentials: Mapping[str, str]) -> Security:
    """Return the encryption of a worker with these `credentials`."""
    return Security(require_encryption=True, **credentials)


class Probe:
    """Check that a foreign scheduler and its workers have this version of the lab.

    Each is asked once, with functions of Python's own library, because the lab's may be missing.

    Parameters
    ----------
    client : Client

    Attributes
    ----------
    fit : set of str
        Addresses of the workers that can train.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.fit: set[str] = set()
        self._asking: Future[Any] | None = None

    def ask_scheduler(self) -> None:
        """Ask the scheduler.

        Raises
        ------
        ClusterError
            If it lacks the lab or a library, or has another version of the lab, or does not answer.
        """
        try:
            for question in (VERSION, WORKER):
                _require(question, self._scheduler_answer(question))
        except OSError as error:
            raise ClusterError("The training scheduler does not answer.") from error

    def run(self, *, wanted: bool = True) -> bool:
        """Ask the workers that have come since the last time.

        Parameters
        ----------
        wanted : bool
            Whether to let a cluster that grows on demand know that a worker is needed.

        Returns
        -------
        bool
            Whether there is a worker. A task of the lab must not be sent before: it would end a
            worker that does not have the lab.

        Raises
        ------
        ClusterError
            If one of them lacks the lab or a library, or has another version of the lab.
        """
        try:
            found = set(self._client.nthreads(callback_timeout=PROBE_TIMEOUT_S))
            if new := sorted(found - self.fit):
                for question in (VERSION, WORKER, KERAS):
                    _require(question, self._worker_answers(new, question))
            self.fit = found
            # A cluster that grows on demand starts a worker only for a task.
            grows = wanted and not found
            self._asking = (self._asking or self._client.submit(*VERSION)) if grows else None
        except OSError:
            # A worker that is busy or just gone; the run itself reports what it meets there.
            _log.warning("The scheduler or a worker did not answer in time.", exc_info=True)
        return bool(self.fit)

    def wait(self, timeout_s: float) -> None:
        """Wait for a worker; raises a ClusterError if there is none, or as `run` does."""
        deadline = time.monotonic() + timeout_s
        while not self.run():
            if time.monotonic() > deadline:
                raise ClusterError(self.lack())
            time.sleep(TICK_S)

    def lack(self) -> str:
        """Return what to do about a scheduler without workers, or one that went away."""
        scheduler = self._client.scheduler
        if scheduler is None:
            return "The connection to the training scheduler was lost."
        return (
            "The training scheduler has no workers. Start one where CNN Lab is installed, with "
            f"`dask worker {scheduler.address}`."
        )

    def _scheduler_answer(self, question: Question) -> dict[str, Any]:
        try:
            answer = self._client.run_on_scheduler(*question, callback_timeout=PROBE_TIMEOUT_S)
        except OSError:
            raise
        except Exception as error:  # whatever importing the lab raises there
            answer = error
        return {"the scheduler": answer}

    def _worker_answers(self, workers: list[str], question: Question) -> dict[str, Any]:
        answers: dict[str, Any] = self._client.run(
            *question, workers=workers, on_error="return", callback_timeout=PROBE_TIMEOUT_S
        )
        return {f"worker {worker}": answer for worker, answer in answers.items()}


def _require(question: Question, answers: Mapping[str, Any]) -> None:
    """Raise an error that says what is missing where, if an answer tells of it."""
    faults = {who: fault for who, answer in answers.items() if (fault := _fault(question, answer))}
    if faults:
        who, fault = next(iter(faults.items()))
        others = f" ({len(faults)} of {len(answers)} workers)" if len(answers) > 1 else ""
        raise ClusterError(
            f"Training needs CNN Lab {__version__} on the scheduler and on each worker, but "
            f"{who} {fault}{others}. Install it there with `pip install '.[train]'` in a "
            "copy of CNN Lab's folder, and start scheduler and workers again."
        )


def _fault(question: Question, answer: Any) -> str:
    """Return what an answer says is wrong; empty if nothing."""
    if isinstance(answer, OSError):
        return ""  # gone in the meantime
    if isinstance(answer, ImportError) and answer.name:
        return f"does not have {answer.name}"
    if isinstance(answer, AttributeError):
        return "has another version"
    if isinstance(answer, Exception):
        return f"cannot import it ({type(answer).__name__}: {quoted(answer)})"
    if question is VERSION and answer != __version__:
        return f"has version {answer}"
    return ""


def quoted(error: Exception) -> str:
    """Return a foreign error's message, shortened."""
    return shorten(str(error), MAX_QUOTED, placeholder=" …")
