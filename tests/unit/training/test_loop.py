"""The training loop: what it shows an engine, what it reports, and where it pauses and stops."""

import json
from dataclasses import dataclass, field

import numpy as np
import pytest

from cnn_lab.data.augmentation import augmented
from cnn_lab.data.mnist import Split, load_mnist
from cnn_lab.data.sets import check_fit, load_data_set
from cnn_lab.network.initial import stream
from cnn_lab.network.spec import (
    Augmentation,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
    NetworkSpec,
    OptimizerName,
    ReLU,
    Softmax,
    TrainingSpec,
)
from cnn_lab.ops.types import Array
from cnn_lab.training.engine import ENGINES, EngineName
from cnn_lab.training.loop import (
    BatchReport,
    Control,
    EpochReport,
    PauseReport,
    Report,
    Trainer,
    TrainingDivergedError,
    new_engine,
)

CHANGES = Augmentation(shift=2, rotate=15, scale=0.1, shear=10, elastic=1, stroke=1, light=0.2)


@dataclass
class Some:
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...] = ("red", "green", "blue")


def first(split, n):
    return Split(split.pixels[:n], split.labels[:n])


@pytest.fixture(scope="module")
def digits():
    whole = load_mnist()
    parts = (first(part, n) for part, n in ((whole.train, 96), (whole.validation, 60)))
    return Some(*parts, first(whole.test, 10))


@pytest.fixture(scope="module")
def colours():
    """Noise that is a little redder, greener or bluer somewhere: no grey image tells them."""
    numbers = np.random.default_rng(7)
    labels = np.arange(900) % 3
    pixels = numbers.integers(0, 128, (900, 32, 32, 3))
    for index, label in enumerate(labels):
        row, column = numbers.integers(0, 24, 2)
        pixels[index, row : row + 8, column : column + 8, label] += 100
    splits = Split(pixels.astype(np.uint8), labels.astype(np.int64))
    return Some(
        *(Split(splits.pixels[part], splits.labels[part]) for part in np.split(np.arange(900), 3))
    )


TINY = NetworkSpec(name="tiny", layers=(GlobalAveragePooling2D(name="mean"), Softmax(name="s")))
DENSE = NetworkSpec(
    name="small",
    layers=(Flatten(name="flatten"), Dense(name="dense", units=10), Softmax(name="softmax")),
)
COLOUR = NetworkSpec(
    name="colour",
    input_shape=(32, 32, 3),
    layers=(
        Conv2D(name="conv1", filters=6, kernel_size=(3, 3), strides=(2, 2), use_bias=False),
        BatchNormalization(name="norm1", momentum=0.9),
        ReLU(name="relu1"),
        DepthwiseConv2D(name="conv2", kernel_size=(3, 3), padding="same"),
        MaxPooling2D(name="pool1", pool_size=(15, 15)),
        GlobalAveragePooling2D(name="mean"),
        Dropout(name="dropout", rate=0.1),
        Dense(name="dense", units=3),
        Softmax(name="softmax"),
    ),
)


@dataclass
class Onlooker:
    """An engine that learns nothing and remembers what it is shown."""

    training: TrainingSpec
    network: NetworkSpec = TINY
    learned: list = field(default_factory=list)
    judged: list = field(default_factory=list)

    def step(self, images, labels, rate):
        self.learned.append((images, labels))
        return 1.0, 0

    def evaluate(self, images, labels):
        self.judged.append(images)
        return 1.0, 0

    def weights(self):
        return {}

    def set_weights(self, weights):
        assert not weights


def shown(data, **settings):
    onlooker = Onlooker(TrainingSpec(epochs=2, batch_size=40, **settings))
    Trainer(onlooker, data).train()
    return onlooker


def test_each_image_is_changed_anew_in_every_epoch_and_only_in_training(digits):
    plain, changed = shown(digits), shown(digits, augmentation=CHANGES)
    seen = {False: set(), True: set()}
    for (before, labels), (after, same_labels) in zip(plain.learned, changed.learned, strict=True):
        np.testing.assert_array_equal(labels, same_labels)
        assert before.shape == after.shape
        assert after.dtype == np.float32
        seen[False].update(image.tobytes() for image in before)
        seen[True].update(image.tobytes() for image in after)
    assert (len(seen[False]), len(seen[True])) == (96, 2 * 96)
    for before, after in zip(plain.judged, changed.judged, strict=True):
        np.testing.assert_array_equal(before, after)


