"""Sweep on the Training page: its settings, its progress and its best trial."""

from collections.abc import Sequence

import streamlit as st

from cnn_lab.app.allowance import over_limit
from cnn_lab.app.messages import explained
from cnn_lab.app.run_queue import be_here, owner, run_queue
from cnn_lab.app.training.controls import APPLIED, take_over, tell_applied
from cnn_lab.app.widgets.charts import show_chart
from cnn_lab.app.widgets.inputs import choice, several, whole_number
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.charts.training import sweep_spec, sweep_table
from cnn_lab.content import prose
from cnn_lab.content.words import NOTHING, counted, or_dash
from cnn_lab.runs.job import RunRefusedError, RunSpec
from cnn_lab.runs.sweep.records import MAX_TRIALS, SweepSpec, SweepStatus, Trial
from cnn_lab.runs.sweep.runner import Sweeps, UnknownSweepError
from cnn_lab.runs.sweep.space import FACTORS, FactorName, words

LIVE_EVERY_S = 1.0
SWEEP = "sweep"
REFUSED = "sweep_refused"
TITLES: dict[str, FactorName] = {factor.title: name for name, factor in FACTORS.items()}
FIRST_VARIED = ("Optimizer", "Learning rate")
MAX_EPOCHS_EACH = 10


@st.cache_resource(show_spinner=False, on_release=Sweeps.close)
def sweeps() -> Sweeps:
    """Return the sweeps of this server."""
    return Sweeps(run_queue())


def show_sweep(base: RunSpec | None) -> None:
    """Show a search over a run's settings.

    Parameters
    ----------
    base : RunSpec or None
        The run as currently set; None if it cannot be trained.
    """
    st.markdown(prose("sweep", "intro"))
    followed = _followed()
    _ask_for_one(base, followed)
    if followed is not None:
        live = st.fragment(_follow, run_every=LIVE_EVERY_S if followed.active else None)
        live(followed.sweep_id, base, was_active=followed.active)
    st.caption(prose("sweep", "why"))


def _followed() -> SweepStatus | None:
    """Return the sweep named in the address, or this browser's newest sweep."""
    asked = st.query_params.get(SWEEP)
    if asked is not None:
        try:
            return sweeps().status(asked)
        except UnknownSweepError as error:
            st.warning(explained(error), title="Sweep not found")
    newest = sweeps().latest(owner())
    return sweeps().status(newest) if newest is not None else None


def _ask_for_one(base: RunSpec | None, followed: SweepStatus | None) -> None:
    """Show the settings of a sweep, and the button that starts or stops it."""
    titles = several("Vary", list(TITLES), "sweep_vary", default=FIRST_VARIED)
    left, middle, right = st.columns(3, gap="small")
    with left:
        n_trials = whole_number("Trials", "sweep_trials", value=10, minimum=2, maximum=MAX_TRIALS)
    with middle:
        epochs = whole_number(
            "Epochs per trial", "sweep_epochs", value=1, minimum=1, maximum=MAX_EPOCHS_EACH
        )
    with right:
        percent = whole_number(
            "Images in %",
            "sweep_percent",
            value=10,
            minimum=1,
            maximum=100,
            help="Of the training images; all trials use the same ones.",
        )
    spec = None
    if base is None:
        st.info("The settings on this page cannot be trained as they are.")
    else:
        try:
            vary = tuple(TITLES[title] for title in titles)
            spec = SweepSpec(base=shortened(base, epochs, percent), vary=vary, n_trials=n_trials)
            st.caption(_cost(spec))
        except ValueError as error:
            st.warning("Choose at least one setting to vary." if not titles else explained(error))
    if followed is not None and followed.active and followed.owner == owner():
        st.button(
            "Stop the sweep",
            icon=":material/stop:",
            key="sweep_stop",
            on_click=sweeps().stop,
            args=(followed.sweep_id,),
            disabled=followed.state == "stopping",
        )
    else:
        st.button(
            "Start the sweep",
            icon=":material/play_arrow:",
            key="sweep_start",
            on_click=_start,
            args=(spec,),
            disabled=spec is None,
        )
    if refused := st.session_state.pop(REFUSED, None):
        st.warning(refused, title="Not now")


def shortened(base: RunSpec, epochs: int, percent: int) -> RunSpec:
    """Return the run with other epochs and a share of its images."""
    share = {"epochs": epochs, "data_fraction": base.training.data_fraction * percent / 100}
    training = base.training.model_copy(update=share)
    return base.model_copy(update={"training": training})


def _start(spec: SweepSpec) -> None:
    if sentence := over_limit("run"):
        st.session_state[REFUSED] = sentence
        return
    try:
        st.query_params[SWEEP] = sweeps().start(spec, owner())
        st.session_state.pop(REFUSED, None)
    except RunRefusedError as error:
        st.session_state[REFUSED] = explained(error)


