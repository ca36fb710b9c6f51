from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import Network
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.spec import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    MaxPooling2D,
    NetworkSpec,
    Softmax,
)
from cnn_lab.runs.snapshots import (
    FIRST_SECONDS,
    KEPT_FOR_EPOCHS,
    MAX_BYTES,
    MAX_SNAPSHOTS,
    SHARE,
    Observer,
    Snapshot,
    SnapshotError,
    watched,
)


class Clock:
    """Moves on by `step_s` each time it is read, so a snapshot takes as long as that."""

    def __init__(self, step_s: float) -> None:
        self.now, self.step_s = 0.0, step_s

    def __call__(self) -> float:
        self.now += self.step_s
        return self.now


@pytest.fixture(scope="module")
def of_fast() -> Snapshot:
    network = Network.load("fast")
    return Observer(network.spec, load_mnist()).take(54_000, 1, 422, network.weights)


def end(name: str = "out") -> tuple[Any, ...]:
    return Flatten(name="flat"), Dense(name=name, units=10), Softmax(name="softmax")


def observed(*layers: Any, weights: dict[str, Any] | None = None) -> Snapshot:
    spec = NetworkSpec(name="own", layers=layers)
    given = initial_weights(spec, 0) | (weights or {})
    return Observer(spec, load_mnist()).take(0, 0, 0, given)


def test_maps_are_those_after_normalization_and_activation(of_fast: Snapshot) -> None:
    network, validation = Network.load("fast"), load_mnist().validation
    shown = watched(validation)
    assert validation.labels[shown].tolist() == [0, 2, 4, 6, 8]
    images = np.stack([validation.image(index) for index in shown])
    np.testing.assert_array_equal(of_fast.maps, network.activations(images)["relu1"])
    np.testing.assert_array_equal(of_fast.kernels, network.weights["conv1/kernel"])


def test_the_confusion_is_that_of_the_first_validation_images(of_fast: Snapshot) -> None:
    validation = load_mnist().validation
    n = of_fast.n_judged
    assert of_fast.confusion.sum() == n >= 100
    read = Network.load("fast").predict(validation.images[:n]).argmax(axis=1)
    assert np.trace(of_fast.confusion) == (read == validation.labels[:n]).sum()
    np.testing.assert_array_equal(
        of_fast.confusion.sum(axis=1), np.bincount(validation.labels[:n], minlength=10)
    )


def test_bytes_keep_all_but_the_last_digits_of_the_maps(of_fast: Snapshot) -> None:
    back = Snapshot.from_bytes(of_fast.to_bytes())
    for name in ("n_images", "epoch", "batch", "n_judged", "silent"):
        assert getattr(back, name) == getattr(of_fast, name)
    np.testing.assert_array_equal(back.kernels, of_fast.kernels)
    np.testing.assert_array_equal(back.confusion, of_fast.confusion)
    peaks = of_fast.maps.max(axis=(0, 1, 2))
    assert np.all(np.abs(back.maps - of_fast.maps) <= peaks / 254 * 1.001)
    np.testing.assert_array_equal(back.maps[of_fast.maps == 0], 0)


def test_a_snapshot_of_the_papers_network_is_small() -> None:
    network = Network.load("paper")
    taken = Observer(network.spec, load_mnist()).take(0, 0, 0, network.weights)
    assert taken.maps.shape == (5, 28, 28, 16)
    assert len(taken.to_bytes()) <= 64 * 1024


def test_silent_filters_are_counted_by_the_convolution_they_belong_to() -> None:
    deaf = np.zeros(8, np.float32)
    deaf[[1, 4, 5]] = -1e6
    taken = observed(
        Conv2D(name="conv1", filters=4, kernel_size=(3, 3)),
        MaxPooling2D(name="pool"),
        Conv2D(name="conv2", filters=8, kernel_size=(3, 3)),
        BatchNormalization(name="norm"),
        Activation(name="relu", activation="relu"),
        *end(),
        weights={"norm/beta": deaf},
    )
    assert taken.silent == {"conv2": 3}


def test_a_network_without_a_convolution_has_its_confusion_only() -> None:
    taken = observed(*end())
    assert (taken.kernels.size, taken.maps.size, taken.silent) == (0, 0, {})
    assert taken.confusion.sum() == taken.n_judged
    back = Snapshot.from_bytes(taken.to_bytes())
    assert (back.kernels.shape, back.maps.shape) == (taken.kernels.shape, taken.maps.shape)


def test_a_network_that_knows_non_digits_has_the_confusion_of_the_ten_digits() -> None:
    """Also where the eleventh output leads for every image."""
    layers = (Flatten(name="flat"), Dense(name="out", units=11), Softmax(name="softmax"))
    bias = np.zeros(11, np.float32)
    bias[10] = 50
    snapshot = observed(*layers, weights={"out/bias": bias})
    assert snapshot.confusion.shape == (10, 10)
    assert snapshot.confusion.sum() == snapshot.n_judged


def test_of_a_wide_layer_the_first_filters_are_shown() -> None:
    layer = Conv2D(name="conv", filters=200, kernel_size=(5, 5), padding="same")
    taken = observed(layer, *end())
    assert taken.maps.shape == (5, 28, 28, 32)
    assert taken.kernels.shape == (5, 5, 1, 32)
    assert len(taken.to_bytes()) <= MAX_BYTES


