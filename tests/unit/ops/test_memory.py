"""What this process does with memory that it has used."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cnn_lab.ops import memory
from cnn_lab.ops.memory import N_HEAPS, return_freed_regularly

HEAPS = """
import ctypes, sys, threading
from cnn_lab.ops.memory import keep_little
keep_little()
together, kept = threading.Barrier(9), []

def work():
    together.wait()
    kept.append([bytes(600 + n) for n in range(20_000)])
    together.wait()

for _ in range(8):
    threading.Thread(target=work, daemon=True).start()
together.wait()
together.wait()
library = ctypes.CDLL(None)
library.fopen.restype = ctypes.c_void_p
library.fclose.argtypes = [ctypes.c_void_p]
library.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
file = library.fopen(sys.argv[1].encode(), b"w")
library.malloc_info(0, file)
library.fclose(file)
"""


def test_the_threads_of_a_page_process_share_one_heap(tmp_path: Path) -> None:
    """Streamlit runs each script in a new thread; without a limit these have ten heaps here."""
    path = tmp_path / "heaps.xml"
    subprocess.run([sys.executable, "-c", HEAPS, str(path)], timeout=120, check=True)
    assert path.read_text().count("<heap nr=") == N_HEAPS


LARGE = """
import numpy as np, psutil
from cnn_lab.ops.memory import keep_little
keep_little()
resident = lambda: psutil.Process().memory_info().rss
np.ones(16 * 2**20, np.uint8)  # freed: from now on the C library would keep smaller ones
before = resident()
pairs = [(np.ones(2**20, np.uint8), bytes(1000)) for _ in range(50)]
kept = [small for large, small in pairs]
del pairs
print(resident() - before)
"""


def test_large_arrays_leave_no_gaps() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LARGE], timeout=120, check=True, capture_output=True
    )
    assert int(done.stdout) < 5e6  # of 52 MB


FREED = """
import numpy as np, psutil
from cnn_lab.ops.memory import return_freed
resident = lambda: psutil.Process().memory_info().rss
held = [np.ones(10_000, np.uint8) for _ in range(20_000)]  # 200 MB
held = held[::100]  # what is left keeps the end of the heap in its place
before = resident()
return_freed()
print(before - resident())
"""


def test_what_scripts_have_freed_goes_back_to_the_system() -> None:
    """Of 198 MB that are freed here, the C library itself gives back only the end."""
    done = subprocess.run(
        [sys.executable, "-c", FREED], timeout=120, check=True, capture_output=True
    )
    assert int(done.stdout) > 100e6


def test_memory_is_returned_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    returned = threading.Semaphore(0)
    monkeypatch.setattr(memory, "RETURN_EVERY_S", 0.01)
    monkeypatch.setattr(memory, "return_freed", returned.release)
    return_freed_regularly()
    assert all(returned.acquire(timeout=60) for _ in range(3))
