"""Where a run says that it is when it waits."""

import pytest

from cnn_lab.data.sets import load_data_set
from cnn_lab.network.spec import Dense, Flatten, NetworkSpec, Softmax, TrainingSpec
from cnn_lab.training.loop import BatchReport, Control, PauseReport, Report, Trainer, new_engine

SMALL = NetworkSpec(
    name="small",
    layers=(Flatten(name="flatten"), Dense(name="dense", units=10), Softmax(name="softmax")),
)


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
        new_engine("numpy", SMALL, training),
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
    """Somebody stops after two batches, of which only the first has been told of."""

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
        new_engine("numpy", SMALL, training),
        load_data_set("mnist", training.data_fraction, training.seed),
        report=heard.append,
        control=StoppedBeforeTheThird(),
        report_every_s=3600,
    ).train()
    told = [what.n_images for what in heard if isinstance(what, BatchReport)]
    assert told == [100, 200]
