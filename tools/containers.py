"""What deploy/Containerfile and deploy/compose.yaml say, read, and run without containers.

`python -m tools.containers` builds both images into a bare folder, as far as that goes without a
container: the same commands, with the folder in front of each path. Then it starts them with the
commands and the environment of compose.yaml, as user 1000 where it may, in a tree that they cannot
write to, and trains a network. It needs the package index that `pip` and `uv` are set up for.
"""

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tools.server import LOOPBACK, ROOT, free_port, is_healthy, is_open, stop

CONTAINERFILE = ROOT / "deploy" / "Containerfile"
COMPOSE = ROOT / "deploy" / "compose.yaml"
USER = 1000
PATIENCE_S = 300
TICK_S = 0.1
# Folders of the images that stand in the bare folder instead.
FOLDERS = ("/build", "/venv", "/lab", "/store", "/certificate")
# Programs that need root; what they prepare is prepared here by hand.
AS_ROOT = ("useradd", "install")
INTERPRETERS = (sys.executable, "python3.13", "python3.12", "python3.11", "/usr/bin/python3")
TRAIN = """
import os, sys
from importlib.util import find_spec
from cnn_lab.network.zoo import preset
from cnn_lab.runs.job import RunSpec
from cnn_lab.runs.queue import RunQueue

assert find_spec("tensorflow") is None and find_spec("keras") is None
assert not os.access("cnn_lab", os.W_OK) and not os.access("asgi.py", os.W_OK)
fast = preset("fast")
training = fast.training.model_copy(update={"epochs": 1, "data_fraction": 0.02})
queue = RunQueue(os.environ["CNN_LAB_RUNS"], os.environ["CNN_LAB_SCHEDULER"])
spec = RunSpec(network=fast.network, training=training, engine="keras")
run_id = queue.submit(spec, owner="host")
status = queue.wait(run_id, lambda status: not status.active, 240)
print(status.state, status.sentence)
queue.close()
sys.exit(status.state != "done")
"""


@dataclass
class Stage:
    """A stage of a Containerfile, with all instructions of the stages that it is based on.

    Attributes
    ----------
    base : str
        The image that it begins with.
    instructions : list of (str, str)
        Keyword and the rest, in order.
    """

    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def last(self, keyword: str) -> str:
        """Return the rest of the last instruction with a keyword, which overrides the others."""
        return [rest for word, rest in self.instructions if word == keyword][-1]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that it sets."""
        pairs = [rest for word, rest in self.instructions if word == "ENV"]
        return dict(pair.split("=", 1) for rest in pairs for pair in shlex.split(rest))


def stages(text: str) -> dict[str, Stage]:
    """Return the stages of a Containerfile by name.

    Parameters
    ----------
    text : str
        One instruction a line.
    """
    found: dict[str, Stage] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            base, _, name = rest.split()
            before = found.get(base, Stage(base))
            current = found[name] = Stage(before.base, [*before.instructions])
        else:
            current.instructions.append((keyword, rest))
    return found


def copies(stage: Stage) -> Iterator[tuple[str | None, Sequence[str], str]]:
    """Yield the stage that each COPY takes from, if any, its sources and its destination."""
    for keyword, rest in stage.instructions:
        if keyword == "COPY":
            words = rest.split()
            origin = words.pop(0).removeprefix("--from=") if words[0].startswith("--") else None
            yield origin, words[:-1], words[-1]


def services(text: str) -> dict[str, dict[str, Any]]:
    """Return the services of a compose file by name."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    return found


def build(root: Path, target: str, interpreter: str) -> None:
    """Carry out the instructions of the Containerfile for a target, inside a folder.

    Parameters
    ----------
    root : Path
        The folder that stands for "/".
    target : str
    interpreter : str
        The Python that stands for the one of the base image.
    """
    known = stages(CONTAINERFILE.read_text(encoding="utf-8"))

    def carry_out(stage: Stage) -> None:
        working = root
        # Compiling takes longer than all the rest together, and proves nothing.
        environment = {**os.environ, **stage.environment, "UV_COMPILE_BYTECODE": "0"}
        environment["PATH"] = os.environ["PATH"]
        for keyword, rest in stage.instructions:
            if keyword == "WORKDIR":
                working = Path(inside(root, rest, interpreter))
                working.mkdir(parents=True, exist_ok=True)
            elif keyword == "RUN":
                command = [inside(root, word, interpreter) for word in json.loads(rest)]
                if command[0] not in AS_ROOT:
                    print("+", shlex.join(command), flush=True)
                    subprocess.run(command, cwd=working, env=environment, check=True)
            elif keyword == "COPY":
                copy(working, rest)

    def copy(working: Path, rest: str) -> None:
        *sources, destination = rest.split()
        if sources[0].startswith("--from="):  # made in this same folder
            carry_out(known[sources[0].removeprefix("--from=")])
            return
        for source in sources:
            place = working / destination
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                place = place / Path(source).name if destination == "./" else place
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, place)

    root.mkdir()
    carry_out(known[target])
    shutil.rmtree(root / "build")
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


def inside(root: Path, word: str, interpreter: str) -> str:
    """Return a word of an image's command, with the folder in front of each path of the image."""
    if word in ("python", "python3"):
        return interpreter
    return re.sub(rf"(?<![\w/])({'|'.join(FOLDERS)})(?![\w-])", rf"{root}\1", word)


