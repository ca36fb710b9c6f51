"""Folders of runs and sweeps with damaged files, read by the library and shown by Training."""

import os
import random as plain
import shutil
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
from streamlit.testing.v1 import AppTest

from cnn_lab.runs.queue import RunQueue
from tests import damage
from tests.app.kept_runs import add_snapshots, judged, keep
from tests.app.test_sweeping import SWEEP_ID
from tests.app.test_sweeping import keep as keep_sweep
from tests.fake_cluster import FakeCluster
from tools.server import ROOT

IN_TESTS = 12
TIMEOUT_S = 120
SWEEP_SHARE, PAGE_SHARE = 0.1, 0.2
LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz0123456789"))


def kind(random: np.random.Generator) -> None:
    """Damage a folder, read all of it, and now and then open its page."""
    runs = Path(os.environ["CNN_LAB_RUNS"])
    dice, name = plain.Random(int(random.integers(2**32))), "".join(random.choice(LETTERS, 16))
    if random.random() < SWEEP_SHARE:
        sound, folder = _sound_sweep(runs), runs / "sweeps" / name
        query = {"sweep": name}
    else:
        sound, folder = _sound_run(runs), runs / name
        tab = dice.choice(("Results", "Replay", "Compare", "Download"))
        query = {"run": name, "training_compare": "fast", "training_result": tab}
    shutil.copytree(sound, folder)
    if "sweep" in query:
        record = folder / "sweep.json"
        record.write_text(record.read_text().replace(SWEEP_ID, name))
    try:
        done = damage.damage(folder, dice, times=dice.choice((1, 1, 1, 3)))
        if "run" in query:
            damage.check_readers(folder)
        if "sweep" in query or random.random() < PAGE_SHARE:
            problems = [each.message for each in _open(query).exception]
            assert not problems, f"{done}: {problems}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _open(query: dict[str, str]) -> AppTest:
    with (
        patch("streamlit.runtime.context._get_client_context", lambda: None),
        patch("cnn_lab.app.run_queue.RunQueue", partial(RunQueue, cluster=FakeCluster())),
    ):
        page = AppTest.from_file(ROOT / "app.py", default_timeout=TIMEOUT_S)
        page.session_state["training_code"] = True
        page.run()
        page.query_params.update(query)
        return page.switch_page("pages/training.py").run()


def _sound_run(runs: Path) -> Path:
    """Return the folder of a run as it should be, made once."""
    parent = runs / "sound"
    if not parent.is_dir():
        run_id = keep(parent, judged())
        add_snapshots(parent, run_id)
    return next(parent.iterdir())


def _sound_sweep(runs: Path) -> Path:
    """Return the folder of a sweep as it should be, made once."""
    folder = runs / "sound sweep" / "sweeps" / SWEEP_ID
    if not folder.is_dir():
        keep_sweep(runs / "sound sweep")
    return folder