def test_changes_come_from_the_seed_alone(digits):
    runs = [shown(digits, augmentation=CHANGES, seed=seed) for seed in (0, 0, 1)]
    first_batches = [run.learned[0][0] for run in runs]
    np.testing.assert_array_equal(first_batches[0], first_batches[1])
    assert not np.array_equal(first_batches[0], first_batches[2])
    order = stream(0, "order").permutation(96)[:40]
    expected = augmented(digits.train.images[order], CHANGES, stream(0, "augmentation"))
    np.testing.assert_array_equal(first_batches[0], expected)


def test_a_share_of_the_images_is_all_that_is_seen():
    onlooker = shown(load_data_set("mnist", 0.002, 4), data_fraction=0.002, seed=4)
    counts = [len(labels) for _, labels in onlooker.learned]
    assert counts == 2 * [40, 40, 28]
    assert sum(map(len, onlooker.judged)) == 2 * 6_000


@pytest.fixture(scope="module")
def colour_runs(colours):
    training = TrainingSpec(
        learning_rate=0.02,
        epochs=4,
        batch_size=30,
        augmentation=Augmentation(shift=3, rotate=20, elastic=1, light=0.1),
    )
    trainers = {name: Trainer(new_engine(name, COLOUR, training), colours) for name in ENGINES}
    return {name: (trainer.train(), trainer) for name, trainer in trainers.items()}


@pytest.mark.parametrize("engine", ["keras", "numpy"])
def test_a_network_learns_from_images_in_colour_whatever_the_engine(colour_runs, colours, engine):
    network, trainer = colour_runs[engine]
    assert len(trainer.history) == 4
    assert trainer.history[-1].loss < trainer.history[0].loss / 2
    right = network.predict(colours.test.images).argmax(axis=1) == colours.test.labels
    assert right.mean() > 0.9
    # Without its colours an image says nothing of its class.
    grey = np.repeat(colours.test.images.mean(axis=-1, keepdims=True), 3, axis=-1)
    assert (network.predict(grey).argmax(axis=1) == colours.test.labels).mean() < 0.5


def test_numpy_and_keras_agree_on_images_in_colour(colour_runs, colours):
    network, trainer = colour_runs["keras"]
    theirs = trainer.engine.predict(colours.test.images)
    np.testing.assert_allclose(network.predict(colours.test.images), theirs, atol=1e-5)
    tested = trainer.test()
    assert tested["test_accuracy"] == pytest.approx(1 - tested["errors"] / 300)


@pytest.mark.parametrize("n_steps", [0, 1, 3])
def test_a_run_waits_after_the_batches_it_has_finished(n_steps: int) -> None:
    control, heard = Control(), list[Report]()
    control.pause()
    for _ in range(n_steps):
        control.step()

    def report(what: Report) -> None:
        heard.append(what)
        if isinstance(what, PauseReport):
            control.stop()

    training = TrainingSpec(data_fraction=0.01, batch_size=100, epochs=2)
    Trainer(
        new_engine("numpy", DENSE, training),
        load_data_set("mnist", training.data_fraction, training.seed),
        report=report,
        control=control,
        report_every_s=3600,  # after the first batch nothing is due before the run waits
    ).train()
    places = [
        (what.epoch, what.batch) for what in heard if isinstance(what, BatchReport | PauseReport)
    ]
    told = [(1, batch) for batch in sorted({1, n_steps}) if n_steps]
    assert places == [*told, (1, n_steps)]