class Host:
    """The services of compose.yaml, run from two folders as another user.

    Parameters
    ----------
    folder : Path
        Holds "pages" and "worker", as `build` makes them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._services = services(COMPOSE.read_text(encoding="utf-8"))
        self._stages = stages(CONTAINERFILE.read_text(encoding="utf-8"))
        self._ports = {"8786": str(free_port()), "8501": str(free_port())}
        self.page_url = f"http://{LOOPBACK}:{self._ports['8501']}"
        self.scheduler_port = int(self._ports["8786"])
        for name in ("store", "certificate", "home"):
            (folder / name).mkdir()
            if may_change_user():
                os.chown(folder / name, USER, USER)

    def start(
        self, service: str, command: Sequence[str] | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start a service, or another command as that service would run it."""
        asked = self._services[service]
        target = asked["image"].removeprefix("cnn-lab-")
        stage = self._stages[target]
        if command is None:
            command = asked.get("command") or json.loads(stage.last("CMD"))
        variables = {**stage.environment, **asked.get("environment", {})}
        variables.pop("CNN_LAB_REDIS", None)  # class rooms have tests of their own
        variables["STREAMLIT_SERVER_COOKIE_SECRET"] = "one for all replicas"
        # From the caller's environment only where programs are: nothing else is there in an image.
        environment = {name: self._here(text, target) for name, text in variables.items()}
        environment |= {
            "PATH": f"{self._folder / target}/venv/bin:{os.environ['PATH']}",
            "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "error",
            "HOME": str(self._folder / "home"),
            "TMPDIR": str(self._folder / "home"),
        }
        return subprocess.Popen(
            [self._here(word, target) for word in command],
            cwd=self._folder / target / "lab",
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            **as_user(),
        )

    def run(self, service: str, command: Sequence[str] | None = None) -> None:
        """Run a service, or another command as that service would run it, to its end."""
        process = self.start(service, command)
        if process.wait(PATIENCE_S) != 0:
            raise RuntimeError(f"{service} ended with status {process.returncode}.")

    def _here(self, word: str, target: str) -> str:
        for port, free in self._ports.items():
            word = re.sub(rf"(?<!\d){port}(?!\d)", free, word)
        word = word.replace("//scheduler:", f"//{LOOPBACK}:").replace("0.0.0.0", LOOPBACK)
        word = re.sub(r"^/tmp$", str(self._folder / "home"), word)
        word = re.sub(r"^/(store|certificate)(?![\w-])", rf"{self._folder}/\1", word)
        venv = str(self._folder / target / "venv/bin/python")
        return inside(self._folder / target, word, venv)


def may_change_user() -> bool:
    """Return whether this process may start others as another user."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def as_user() -> dict[str, Any]:
    """Return what starts a process as user 1000, or as this user where no other is possible."""
    if not may_change_user():
        return {}
    return {"user": USER, "group": USER, "extra_groups": []}


def find_interpreter(folder: Path) -> str:
    """Return a Python that user 1000 can start, a copy of this one in a folder if need be.

    Raises
    ------
    RuntimeError
        If there is none.
    """
    for name in INTERPRETERS:
        path = shutil.which(name)
        if path is not None and _can_start(path := os.path.realpath(path)):
            return path
    # This one may be in a home that no other user can read.
    unneeded = shutil.ignore_patterns("site-packages", "test", "__pycache__")
    shutil.copytree(sys.base_prefix, folder / "python", symlinks=True, ignore=unneeded)
    path = str(folder / "python/bin" / f"python3.{sys.version_info.minor}")
    if _can_start(path):
        return path
    raise RuntimeError(
        "No Python 3.11, 3.12 or 3.13 with ensurepip is where another user can start it."
    )


def _can_start(path: str) -> bool:
    """Return whether user 1000 can start a Python, and the lab can be installed with it."""
    check = "import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))"
    try:
        subprocess.run([path, "-c", check], check=True, capture_output=True, **as_user())
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def main() -> int:
    """Build, serve, train; print what was done."""
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="cnn-lab-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        interpreter = find_interpreter(folder)
        try:
            for target in ("pages", "worker"):
                build(folder / target, target, interpreter)
            host = Host(folder)
            host.run("certificate")
            started += [host.start("scheduler")]
            wait_for(lambda: is_open(host.scheduler_port), started)
            started += [host.start("worker"), host.start("pages-1")]
            wait_for(lambda: is_healthy(host.page_url), started)
            host.run("pages-1", ["python", "-c", TRAIN])
        finally:
            for process in reversed(started):
                stop(process)
    who = f"user {USER}" if may_change_user() else "this user, who is not root"
    print(f"Built, served and trained as {who}, from a tree that cannot be written to.")
    return 0


def wait_for(is_ready: Callable[[], bool], processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Return when something is ready; raise if a process ends first."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_ready():
        ended = [process.args for process in processes if process.poll() is not None]
        if ended or time.monotonic() > deadline:
            raise RuntimeError(f"Not ready. Ended: {ended}")
        time.sleep(TICK_S)


if __name__ == "__main__":
    sys.exit(main())
