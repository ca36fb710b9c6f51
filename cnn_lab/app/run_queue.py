"""Run queue of this server, and the browser that owns each run."""

import hashlib
import secrets

import streamlit as st

from cnn_lab.app.admission import UNKNOWN, VISITOR
from cnn_lab.app.allowance import over_limit
from cnn_lab.app.messages import explained
from cnn_lab.app.watching import note_refusal, watch_run
from cnn_lab.data.mnist import Split
from cnn_lab.network import Network
from cnn_lab.ops.environment import KEPT_RUNS, MAX_DAYS, MAX_RUNS, QUEUE_LENGTH, SCHEDULER
from cnn_lab.runs.job import RunRefusedError, RunSpec, Status, UnknownRunError, progress
from cnn_lab.runs.ledger import ANONYMOUS
from cnn_lab.runs.queue import RunQueue
from cnn_lab.runs.store import Kept, Store, runs_folder

PULSE_EVERY_S = 10
RUN = "run"
FOLLOWED = "training_followed"  # the run whose settings the controls have been set to
_SESSION_OWNER = "training_owner"


@st.cache_resource(show_spinner=False, on_release=RunQueue.close)
def run_queue() -> RunQueue:
    """Return the server's run queue; no process starts before a run or `warm` needs one."""
    kept = Kept(each=KEPT_RUNS.value(), in_all=MAX_RUNS.value(), days=MAX_DAYS.value())
    return RunQueue(Store(runs_folder(), kept=kept), SCHEDULER.value(), length=QUEUE_LENGTH.value())


def owner() -> str:
    """Return a name for this browser, the same after a reload.

    Derived from the visitor that `Admission` knows by a signed cookie, which no client can make
    up. Where a host runs app.py only as a script, without `Admission`, it is derived from the
    random token that Streamlit gives each browser to protect uploads. Without either the session is
    used instead: a reload counts as a new browser, and all such browsers together may have a few
    runs.
    """
    visitor = st.context.headers.get(VISITOR)
    if visitor is None:
        browser = _browser_token(st.context.cookies.get("_streamlit_xsrf", ""))
    else:
        browser = visitor.encode() if visitor != UNKNOWN else None
    if browser is not None:
        return hashlib.sha256(b"cnn-lab" + browser).hexdigest()[:24]
    return str(st.session_state.setdefault(_SESSION_OWNER, ANONYMOUS + secrets.token_hex(12)))


def heartbeat(page: str) -> None:
    """Keep this browser's run alive from any page; the frame calls it on every page.

    An open page counts as presence. During a run, a fragment also reports it every few
    seconds, in case the connection was lost and restored, and shows the progress of the run in
    the sidebar. The Training page does both itself.
    """
    be_here()
    run_id = run_queue().latest(owner())
    if page != "training" and run_id is not None and run_queue().status(run_id).active:
        with st.sidebar:
            _pulse(run_id)


def be_here() -> None:
    """Report to the queue that this browser is present."""
    who = owner()
    _presence(who)
    run_queue().touch(who)


@st.cache_resource(scope="session", show_spinner=False, on_release=lambda here: here.end())
def _presence(who: str) -> "_Presence":
    return _Presence(run_queue(), who)


class _Presence:
    """A connected page, counted by the queue as long as Streamlit keeps this object."""

    def __init__(self, where: RunQueue, who: str) -> None:
        self._where, self._who = where, who
        where.arrive(who)

    def end(self) -> None:
        self._where.leave(self._who)


@st.fragment(run_every=PULSE_EVERY_S)
def _pulse(run_id: str) -> None:
    be_here()
    status = run_queue().status(run_id)
    if status.active:
        done = progress(status.spec, run_queue().events(run_id)).share
        st.caption(f":material/model_training: A run is in progress: {done:.0%}")
    else:
        st.caption(":material/check: Your run has ended")
    st.page_link("pages/training.py", label="View it", query_params={RUN: run_id})


def start(
    spec: RunSpec, initial: tuple[str, Network] | None = None, own: Split | None = None
) -> str:
    """Submit a run and put its id into the address, or return why it is refused.

    Parameters
    ----------
    spec : RunSpec
    initial : (str, Network), optional
        Name and network whose weights it begins with.
    own : Split, optional
        The reader's own drawings.

    Returns
    -------
    str
        A sentence for the page; empty if the run is submitted.
    """
    if sentence := over_limit("run"):
        return sentence
    try:
        run_id = run_queue().submit(spec, owner(), initial, own=own)
    except RunRefusedError as error:
        note_refusal("run")
        return explained(error)
    st.query_params[RUN] = st.session_state[FOLLOWED] = run_id
    watch_run(run_id, run_queue().status)
    return ""


def followed_run() -> Status | None:
    """Return the run named in the address, or this browser's newest run.

    If the address names an unknown run, a warning is shown.
    """
    asked = st.query_params.get(RUN)
    if asked is not None:
        try:
            return run_queue().status(asked)
        except UnknownRunError as error:
            st.warning(explained(error), title="Run not found")
    newest = run_queue().latest(owner())
    return run_queue().status(newest) if newest is not None else None


def may_steer(status: Status) -> bool:
    """Return whether this browser may control the run, which it may only if it alone owns it."""
    return status.owners == (owner(),)


def shares(status: Status) -> bool:
    """Return whether this browser has asked for a run that others have asked for as well."""
    return len(status.owners) > 1 and owner() in status.owners


def _browser_token(cookie: str) -> bytes | None:
    """Return the token inside a cookie of the form version|mask|masked token|time.

    The mask, and with it the cookie, changes on every page load; the token does not.
    """
    parts = cookie.split("|")
    try:
        mask, masked = bytes.fromhex(parts[1]), bytes.fromhex(parts[2])
    except (IndexError, ValueError):
        return None
    if len(mask) != 4 or not masked:
        return None
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked))
