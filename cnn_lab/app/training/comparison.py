"""Two runs on one chart, with their differing settings and their results."""

import json
import re

import streamlit as st

from cnn_lab.app.caches import network
from cnn_lab.app.messages import explained
from cnn_lab.app.run_queue import owner, run_queue
from cnn_lab.app.widgets.charts import show_chart
from cnn_lab.app.widgets.inputs import choice
from cnn_lab.app.widgets.model_choice import SHIPPED
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.charts.training import (
    Along,
    Measure,
    comparison_spec,
    comparison_table,
)
from cnn_lab.content import prose
from cnn_lab.data.sets import n_training_images
from cnn_lab.network.spec import TrainingSpec
from cnn_lab.runs.comparison import (
    Compared,
    conclusion,
    differing_settings,
    largest_gap,
    result_rows,
)
from cnn_lab.runs.job import RUN_ID, Status, UnknownRunError, changes_words
from cnn_lab.training.engine import ENGINES

COMPARE, CHOICE = "training_compare", "training_compare_choice"
THIS = "this run"
MEASURES: tuple[Measure, ...] = ("loss", "accuracy")
ALONG: tuple[Along, ...] = ("epochs", "seconds")
_IN_AN_ADDRESS = re.compile(rf"(?:.*[?&]run=)?({RUN_ID.pattern})(?:&.*)?")


@st.fragment
def show_comparison(status: Status) -> None:
    """Show a choice of runs to compare with this one, and then both.

    Offers this browser's other finished runs, newest first, and the recorded runs of the
    shipped networks; any other run can be entered by its id or its address.

    Parameters
    ----------
    status : Status
        Of a run that is no longer active and has finished at least one epoch.
    """
    second = _chosen(status)
    if second is None:
        return
    pair = _ended(status.run_id, THIS, _status=status), second
    along = choice("Along", ALONG, "training_compare_along", width="content")
    _show_charts(pair, along)
    left, right = st.columns(2, gap="medium")
    with left:
        _show_settings(pair)
    with right:
        _show_results(pair)
    for sentence in (_gap(pair), conclusion(*pair)):
        if sentence:
            st.markdown(sentence)


def _chosen(status: Status) -> Compared | None:
    """Show the choice and return the other run; None if none is chosen."""
    offered = {
        other.run_id: other for other in run_queue().runs(owner()) if _is_other(other, status)
    }
    names = {run_id: _name(other) for run_id, other in offered.items()}
    names |= {name: f"{name}, as recorded" for name in SHIPPED}
    asked, problem = st.query_params.get(COMPARE), ""
    if asked and asked not in names:
        try:
            found = _IN_AN_ADDRESS.fullmatch(asked)
            offered[asked] = run_queue().status(found[1] if found else asked)
            names[asked] = _name(offered[asked])
        except UnknownRunError as error:
            problem = explained(error)
    wanted = st.selectbox(
        "Other run",
        list(names),
        index=list(names).index(asked) if asked in names else None,
        format_func=lambda name: names.get(name, name),
        key=CHOICE,
        on_change=_remember,
        accept_new_options=True,
        placeholder="Choose a run or paste its address",
    )
    if problem:
        st.warning(problem, title="Run not found")
    if wanted in SHIPPED:
        return _recorded(wanted)
    if wanted not in offered:
        return None
    other = offered[wanted]
    if not _is_other(other, status):
        st.info("That is this run itself, or it is still running, or it has not finished an epoch.")
        return None
    return _ended(other.run_id, names[wanted], _status=other)


def _is_other(other: Status, status: Status) -> bool:
    return bool(other.result) and not other.active and other.run_id != status.run_id


def _remember() -> None:
    """Put the choice into the address."""
    wanted = st.session_state[CHOICE]
    if wanted:
        st.query_params[COMPARE] = wanted
    else:
        st.query_params.pop(COMPARE, None)


def _name(status: Status) -> str:
    """Return a short name that distinguishes a run from similar ones."""
    training = status.spec.training
    tested = status.result.get("test_accuracy")
    reached = f", {tested:.2%}" if tested is not None else ""
    return (
        f"{status.spec.network.name}, {ENGINES[status.spec.engine]}, {training.epochs} × "
        f"{training.batch_size}, rate {training.learning_rate:g}{reached} ({status.run_id[:4]})"
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _ended(run_id: str, name: str, *, _status: Status) -> Compared:
    """Return a finished run; its events, about a thousand, are read once."""
    events, spec = run_queue().events(run_id), _status.spec
    return Compared(
        name=name,
        network=spec.network,
        training=spec.training,
        engine=spec.engine,
        n_train=n_training_images(spec.training.data_set, spec.training.data_fraction),
        batches=[event.values for event in events if event.kind == "batch"],
        epochs=[event.values for event in events if event.kind == "epoch"],
        result=_status.result,
        start=spec.start.name if spec.start else "",
        own_drawings=spec.own_drawings,
        changed="; ".join(words for _, words in changes_words(events)),
    )


def _recorded(name: str) -> Compared:
    shipped = network(name)
    training = TrainingSpec.model_validate_json(shipped.card["training"])
    result = json.loads(shipped.card["result"])
    return Compared(
        name=f"{name}, as recorded",
        network=shipped.spec,
        training=training,
        engine=result["engine"],
        n_train=n_training_images(training.data_set, training.data_fraction),
        epochs=json.loads(shipped.card["history"]),
        result=result,
    )


def _show_charts(pair: tuple[Compared, Compared], along: Along) -> None:
    table = comparison_table(pair)
    end = float(table[along].max())
    for column, measure in zip(st.columns(2, gap="medium"), MEASURES, strict=True):
        with column:
            show_chart(
                table,
                comparison_spec(measure, names=[one.name for one in pair], along=along, end=end),
                key=f"training_compare_{measure}",
                alt=f"{measure.capitalize()} of both runs against {along}; a table follows.",
            )
    st.caption(prose("afterwards", "compare"))


def _show_settings(pair: tuple[Compared, Compared]) -> None:
    differing = differing_settings(*pair)
    if not differing:
        st.markdown(prose("afterwards", "same"))
        return
    first, second = (one.name for one in pair)
    show_table(
        {
            "setting": [one.setting for one in differing],
            first: [one.first for one in differing],
            second: [one.second for one in differing],
        },
        label="Settings in which the runs differ",
    )


def _show_results(pair: tuple[Compared, Compared]) -> None:
    rows = result_rows(pair)
    columns = {one.name: [row[i] for row in rows.values()] for i, one in enumerate(pair)}
    show_table({"result": list(rows), **columns}, label="Results of both runs")


def _gap(pair: tuple[Compared, Compared]) -> str:
    gap = largest_gap(*pair)
    return "" if gap is None else prose("afterwards", "gap", gap=f"{100 * gap:.2f}")
