"""Recorded runs: every batch of them, and what they say of the networks that they trained."""

import math

import numpy as np
import pytest

from cnn_lab.network import zoo
from cnn_lab.network.initial import initial_weights
from cnn_lab.runs.recording import RECORDINGS, Recording, recording

NAMES = sorted(path.stem for path in RECORDINGS.glob("*.safetensors"))


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_is_a_run_of_the_preset_from_its_first_batch_to_its_test(name):
    """Batches add up to the epochs, and the first filters are those of the seed."""
    recorded, preset = recording(name), zoo.preset(name)
    assert recorded is not None
    assert (recorded.network, recorded.training) == (preset.network, preset.training)
    rows = recorded.batches()
    n_batches = math.ceil(recorded.n_train / preset.training.batch_size)
    assert len(rows) == n_batches * preset.training.epochs
    assert abs(rows[0]["loss"] - math.log(10)) < 1  # nothing learned yet
    sizes = np.diff([0, *(row["n_images"] for row in rows)])
    for epoch, told in enumerate(recorded.history):
        part = slice(epoch * n_batches, (epoch + 1) * n_batches)
        for measure in ("loss", "accuracy"):
            values = [row[measure] for row in rows[part]]
            assert np.average(values, weights=sizes[part]) == pytest.approx(told[measure], abs=1e-5)
    assert recorded.result["test_accuracy"] == 1 - recorded.result["errors"] / 10_000
    assert (recorded.filters_at[0], recorded.filters_at[-1]) == (0, len(rows))
    drawn = initial_weights(preset.network, preset.training.seed)["conv1/kernel"]
    np.testing.assert_allclose(recorded.filters[0], drawn, atol=1e-3)


def test_a_recording_is_the_same_after_writing_and_reading(tmp_path):
    recorded = recording("fast")
    assert recorded is not None
    (tmp_path / "copy.safetensors").write_bytes(recorded.to_bytes())
    again = Recording.load(tmp_path / "copy.safetensors")
    np.testing.assert_equal(vars(again), vars(recorded))


def test_a_preset_that_was_not_recorded_has_none():
    assert recording("../fast") is None
