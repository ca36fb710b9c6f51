"""A reader's own drawings among the training images."""

from typing import get_args

import numpy as np
import pytest

from cnn_lab.data.mnist import Split
from cnn_lab.data.sets import load_data_set
from cnn_lab.network.initial import Purpose
from cnn_lab.network.spec import (
    Augmentation,
    Dense,
    Dropout,
    Flatten,
    NetworkSpec,
    Softmax,
    TrainingSpec,
)
from cnn_lab.training.batches import Batches
from cnn_lab.training.engine import ENGINES, EngineName
from cnn_lab.training.loop import Trainer, new_engine

NETWORK = NetworkSpec(
    name="small",
    layers=(
        Flatten(name="flatten"),
        Dropout(name="dropout", rate=0.1),
        Dense(name="dense", units=10),
        Softmax(name="softmax"),
    ),
)
CHANGED = Augmentation(shift=2, rotate=10, elastic=0.5)
TRAINING = TrainingSpec(
    data_fraction=0.02, batch_size=40, epochs=2, pens=0.1, augmentation=CHANGED, learning_rate=0.01
)


def stripes(n: int = 5) -> Split:
    """Return horizontal bars at different heights, which no network takes for a digit of theirs."""
    pixels = np.zeros((n, 28, 28), np.uint8)
    for number in range(n):
        pixels[number, 4 + 4 * (number % 5) : 7 + 4 * (number % 5), 4:24] = 255
    return Split(pixels, np.arange(n) % 10)


def data(training: TrainingSpec = TRAINING):
    return load_data_set("mnist", training.data_fraction, training.seed)


def trained(engine: EngineName, own: Split | None = None) -> Trainer:
    trainer = Trainer(new_engine(engine, NETWORK, TRAINING), data(), own=own)
    trainer.train()
    return trainer


def test_the_streams_of_earlier_versions_keep_their_places() -> None:
    """Their numbers are part of what a seed means: another order is another training."""
    assert get_args(Purpose)[:9] == (
        "weights",
        "order",
        "dropout",
        "augmentation",
        "fraction",
        "drawn",
        "pens",
        "non_digits",
        "own",
    )


def test_all_else_in_a_batch_stays_as_it_is_without_them_to_the_last_bit() -> None:
    own = stripes()
    plain, more = Batches(TRAINING, data().train), Batches(TRAINING, data().train, own)
    assert len(plain) == len(more)
    for epoch in (1, 2):
        plain.begin(epoch)
        more.begin(epoch)
        for number in range(1, len(plain) + 1):
            images, labels, n = plain.batch(number, CHANGED)
            all_images, all_labels, n_of_split = more.batch(number, CHANGED)
            assert n_of_split == n
            assert len(all_images) == len(images) > n
            kept = np.r_[: n - n // 8, n : len(images)]  # MNIST's and those of the pen
            np.testing.assert_array_equal(all_images[kept], images[kept])
            np.testing.assert_array_equal(all_labels[kept], labels[kept])
    assert plain.state().keys() == {"changes", "drawn"}  # as in the checkpoints of before


def test_each_is_in_every_batch_and_looks_a_little_different_each_time() -> None:
    own, training = stripes(), TRAINING.model_copy(update={"pens": 0.0})
    batches = Batches(training, data(training).train, own)
    batches.begin(1)
    seen: dict[int, list[bytes]] = {label: [] for label in own.labels}
    for number in range(1, len(batches) + 1):
        images, labels, _ = batches.batch(number, CHANGED)
        assert sorted(labels[-len(own) :]) == sorted(own.labels)
        for image, label in zip(images[-len(own) :], labels[-len(own) :], strict=True):
            assert 0 < image.max() <= 1
            seen[label].append(image.tobytes())
    for each in seen.values():
        assert len(set(each)) == len(each) == len(batches)


@pytest.mark.parametrize(("batch_size", "n_own"), [(1, 0), (8, 1), (40, 5), (80, 10), (400, 12)])
def test_they_are_an_eighth_of_a_batch_at_most(batch_size: int, n_own: int) -> None:
    training = TRAINING.model_copy(update={"batch_size": batch_size, "pens": 0.0})
    split = data(training).train
    plain, more = Batches(training, split), Batches(training, split, stripes(12))
    plain.begin(1)
    more.begin(1)
    pairs = zip(plain.batch(1, CHANGED)[0], more.batch(1, CHANGED)[0], strict=True)
    assert [np.array_equal(*pair) for pair in pairs] == [True] * (batch_size - n_own) + [False] * (
        n_own
    )


@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_network_learns_them_and_the_seed_says_how(engine: EngineName) -> None:
    own = stripes()
    without, once, again = trained(engine), trained(engine, own), trained(engine, own)
    for name, weight in once.weights().items():
        np.testing.assert_array_equal(weight, again.weights()[name], err_msg=name)
    right = [
        int((one.engine.predict(own.images).argmax(axis=1) == own.labels).sum())
        for one in (without, once)
    ]
    assert right[0] < len(own) == right[1]
    assert [epoch.n_images for epoch in once.history] == [
        epoch.n_images for epoch in without.history
    ]


def test_the_batches_after_a_checkpoint_are_those_that_would_have_come() -> None:
    batches = Batches(TRAINING, data().train, stripes())
    batches.begin(1)
    batches.batch(1, CHANGED)
    state = batches.state()
    expected = batches.batch(2, CHANGED)
    other = Batches(TRAINING, data().train, stripes())
    other.begin(1)
    other.set_state(state)
    for mine, theirs in zip(other.batch(2, CHANGED), expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    with pytest.raises(ValueError, match="own"):
        Batches(TRAINING, data().train).set_state(state)
