import pickle

import pytest

from cnn_lab.network import zoo
from cnn_lab.network.spec import (
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    NetworkSpec,
    Softmax,
    TrainingSpec,
    plain_error,
)
from cnn_lab.runs.job import (
    MAX_EPOCHS,
    MAX_PARAMETERS,
    CommandRefusedError,
    Event,
    RunSpec,
    UnknownRunError,
    checked_run_id,
    checked_settings,
    new_run_id,
    progress,
)

FAST = zoo.preset("fast").network


def spec(**training: object) -> RunSpec:
    return RunSpec(network=FAST, training=TrainingSpec.model_validate(training))


def batch(n_images: int, seconds: float, *, epoch: int = 1, number: int = 1) -> Event:
    values = {
        "epoch": epoch,
        "batch": number,
        "loss": 1.0,
        "accuracy": 0.5,
        "n_images": n_images,
        "seconds": seconds,
    }
    return Event("batch", seconds, values)


def test_run_ids_pass_their_own_check_and_differ() -> None:
    ids = {new_run_id() for _ in range(200)}
    assert len(ids) == 200
    assert {checked_run_id(run_id) for run_id in ids} == ids


@pytest.mark.parametrize("text", ["", "..", "../../etc/passwd", "a" * 17, "a/" * 8, "é" * 16])
def test_an_id_that_is_none_is_never_looked_up(text: str) -> None:
    with pytest.raises(UnknownRunError, match="Received: run="):
        checked_run_id(text)


def test_an_unknown_run_reads_the_same_in_another_process() -> None:
    error = UnknownRunError("0123456789abcdef", "Another server has begun this run.")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_batches_of_an_epoch_count_the_small_last_one() -> None:
    assert spec(batch_size=128).n_batches == 422
    assert spec(batch_size=1000).n_batches == 54
    assert spec(epochs=2).n_images == 108_000


def test_too_many_epochs_are_named() -> None:
    with pytest.raises(ValueError, match=f"Received: epochs={MAX_EPOCHS + 1}") as refused:
        spec(epochs=MAX_EPOCHS + 1)
    assert plain_error(refused.value).startswith(f"A run may have at most {MAX_EPOCHS} epochs.")


def test_too_many_parameters_are_named() -> None:
    layers = (
        Flatten(name="flatten"),
        Dense(name="wide", units=MAX_PARAMETERS // 784 + 1),
        Dense(name="ten", units=10),
        Softmax(name="softmax"),
    )
    with pytest.raises(ValueError, match="Received: parameters=5,"):
        RunSpec(network=NetworkSpec(name="wide", layers=layers), training=TrainingSpec())


def test_progress_before_anything_was_reported() -> None:
    so_far = progress(spec(), [Event("started", 0.1)])
    assert (so_far.share, so_far.epoch, so_far.images_per_second) == (0.0, 0, None)


def test_progress_counts_images_and_leaves_the_compiling_batch_out_of_the_pace() -> None:
    events = [batch(128, 9.0), batch(1128, 10.0), batch(3128, 11.0), batch(5128, 12.0, number=41)]
    so_far = progress(spec(epochs=2), events)
    assert so_far.share == pytest.approx(5128 / 108_000)
    assert so_far.images_per_second == pytest.approx(2000)
    assert so_far.seconds_left == pytest.approx((108_000 - 5128) / 2000)
    assert (so_far.epoch, so_far.batch, so_far.validating) == (1, 41, None)


def test_progress_knows_the_pace_of_the_last_seconds_only() -> None:
    slow = [batch(100 * i, float(i)) for i in range(1, 20)]
    quick = [batch(2000 + 1000 * i, 20.0 + i) for i in range(1, 10)]
    assert progress(spec(), slow + quick).images_per_second == pytest.approx(1000)


def test_time_left_includes_the_validations_to_come() -> None:
    epoch = Event("epoch", 32.0, {"epoch": 1, "n_images": 54_000, "seconds": 27.0})
    events = [
        batch(1000, 1.0),
        batch(27_000, 14.0),
        batch(53_000, 27.0),
        Event("validating", 29.0, {"epoch": 1, "share": 0.5}),
        epoch,
    ]
    judging_s = 32.0 - 27.0
    later = [*events, batch(55_000, 28.0, epoch=2), batch(57_000, 29.0, epoch=2)]
    so_far = progress(spec(epochs=3), later)
    assert so_far.images_per_second == pytest.approx(2000)
    assert so_far.seconds_left == pytest.approx((162_000 - 57_000) / 2000 + 2 * judging_s)


def test_progress_while_an_epoch_is_judged() -> None:
    events = [batch(128, 1.0), batch(54_000, 9.0), Event("validating", 9.5, {"share": 0.25})]
    so_far = progress(spec(), events)
    assert so_far.validating == 0.25
    assert so_far.batch == spec().n_batches


def test_too_much_memory_is_named() -> None:
    layers = (
        Conv2D(name="wide", filters=512, kernel_size=(3, 3), padding="same"),
        GlobalAveragePooling2D(name="mean"),
        Dense(name="ten", units=10),
        Softmax(name="softmax"),
    )
    network = NetworkSpec(name="wide", layers=layers)
    assert RunSpec(network=network, training=TrainingSpec(batch_size=128)).memory_bytes < 1e9
    with pytest.raises(ValueError, match="at most 3,000,000,000 bytes") as refused:
        RunSpec(network=network, training=TrainingSpec(batch_size=1024))
    assert "Received: batch_size=1024, which takes about 4,9" in plain_error(refused.value)


@pytest.mark.parametrize("name", list(zoo.PRESETS))
def test_the_named_networks_may_be_trained_with_any_batch(name: str) -> None:
    preset = zoo.preset(name)
    changed = preset.training.model_copy(update={"batch_size": 1024})
    assert RunSpec(network=preset.network, training=changed)


def test_only_a_rate_is_a_rate() -> None:
    for rate in (1e-9, 10):
        assert checked_settings(spec(), {"learning_rate": rate}) == {"learning_rate": rate}
    for rate in (0, -1, 10.001, float("nan"), float("inf")):
        with pytest.raises(CommandRefusedError, match="Received: rate="):
            checked_settings(spec(), {"learning_rate": rate})


def test_progress_is_not_moved_by_what_happens_beside_it() -> None:
    events = [batch(128, 1.0), batch(54_000, 9.0), Event("validating", 9.5, {"share": 0.25})]
    beside = [
        Event("settings", 9.6, {"learning_rate": 0.1}),
        Event("snapshot", 9.7, {"n_images": 54_000}),
    ]
    assert progress(spec(), [*events, *beside]) == progress(spec(), events)
