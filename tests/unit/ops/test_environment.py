"""What a host may set, and that no process starts with a setting that makes no sense."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cnn_lab.ops import environment
from cnn_lab.ops.environment import SETTINGS, SettingsError, problems, table
from tools.server import ROOT, free_port, streamlit_command

NONSENSE = {
    "CNN_LAB_SCHEDULER": (
        "http://host:8786",
        "tls://",
        "tls://host:99999",
        "tls://host:port",
        "tls://me@host:8786",
        "tls://[::1",
        "inproc://x:1",
        "host",
        "a b:1",
    ),
    "CNN_LAB_UNENCRYPTED_SCHEDULER": ("yes", "2", "01"),
    "CNN_LAB_MAX_SESSIONS": ("0", "all"),
    "CNN_LAB_MAX_TABS": ("0", "1001"),
    "CNN_LAB_RUN_LIMIT": ("60", "0 an hour", "60 a hour", "-1 a day"),
    "CNN_LAB_UPLOAD_LIMIT": ("many a day", "1.5 a day"),
    "CNN_LAB_EXPORT_LIMIT": ("None", "60/hour"),
    "CNN_LAB_CHECK_LIMIT": ("an hour", "1000000 an hour"),
    "CNN_LAB_QUEUE_LENGTH": ("-1", "1.5", "many", "10001", "9" * 5000, "٣"),
    "CNN_LAB_FRAME_ANCESTORS": ("'self'; script-src *", "a,b", "https://a.example\nx: y"),
    "CNN_LAB_REDIS": ("localhost:6379", "http://host", "redis://", "redis:host", "redis://h:0"),
    "CNN_LAB_RUNS": (__file__, "s4://bucket/runs"),
    "CNN_LAB_KEPT_RUNS": ("0", "1e3"),
    "CNN_LAB_MAX_RUNS": ("0", "-5"),
    "CNN_LAB_MAX_DAYS": ("0", "36501"),
    "CNN_LAB_DATA": (__file__,),
    "CNN_LAB_METRICS": ("on",),
    "CNN_LAB_LOG": ("JSON", "text"),
}
SENSE = {
    "CNN_LAB_SCHEDULER": ("tls://host:8786", "tcp://[::1]:8786", "127.0.0.1:8786"),
    "CNN_LAB_UNENCRYPTED_SCHEDULER": ("0", "1"),
    "CNN_LAB_MAX_SESSIONS": ("1", "100000"),
    "CNN_LAB_MAX_TABS": ("1",),
    "CNN_LAB_RUN_LIMIT": ("none", "1 a minute"),
    "CNN_LAB_UPLOAD_LIMIT": ("999999 a day",),
    "CNN_LAB_EXPORT_LIMIT": ("60 an hour",),
    "CNN_LAB_CHECK_LIMIT": ("none",),
    "CNN_LAB_QUEUE_LENGTH": ("0", "10000"),
    "CNN_LAB_FRAME_ANCESTORS": ("'self' https://moodle.example.org", "*"),
    "CNN_LAB_REDIS": ("redis://host", "rediss://:password@host:6380/1", "unix:///run/redis.sock"),
    "CNN_LAB_RUNS": ("runs", "memory://runs", "file:///runs", str(ROOT)),
    "CNN_LAB_KEPT_RUNS": ("1",),
    "CNN_LAB_MAX_RUNS": ("100000",),
    "CNN_LAB_MAX_DAYS": ("1", "007"),
    "CNN_LAB_METRICS": ("0", "1"),
    "CNN_LAB_LOG": ("json", "off"),
    "CNN_LAB_DATA": ("a folder that is not there yet", str(ROOT)),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_takes_what_makes_sense_and_nothing_else(name: str) -> None:
    for received in SENSE[name]:
        assert list(problems({name: received})) == []
    for received in NONSENSE[name]:
        with pytest.raises(SettingsError, match=f"{name} must be .*Received: "):
            SETTINGS[name].value({name: received})


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_is_empty_or_not_there_has_its_default(name: str) -> None:
    setting = SETTINGS[name]
    assert setting.value({}) == setting.value({name: ""}) == setting.default


def test_all_that_is_wrong_is_named_at_once() -> None:
    """H17: one sentence for each setting."""
    wrong = {name: received[0] for name, received in NONSENSE.items()}
    found = list(problems({**wrong, "CNN_LAB_": "", "HOME": "/"}))
    assert len(found) == len(wrong) + 1
    for sentence, name in zip(found, [*wrong, "CNN_LAB_"], strict=True):
        assert name in sentence
        assert "Received: " in sentence


def test_a_name_with_a_typing_error_is_named_with_the_one_that_was_meant() -> None:
    [sentence] = problems({"CNN_LAB_QUEUE_LENGHT": "3"})
    assert "CNN_LAB_QUEUE_LENGHT" in sentence
    assert "CNN_LAB_QUEUE_LENGTH" in sentence


def test_what_kubernetes_adds_for_a_service_of_ours_is_no_setting() -> None:
    added = {
        "CNN_LAB_SERVICE_HOST": "10.0.0.1",
        "CNN_LAB_SERVICE_PORT_HTTP": "80",
        "CNN_LAB_PORT": "tcp://10.0.0.1:80",
        "CNN_LAB_SCHEDULER_PORT_8786_TCP_ADDR": "10.0.0.2",
        "CNN_LAB_SCHEDULER_PORT_8786_TCP": "tcp://10.0.0.2:8786",
    }
    assert list(problems(added)) == []


def test_no_message_repeats_a_password() -> None:
    [sentence] = problems({"CNN_LAB_REDIS": "http://:secret@host"})
    assert "secret" not in sentence


def test_a_long_value_is_cut_short_in_its_message() -> None:
    [sentence] = problems({"CNN_LAB_MAX_DAYS": "9" * 5000})
    assert len(sentence) < 300


def test_the_hosts_document_has_the_table() -> None:
    assert table() in (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")


def test_every_variable_is_read_through_the_table() -> None:
    """Otherwise it would be neither checked when a process starts nor documented."""
    for path in (ROOT / "cnn_lab").rglob("*.py"):
        if path != Path(environment.__file__):
            source = path.read_text(encoding="utf-8")
            assert 'environ.get("CNN_LAB' not in source
            assert 'environ["CNN_LAB' not in source


@pytest.mark.parametrize(
    "command",
    [
        streamlit_command(ROOT / "app.py", free_port()),
        [sys.executable, "-m", "uvicorn", "asgi:app", "--port", str(free_port())],
        [sys.executable, "-m", "cnn_lab.runs.worker", "tls://127.0.0.1:1", "resource"],
        [sys.executable, "-m", "cnn_lab", "sweep"],
    ],
    ids=["server", "another server", "worker", "command"],
)
def test_no_process_starts_with_settings_that_make_no_sense(command: list[str]) -> None:
    """H17: it ends with status 2 and names all of them."""
    wrong = {"CNN_LAB_MAX_DAYS": "many", "CNN_LAB_SCHEDULER": "tls://", "CNN_LAB_KEPT": "3"}
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **wrong},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    for name in wrong:
        assert name in ended.stderr
