"""Connection to a Dask scheduler: its encryption, and what a foreign cluster must have installed.

Anyone who can connect to a Dask scheduler or worker can run any code there. So each connection
needs a certificate, also from another process on the same machine.
"""

# Dask has only partial type hints.
# mypy: allow-untyped-calls

import logging
import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from ipaddress import ip_address
from pkgutil import resolve_name
from textwrap import shorten
from typing import Any

import dask
from distributed import Client, Future, LocalCluster, Security
from distributed.comm.addressing import parse_address, parse_host_port

from cnn_lab import __version__
from cnn_lab.runs.job import TrainingFailedError

CONNECT_TIMEOUT_S = 15
PROBE_TIMEOUT_S = 15
TICK_S = 0.5
MAX_QUOTED = 200  # characters of a foreign error message
SCHEDULER = "CNN_LAB_SCHEDULER"
UNENCRYPTED = "CNN_LAB_UNENCRYPTED_SCHEDULER"
ENCRYPTED = ("tls", "wss")
Question = tuple[Callable[[str], Any], str]
VERSION: Question = (resolve_name, "cnn_lab:__version__")
WORKER: Question = (resolve_name, "cnn_lab.runs.worker:TOPIC")
KERAS: Question = (version, "keras")
WORKER_FIELDS = ("tls_ca_file", "tls_worker_cert", "tls_worker_key")

# For every Dask process started here: no sampling profiler during training, no pages about its
# state, which anyone on this machine could read.
QUIET: Mapping[str, Any] = {
    "distributed.worker.profile.enabled": False,
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
        If it does not answer, does not accept this server's certificate, or would be reached
        over a network without encryption.
    """
    if isinstance(scheduler, str) and is_exposed(scheduler) and os.environ.get(UNENCRYPTED) != "1":
        raise ClusterError(
            "The training scheduler is on another machine and its address does not begin with "
            "tls://, so anyone on the network between could run code here. Set up certificates, "
            f"or set {UNENCRYPTED}=1 if that network is yours alone. "
            f"Received: {SCHEDULER}={scheduler!r}"
        )
    try:
        with dask.config.set(QUIET):
            return Client(
                scheduler, timeout=CONNECT_TIMEOUT_S, set_as_default=False, name="cnn-lab"
            )
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        received = f"Received: {SCHEDULER}={scheduler!r}" if isinstance(scheduler, str) else ""
        raise ClusterError(f"{_why_unconnected(error)} {received}".strip()) from error


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
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return (
            "The training scheduler and this server do not accept each other's certificates. "
            "Both must be signed by the authority in Dask's setting "
            "distributed.comm.tls.ca-file."
        )
    if isinstance(error, TypeError):
        return (
            "The training scheduler needs a certificate, and this server has none. Name its files "
            "in Dask's settings distributed.comm.tls.ca-file, .client.cert and .client.key."
        )
    if isinstance(error, FileNotFoundError):
        return f"A certificate for the training scheduler is not there: {error.filename}."
    return (
        "The training scheduler does not answer. Is it running at this address, and does it "
        "expect tls:// or tcp://?"
    )


def explained(error: Exception) -> str:
    """Return what an error in a task of a worker means, in words that begin a sentence."""
    what = f"{type(error).__name__}: {quoted(error)}"
    if isinstance(error, ImportError | AttributeError) or type(error).__name__ == "ValidationError":
        what += (
            " The worker may have another copy of CNN Lab or of its libraries: install this one "
            "there with `pip install .`, and start it again."
        )
    return what


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
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._fit: set[str] = set()
        self._asking: Future[Any] | None = None

    def run(self) -> bool:
        """Ask the scheduler and the workers that have come since the last time.

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
            if not self._fit:
                for question in (VERSION, WORKER):
                    _require(question, self._scheduler_answer(question))
            found = set(self._client.nthreads(callback_timeout=PROBE_TIMEOUT_S))
            if new := sorted(found - self._fit):
                for question in (VERSION, WORKER, KERAS):
                    _require(question, self._worker_answers(new, question))
            self._fit = found
            # A cluster that grows on demand starts a worker only for a task.
            self._asking = None if found else self._asking or self._client.submit(*VERSION)
        except OSError:
            # A worker that is busy or just gone; the run itself reports what it meets there.
            _log.warning("The scheduler or a worker did not answer in time.", exc_info=True)
        return bool(self._fit)

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
            f"{who} {fault}{others}. Install it there with `pip install .` in a copy of CNN "
            "Lab's folder, and start scheduler and workers again."
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