class StoppedBeforeTheThird(Control):
    """A stop after two batches, of which only the first has been reported."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = 0

    def wait_for_turn(self) -> None:
        self._turns += 1
        if self._turns == 3:
            self.stop()
        super().wait_for_turn()


def test_what_was_learned_between_the_last_report_and_a_stop_counts() -> None:
    heard: list[Report] = []
    training = TrainingSpec(data_fraction=0.01, batch_size=100)
    Trainer(
        new_engine("numpy", DENSE, training),
        load_data_set("mnist", training.data_fraction, training.seed),
        report=heard.append,
        control=StoppedBeforeTheThird(),
        report_every_s=3600,
    ).train()
    told = [what.n_images for what in heard if isinstance(what, BatchReport)]
    assert told == [100, 200]


def test_a_step_that_overflows_at_the_end_of_an_epoch_is_no_result() -> None:
    """R4: no epoch is reported whose validation loss is not a number."""
    data = load_data_set("mnist", 0.01, 0)
    batch = Some(first(data.train, 50), first(data.validation, 50), data.test)
    layers = [Dense(name=f"dense{i}", units=64) for i in range(4)]
    network = NetworkSpec(
        name="steep",
        layers=(Flatten(name="flat"), *layers, Dense(name="ten", units=10), Softmax(name="end")),
    )
    training = TrainingSpec(batch_size=50, epochs=30, optimizer="sgd", learning_rate=10)
    trainer = Trainer(new_engine("numpy", network, training), batch)
    with pytest.raises(TrainingDivergedError, match="validation images"):
        trainer.train()
    assert all(np.isfinite(epoch.val_loss) for epoch in trainer.history)


@pytest.mark.parametrize("name", list(ENGINES))
def test_training_goes_on_from_given_weights(name: EngineName, digits: Some) -> None:
    """U17: both engines begin with the weights of another run, and go on from there."""
    training = TrainingSpec(batch_size=32, epochs=6, learning_rate=0.003)
    before = Trainer(new_engine(name, DENSE, training), digits)
    weights = {name: values.copy() for name, values in before.train().weights.items()}
    heard: list[Report] = []
    further = Trainer(
        new_engine(name, DENSE, training), digits, report=heard.append, initial=weights
    )
    after = further.train().weights
    assert further.initial() is weights
    first_loss = next(what.loss for what in heard if isinstance(what, BatchReport))
    assert first_loss < before.history[-1].loss + 0.2 < before.history[0].loss
    assert further.history[-1].loss < before.history[-1].loss
    assert any((after[name] != weights[name]).any() for name in weights)


DROPPING = NetworkSpec(
    name="dropping",
    layers=(
        Flatten(name="flatten"),
        Dense(name="dense1", units=20, activation="relu"),
        Dropout(name="dropout", rate=0.5),
        Dense(name="dense2", units=10),
        Softmax(name="softmax"),
    ),
)


def changed_on_the_way(name: EngineName, data: Some, optimizer: OptimizerName) -> Trainer:
    """Train for two epochs, with no dropout from the start and other settings for the second."""
    control = Control()
    control.change({"dropout": 0.0})

    def report(what: Report) -> None:
        if isinstance(what, EpochReport) and what.epoch == 1:
            control.change({"label_smoothing": 0.3, "weight_decay": 0.5, "rotate": 20})
            control.change({"learning_rate": 0.02})

    training = TrainingSpec(batch_size=32, epochs=2, learning_rate=0.01, optimizer=optimizer)
    engine = new_engine(name, DROPPING, training)
    trainer = Trainer(engine, data, report=report, control=control)
    trainer.train()
    return trainer


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "muon"])
def test_settings_changed_in_mid_run_act_in_both_engines(
    optimizer: OptimizerName, digits: Some
) -> None:
    """U17: label smoothing, weight decay, dropout and augmentation, each noted in the history."""
    one, other = (changed_on_the_way(name, digits, optimizer) for name in ENGINES)
    for mine, theirs in zip(one.history, other.history, strict=True):
        assert mine.loss == pytest.approx(theirs.loss, rel=1e-3)
        assert mine.val_loss == pytest.approx(theirs.val_loss, rel=1e-3)
    noted = [
        {"images": 0, "dropout": 0.0},
        {
            "images": 96,
            "label_smoothing": 0.3,
            "weight_decay": 0.5,
            "rotate": 20,
            "learning_rate": 0.02,
        },
    ]
    for trainer in (one, other):
        assert trainer.changes == json.loads(trainer.card({})["changes"]) == noted
    plain = Trainer(new_engine("numpy", DROPPING, one.engine.training), digits)
    assert "changes" not in plain.card({})


@pytest.mark.parametrize("name", list(ENGINES))
@pytest.mark.parametrize("change", [{"weight_decay": 1.0}, {"dropout": 0.9}, {"shear": 45}])
def test_each_change_in_mid_run_has_an_effect(
    name: EngineName, change: dict[str, float], digits: Some
) -> None:
    """U17: no setting is accepted that does nothing."""
    losses = []
    for settings in ({}, change):
        control = Control()
        control.change(settings)
        training = TrainingSpec(
            batch_size=32, epochs=1, learning_rate=0.1, optimizer="adamw", weight_decay=0.0
        )
        trainer = Trainer(new_engine(name, DROPPING, training), digits, control=control)
        trainer.train()
        losses.append(trainer.history[-1].val_loss)
    assert losses[0] != losses[1]


@pytest.mark.parametrize("name", list(ENGINES))
def test_a_change_in_mid_run_acts_from_the_next_batch_on(name: EngineName, digits: Some) -> None:
    """With dropout set to 0, a network trains like one without dropout."""
    training = TrainingSpec(
        batch_size=32, epochs=2, learning_rate=0.1, optimizer="adamw", weight_decay=0.0
    )
    losses = []
    for rate in (0.0, 0.5):
        layers = [
            layer.model_copy(update={"rate": rate}) if layer.drops else layer
            for layer in DROPPING.layers
        ]
        network = DROPPING.model_copy(update={"layers": tuple(layers)})
        control = Control()
        control.change({"dropout": 0.0})
        trainer = Trainer(new_engine(name, network, training), digits, control=control)
        trainer.train()
        losses.append([epoch.loss for epoch in trainer.history])
    assert losses[0] == losses[1]


def kernels_with_decay(name: EngineName, data: Some, decay: float) -> list[Array]:
    """Train for an epoch with this weight decay for the second batch; return what each left."""
    training = TrainingSpec(
        batch_size=32, epochs=1, learning_rate=0.01, optimizer="adamw", weight_decay=0.0
    )
    control, kernels = Control(), []

    def report(what: Report) -> None:
        if isinstance(what, BatchReport):
            kernels.append(trainer.weights()["dense1/kernel"])
            control.change({"weight_decay": decay if len(kernels) == 1 else 0.0})

    engine = new_engine(name, DROPPING, training)
    trainer = Trainer(engine, data, control=control, report=report, report_every_s=0)
    trainer.train()
    return kernels


@pytest.mark.parametrize("name", list(ENGINES))
def test_weight_decay_set_in_mid_run_shrinks_each_weight_by_its_share(
    name: EngineName, digits: Some
) -> None:
    plain, decayed = (kernels_with_decay(name, digits, decay) for decay in (0.0, 0.5))
    np.testing.assert_array_equal(plain[0], decayed[0])
    np.testing.assert_allclose(plain[1] - decayed[1], 0.01 * 0.5 * plain[0], atol=1e-6)


def test_a_share_of_each_batch_stays_unchanged_and_the_last_epochs_change_less(
    digits: Some,
) -> None:
    """The first images of a batch, which is shuffled, are the ones that stay."""
    plain = shown(digits)
    kept = shown(digits, augmentation=CHANGES, unchanged=0.2)
    for (before, _), (after, _) in zip(plain.learned, kept.learned, strict=True):
        same = [np.array_equal(*pair) for pair in zip(before, after, strict=True)]
        assert same == [at < int(0.2 * len(before)) for at in range(len(before))]
    whole, faded = (shown(digits, augmentation=CHANGES, fade=fade) for fade in (0, 0.5))

    def moved(one: Onlooker, batches: slice) -> float:
        pairs = zip(one.learned[batches], plain.learned[batches], strict=True)
        return float(np.mean([np.abs(after - before).mean() for (after, _), (before, _) in pairs]))

    first_epoch, second_epoch = slice(3), slice(3, 6)
    assert moved(faded, first_epoch) == moved(whole, first_epoch)
    assert moved(faded, second_epoch) < 0.7 * moved(whole, second_epoch)


def test_pens_and_non_digits_have_their_share_of_each_batch_and_each_digit_comes_once(
    digits: Some,
) -> None:
    drawn = shown(digits, pens=0.1, non_digits=0.15)
    plain = shown(digits)
    assert [len(labels) for _, labels in drawn.learned[:4]] == [40, 40, 40, 16]
    epoch = drawn.learned[:4]
    own = np.concatenate([images[: 30 if len(images) == 40 else 6] for images, _ in epoch])
    assert sorted(image.tobytes() for image in own) == sorted(
        image.tobytes() for images, _ in plain.learned[:3] for image in images
    )
    for images, labels in epoch:
        assert (labels[-6:] == 10).all()
        assert (labels[:-6] < 10).all()
        assert images.shape[1:] == (28, 28, 1)
    again = shown(digits, pens=0.1, non_digits=0.15)
    for (one, _), (other, _) in zip(drawn.learned, again.learned, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_drawn_needs_mnist_and_non_digits_an_eleventh_output() -> None:
    ten = TrainingSpec(non_digits=0.15)
    with pytest.raises(ValueError, match="11 probabilities"):
        check_fit(DENSE, ten)
    with pytest.raises(ValueError, match="MNIST alone"):
        check_fit(DENSE, TrainingSpec(pens=0.1, data_set="fashion_mnist"))
    check_fit(DENSE, TrainingSpec(pens=0.1))
    eleven = DENSE.model_copy(
        update={"layers": (DENSE.layers[0], Dense(name="eleven", units=11), DENSE.layers[-1])}
    )
    check_fit(eleven, ten)
    with pytest.raises(ValueError, match="10 classes"):
        check_fit(eleven, TrainingSpec())