def _cost(spec: SweepSpec) -> str:
    epochs = spec.base.training.epochs
    return prose(
        "sweep",
        "cost",
        trials=spec.n_trials,
        epochs=counted(epochs, "epoch"),
        images=f"{spec.base.n_images_an_epoch:,}",
    )


def _follow(sweep_id: str, base: RunSpec | None, *, was_active: bool) -> None:
    be_here()
    status = sweeps().status(sweep_id)
    if was_active and not status.active:
        st.rerun()  # the whole page: the button changes
    if st.session_state.pop(APPLIED, False):
        st.rerun()  # the whole page: this fragment has set the controls
    st.markdown(_sentence(status))
    st.progress(status.share)
    trials = status.trials
    show_chart(
        sweep_table(
            [trial.accuracy for trial in trials], [trial.state == "done" for trial in trials]
        ),
        sweep_spec(n_trials=status.spec.n_trials),
        key="sweep_chart",
        alt="Validation accuracy of each trial; the table below has the numbers.",
    )
    _show_best(status, base)
    if trials:
        _show_trials(status)
    if not status.active:
        _show_figures(status)


def _sentence(status: SweepStatus) -> str:
    n_trials, n_over = status.spec.n_trials, status.n_over
    match status.state:
        case "running":
            return f"**Trial {min(n_over + 1, n_trials)} of {n_trials}**"
        case "stopping":
            return "Stopping …"
        case "done":
            return f"All {n_trials} trials have ended."
        case _:
            return f"{explained(status.sentence)} {n_over} of {n_trials} trials have ended."


def _show_best(status: SweepStatus, base: RunSpec | None) -> None:
    best = status.best
    if best is None or best.accuracy is None:
        if not status.active:
            st.markdown(prose("sweep", "none"))
        return
    st.markdown(
        prose(
            "sweep",
            "best",
            accuracy=f"{best.accuracy:.2%}",
            number=best.number,
            settings=words(best.settings),
        )
        + "  \n"
        + _compared(status, best)
    )
    if not status.active:
        st.button(
            "Use these settings",
            icon=":material/done_all:",
            key="sweep_apply",
            on_click=_apply,
            args=(status, best, base),
            help="The epochs and the share of images set on this page stay.",
        )


def _compared(status: SweepStatus, best: Trial) -> str:
    """Return a comparison of the best trial with the original settings."""
    first = status.trials[0]
    if best.number == first.number:
        return prose("sweep", "unchanged")
    if first.accuracy is None or best.accuracy is None or first.state != "done":
        return ""
    return prose(
        "sweep",
        "against",
        base=f"{first.accuracy:.2%}",
        difference=f"{100 * (best.accuracy - first.accuracy):+.2f}",
        images=f"{status.n_judged:,}",
        chance=f"{100 * status.chance:.2f}",
    )


def _apply(status: SweepStatus, best: Trial, base: RunSpec | None) -> None:
    run = status.run(best)
    if base is not None:
        kept = {"epochs": base.training.epochs, "data_fraction": base.training.data_fraction}
        run = run.model_copy(update={"training": run.training.model_copy(update=kept)})
    take_over(run)
    tell_applied(words(best.settings))


def _show_trials(status: SweepStatus) -> None:
    trials, best = status.trials, status.best
    columns: dict[str, Sequence[str]] = {
        "Trial": [str(trial.number) for trial in trials],
        "State": [_state(trial, status, best) for trial in trials],
        "Validation": [or_dash(trial.accuracy, "{:.2%}".format) for trial in trials],
    }
    for name in status.spec.vary:
        factor = FACTORS[name]
        columns[factor.title] = [factor.words(trial.settings[name]) for trial in trials]
    columns["Seconds"] = [f"{trial.seconds:.0f}" if trial.over else NOTHING for trial in trials]
    show_table(columns, label="The trials of the sweep")
    for trial in trials:
        if trial.state == "failed":
            st.caption(f"Trial {trial.number} failed: {explained(trial.sentence)}")


def _state(trial: Trial, status: SweepStatus, best: Trial | None) -> str:
    epoch = len(trial.accuracies)
    match trial.state:
        case "waiting":
            return "waiting"
        case "training":
            return f"epoch {epoch + 1} of {status.spec.base.training.epochs}"
        case "done":
            return "best" if best is not None and trial.number == best.number else "done"
        case "pruned":
            return f"pruned after epoch {epoch}"
        case state:
            return state


def _show_figures(status: SweepStatus) -> None:
    from cnn_lab.charts.sweep import figure, has_enough, views  # Optuna takes half a second

    if not has_enough(status):
        return
    view = choice("Figure", views(status), "sweep_figure")
    st.plotly_chart(
        figure(status, view),
        key="sweep_plot",
        config={"displayModeBar": False},
        alt=f"{view}: the trials of the table above in Optuna's figure.",
    )
