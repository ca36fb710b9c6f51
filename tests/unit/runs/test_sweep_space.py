"""What a sweep may vary: every choice fits, the first one changes nothing, and the rest differ."""

import pytest

from cnn_lab.network import zoo
from cnn_lab.network.spec import Augmentation, Conv2D, NetworkSpec
from cnn_lab.runs.job import RunSpec
from cnn_lab.runs.sweep.records import SweepSpec, SweepStatus, Trial
from cnn_lab.runs.sweep.space import (
    AS_BUILT,
    FACTORS,
    FactorName,
    Range,
    augmentation,
    choices,
    present,
    run_of,
)

EVERYTHING: tuple[FactorName, ...] = tuple(FACTORS)


def preset(name: str, **training: object) -> RunSpec:
    found = zoo.preset(name)
    return RunSpec(network=found.network, training=found.training.model_copy(update=dict(training)))


@pytest.mark.parametrize("name", list(zoo.PRESETS))
@pytest.mark.parametrize("factor", EVERYTHING)
def test_the_first_choice_is_the_run_itself_and_the_others_differ(
    name: str, factor: FactorName
) -> None:
    base = preset(name)
    found = choices(base, factor)
    now = present(base, (factor,))[factor]
    if isinstance(found, Range):
        assert found.low <= float(now) <= found.high
        runs = [run_of(base, {factor: value}) for value in (now, found.low, found.high)]
    else:
        assert found[0] == now
        runs = [run_of(base, {factor: value}) for value in found]
    assert runs[0] == base
    assert all(run not in runs[:place] for place, run in enumerate(runs))


def test_kernels_that_do_not_fit_are_no_choice() -> None:
    found = choices(preset("fast"), "kernel_size")
    assert found == (AS_BUILT, "2 × 2", "3 × 3")  # 5 × 5 leave no map for the third layer
    sized = run_of(preset("fast"), {"kernel_size": "3 × 3"}).network
    assert {layer.kernel_size for layer in sized.layers if isinstance(layer, Conv2D)} == {(3, 3)}


def test_several_settings_at_once() -> None:
    run = run_of(
        preset("paper"),
        {"optimizer": "adamw", "learning_rate": 0.02, "width": 0.5, "batch_norm": "with"},
    )
    assert (run.training.optimizer, run.training.learning_rate) == ("adamw", 0.02)
    kinds = [layer.type for layer in run.network.layers]
    assert kinds.count("BatchNormalization") == 3
    filters = [layer.filters for layer in run.network.layers if isinstance(layer, Conv2D)]
    assert filters == [8, 64, 128]


def test_settings_that_do_not_go_together_say_why() -> None:
    with pytest.raises(ValueError, match="at most 5,000,000 parameters"):
        run_of(preset("paper"), {"width": 2.0, "kernel_size": "7 × 7"})


def test_augmentation_in_strengths() -> None:
    own = Augmentation(shift=1, rotate=60, light=0.2)
    base = preset("fast", augmentation=own)
    assert choices(base, "augmentation") == ("full", "none", "half", "double")
    assert not run_of(base, {"augmentation": "none"}).training.augmentation.active
    doubled = run_of(base, {"augmentation": "double"}).training.augmentation
    assert doubled == Augmentation(shift=2, rotate=90, light=0.4)  # no further than it goes
    assert augmentation(own, 1) == own


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"vary": ()}, "at least 1 item"),
        ({"vary": ("width", "width")}, "must be named once"),
        ({"vary": ("colour",)}, "Input should be 'optimizer'"),
        ({"n_trials": 0}, "greater than or equal to 1"),
        ({"n_trials": 41}, "less than or equal to 40"),
        ({"max_seconds": 1e9}, "less than or equal to 3600"),
    ],
)
def test_what_is_no_sweep_says_why(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        SweepSpec.model_validate({"base": preset("fast"), "vary": ("optimizer",)} | changes)


def test_a_network_without_convolutions_leaves_no_choice_of_maps() -> None:
    layers = preset("fast").network.layers[-3:]
    base = RunSpec(
        network=NetworkSpec(name="flat", layers=layers), training=preset("fast").training
    )
    with pytest.raises(ValueError, match="leaves no choice of maps"):
        SweepSpec(base=base, vary=("width",))


def test_the_best_went_to_its_end_and_chance_is_told() -> None:
    spec = SweepSpec(base=preset("fast"), vary=("learning_rate",), n_trials=4)
    given = [("done", 0.95), ("done", 0.97), ("pruned", 0.99), ("done", 0.97)]
    trials = tuple(
        Trial.model_validate(
            {
                "number": number,
                "settings": {"learning_rate": 0.01 * number},
                "state": state,
                "accuracies": (accuracy,),
            }
        )
        for number, (state, accuracy) in enumerate(given, start=1)
    )
    status = SweepStatus(sweep_id="x" * 16, owner="ann", spec=spec, state="done", trials=trials)
    assert status.best is not None
    assert status.best.number == 2
    assert status.chance == pytest.approx(1.96 * (2 * 0.97 * 0.03 / 6000) ** 0.5)
    assert status.run(status.best).training.learning_rate == 0.02
    assert status.share == (3 * 3 + 3) / 12
    assert SweepStatus.model_validate_json(status.model_dump_json()) == status