def test_of_a_depthwise_layer_each_kernel_is_a_filter() -> None:
    layer = DepthwiseConv2D(name="deep", kernel_size=(3, 3), depth_multiplier=6)
    taken = observed(layer, *end())
    assert taken.kernels.shape == (3, 3, 1, 6)
    assert taken.maps.shape == (5, 26, 26, 6)


def test_weights_beyond_all_bounds_make_a_snapshot_too() -> None:
    huge = np.full((3, 3, 1, 2), 3e38, np.float32)
    huge[0, 0, 0, 0] = np.nan
    layer = Conv2D(name="conv", filters=2, kernel_size=(3, 3), activation="relu")
    taken = observed(layer, *end(), weights={"conv/kernel": huge})
    assert np.all(np.isfinite(taken.maps))
    assert Snapshot.from_bytes(taken.to_bytes()).kernels[0, 0, 0, 0] == 0


def arrays_of(snapshot: Snapshot) -> dict[str, np.ndarray]:
    return load(snapshot.to_bytes())


@pytest.mark.parametrize(
    "change",
    [
        {"place": np.array([0, 0, 0, 7])},
        {"place": np.array([0, 0, -1, 100])},
        {"kernels": np.zeros((5, 5, 1, 23), np.float32)},
        {"kernels": np.full((5, 5, 1, 24), np.nan, np.float32)},
        {"maps": np.zeros((4, 12, 12, 24), np.int8)},
        {"maps": np.zeros((5, 12, 12, 24), np.float64)},
        {"peaks": np.full(24, -1, np.float32)},
        {"confusion": np.zeros((10, 9), np.int32)},
        {"silent/conv1": np.zeros(9, np.int32)},
        {"more": np.zeros(1, np.int32)},
    ],
)
def test_what_was_tampered_with_is_refused(of_fast: Snapshot, change: dict[str, Any]) -> None:
    sound = arrays_of(of_fast)
    assert Snapshot.from_bytes(save(sound)).n_judged == of_fast.n_judged
    with pytest.raises(SnapshotError):
        Snapshot.from_bytes(save(sound | change))


@pytest.mark.parametrize("content", [b"", b"no snapshot", bytes(64), b"\xff" * 64])
def test_bytes_that_are_no_safetensors_are_refused(content: bytes) -> None:
    with pytest.raises(SnapshotError, match="must be safetensors"):
        Snapshot.from_bytes(content)


def test_too_many_bytes_are_not_even_read() -> None:
    with pytest.raises(SnapshotError, match=f"at most {MAX_BYTES:,} bytes"):
        Snapshot.from_bytes(bytes(MAX_BYTES + 1))


def follow(cost_s: float, length_s: float, epoch_s: float) -> tuple[list[float], list[float]]:
    """Return when a run's snapshots within its epochs, and those at their ends, were taken."""
    spec = NetworkSpec(name="own", layers=end())
    observer = Observer(spec, load_mnist(), clock=Clock(cost_s))
    weights = initial_weights(spec, 0)
    within: list[float] = []
    at_ends: list[float] = []
    observer.take(0, 0, 0, weights)
    for quarter in range(1, int(4 * length_s) + 1):
        ends = quarter % int(4 * epoch_s) == 0
        if observer.due(quarter / 4, epoch_ends=ends):
            observer.take(quarter, 1, quarter, weights)
            (at_ends if ends else within).append(quarter / 4)
    return within, at_ends


@pytest.mark.parametrize("cost_s", [0.02, 0.2, 3.0])
def test_snapshots_keep_within_their_share_of_the_time(cost_s: float) -> None:
    within, at_ends = follow(cost_s, 900, 90)
    taken = np.array(sorted([*within, *at_ends]))
    spent = cost_s * np.arange(2, len(taken) + 2)
    early = FIRST_SECONDS * (taken / FIRST_SECONDS) ** 0.25
    assert len(taken) >= min(60, 900 * SHARE / cost_s / 4)
    assert np.all(spent <= SHARE * np.where(taken < FIRST_SECONDS, early, taken) + 1e-9)


def test_the_first_seconds_are_watched_most_closely() -> None:
    within, _ = follow(0.02, 900, 1000)
    n_by = [np.searchsorted(within, seconds) for seconds in (5, 25, 125, 625)]
    assert n_by[0] >= 10
    assert np.all(np.diff(n_by) > 5)
    assert np.all(np.diff(np.diff(within)) > -5)
    assert within[-1] - within[-2] > 8 * (within[1] - within[0])


def test_each_epoch_ends_with_one_where_that_can_be_afforded() -> None:
    _, at_ends = follow(0.2, 600, 20)
    assert at_ends == [20.0 * i for i in range(1, 31)]


def test_the_longest_run_has_no_more_than_can_be_kept() -> None:
    within, at_ends = follow(0.001, 7200, 4)
    assert len(within) + len(at_ends) + 1 == MAX_SNAPSHOTS
    assert len(within) + 1 <= MAX_SNAPSHOTS - KEPT_FOR_EPOCHS
