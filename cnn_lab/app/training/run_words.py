"""A run in words: where it stands, what was asked for, and four figures."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cnn_lab.data.sets import INFO
from cnn_lab.runs.job import Event, Progress, RunSpec, Status

NOTHING = "–"
FIGURES = ("Training", "Validation", "Images per second", "Time left")


def settings_line(spec: RunSpec) -> str:
    """Return what was asked for, in a line; what is as usual is left out."""
    training = spec.training
    parts = [
        f"{training.epochs} {'epoch' if training.epochs == 1 else 'epochs'}",
        f"batches of {training.batch_size}",
        f"{training.optimizer} at {training.learning_rate:g}",
        training.schedule.replace("_", " "),
        f"seed {training.seed}",
    ]
    if spec.engine != "keras":
        parts.append("NumPy")
    if training.data_set != "mnist" or training.data_fraction < 1:
        parts.append(f"{training.data_fraction:.0%} of {INFO[training.data_set].title}")
    if training.augmentation.active:
        parts.append("augmentation")
    if training.label_smoothing:
        parts.append(f"label smoothing {training.label_smoothing:g}")
    if training.weight_averaging:
        parts.append("weight averaging")
    return f"{spec.network.name}: {', '.join(parts)}"


def run_sentence(status: Status, so_far: Progress, events: Sequence[Event]) -> str:
    """Return in words where a run stands."""
    training, data = status.spec.training, INFO[status.spec.training.data_set]
    epoch = f"epoch {so_far.epoch} of {training.epochs}"
    batch = f"batch {so_far.batch:,} of {status.spec.n_batches:,}"
    if status.active and status.sentence:
        return "Stopping …"
    match status.state:
        case "waiting" if status.position:
            before = "one run is" if status.position == 1 else f"{status.position} runs are"
            return f"Waiting: {before} ahead of this one. It will start automatically."
        case "waiting" | "starting" if events and events[-1].kind == "downloading":
            return f"Downloading {data.title}: {events[-1]['share']:.0%}"
        case "waiting" | "starting" if status.spec.engine == "numpy":
            return "Starting …"
        case "waiting" | "starting":
            return "Starting TensorFlow: about five seconds the first time …"
        case "training" if so_far.validating is not None:
            return (
                f"**{epoch.capitalize()}**, evaluating the {data.n_validation:,} validation "
                f"images: {so_far.validating:.0%}"
            )
        case "training":
            return f"**{epoch.capitalize()}**, {batch}"
        case "paused":
            return f"**Paused** in {epoch}, after {batch}"
        case "testing":
            return f"Trained. Evaluating the {data.n_test:,} test images …"
        case "done":
            result = status.result
            return (
                f"Trained. It classifies **{result['test_accuracy']:.2%}** of the {result['n']:,} "
                f"test images correctly: {result['errors']:,} errors."
            )
        case "stopped":
            return f"{status.sentence} {_how_far(status, so_far)}"
        case "failed":
            kept = f" {_how_far(status, so_far)}" if status.result else ""
            return f":material/error: {status.sentence}{kept}"


def _how_far(status: Status, so_far: Progress) -> str:
    if not status.result:
        return ""
    finished, asked = status.result["epochs"], status.spec.training.epochs
    return f"{finished} of {asked} epochs finished, {so_far.share:.0%} of the way."


def figures_so_far(
    status: Status,
    so_far: Progress,
    batches: Sequence[Mapping[str, float]],
    epochs: Sequence[Mapping[str, float]],
) -> list[tuple[str, str]]:
    """Return the four figures of a run without test figures, from its reports."""
    trained = batches[-1]["accuracy"] if batches else None
    judged = epochs[-1]["val_accuracy"] if epochs else None
    if status.active:
        clock = ("Time left", _shown(so_far.seconds_left, duration))
    else:
        clock = ("Training time", _shown(batches[-1]["seconds"] if batches else None, duration))
    return [
        ("Training now" if status.active else "Training", _shown(trained, "{:.1%}".format)),
        ("Validation", _shown(judged, "{:.2%}".format)),
        ("Images per second", _shown(so_far.images_per_second, "{:,.0f}".format)),
        clock,
    ]


def result_figures(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the four figures of a run that went to its end."""
    return [
        ("Test accuracy", f"{result['test_accuracy']:.2%}"),
        ("Errors", f"{result['errors']:,} of {result['n']:,}"),
        ("Images per second", f"{result['images_per_second']:,.0f}"),
        ("Training time", duration(result["seconds"])),
    ]


def _shown(value: float | None, form: Callable[[float], str]) -> str:
    return NOTHING if value is None else form(value)


def duration(seconds: float) -> str:
    """Return a duration for a reader: seconds below a minute and a half, minutes above.

    Examples
    --------
    >>> duration(8.4), duration(90), duration(605)
    ('8 s', '1 min 30 s', '10 min 5 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
