"""Processes that are started again when they die, and a kit that cannot start."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.processes import PATIENCE_S, bounded
from tools.serve import ROOT, Part, StartError, serving_kit, tended

SLEEP = [sys.executable, "-c", "print('here', flush=True); import time; time.sleep(600)"]

# A kit of two parts, one of which has been restarted, and the other has started another process.
# Prints the number of each, and goes on until it is killed.
KIT = """
import subprocess, sys, threading
from pathlib import Path
from tools.serve import Part, tended

SLEEP = "print('here', flush=True); import time; time.sleep(600)"
PARENT = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid); "

def part(name, program):
    log = Path(sys.argv[1], name)
    return Part(name, [sys.executable, "-c", program], {}, log, lambda: "here" in log.read_text())

parts = [part("plain", SLEEP), part("parent", PARENT + SLEEP)]
with tended(parts):
    parts[0].restart()
    child = int(parts[1].log.split()[0])
    print(*(one.pid for one in parts), child, flush=True)
    threading.Event().wait(600)
"""


@pytest.fixture
def part(tmp_path: Path) -> Iterator[Part]:
    log = tmp_path / "part.log"
    one = Part("part", SLEEP, {}, log, lambda: one.log.count("here") == one.n_starts)
    with tended([one]):
        yield one
    assert one.process.poll() is not None


def test_a_process_that_is_killed_is_started_again(part: Part) -> None:
    before = part.pid
    part.kill()
    part.wait_ready()
    assert (part.n_starts, part.pid != before) == (2, True)


def test_a_process_is_restarted_on_demand(part: Part) -> None:
    before = part.pid
    part.restart()
    assert (part.n_starts, part.pid != before) == (2, True)
    assert part.process.poll() is None


def test_a_kit_with_settings_that_make_no_sense_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(StartError, match="CNN_LAB_QUEUE_LENGTH must be"),
        serving_kit(tmp_path, pages=1, workers=0, CNN_LAB_QUEUE_LENGTH="many"),
    ):
        pass


def test_a_kit_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    with (
        subprocess.Popen(
            [sys.executable, "-c", KIT, tmp_path], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as kit,
        bounded(kit),
    ):
        assert kit.stdout is not None
        processes = [psutil.Process(int(pid)) for pid in kit.stdout.readline().split()]
        assert len(processes) == 3
        kit.kill()
    _, alive = psutil.wait_procs(processes, PATIENCE_S)
    assert alive == []
