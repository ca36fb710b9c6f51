import streamlit as st

from cnn_lab import zoo
from cnn_lab.content import prose
from cnn_lab.spec import TrainingSpec, plain_error
from cnn_lab.training.job import MAX_EPOCHS, RunSpec
from cnn_lab.ui import frame
from cnn_lab.ui.caches import network
from cnn_lab.ui.inputs import whole_number
from cnn_lab.ui.runs import after_run, recorded_view, show_layers, show_run, show_view
from cnn_lab.ui.training import REFUSED, engine, followed_run, may_steer, start

frame.ensure()
engine().warm()

st.title("Training")
st.markdown("Can it learn in front of you?")

stage_side, controls = st.columns([3, 1], gap="medium")
status = followed_run()

with controls:
    name = st.segmented_control(
        "Network",
        list(zoo.PRESETS),
        default="fast",
        required=True,
        key="training_preset",
        bind="query-params",
        width="stretch",
    )
    preset = zoo.preset(name)
    epochs = whole_number(
        "Epochs",
        f"training_{name}_epochs",
        value=preset.training.epochs,
        minimum=1,
        maximum=MAX_EPOCHS,
        help="Passes over the 54,000 training images.",
    )
    batch_size = whole_number(
        "Batch size",
        f"training_{name}_batch",
        value=preset.training.batch_size,
        minimum=1,
        maximum=1024,
        help="Images between two steps downhill.",
    )
    rate = st.number_input(
        "Learning rate",
        value=preset.training.learning_rate,
        step=preset.training.learning_rate / 2,
        format="%g",
        key=f"training_{name}_rate",
        bind="query-params",
    )
    seed = whole_number("Seed", "training_seed", value=0, minimum=0, maximum=2**31 - 1)
try:
    changes = {"epochs": epochs, "batch_size": batch_size, "learning_rate": rate, "seed": seed}
    training = TrainingSpec.model_validate(preset.training.model_dump() | changes)
    spec = RunSpec(network=preset.network, training=training)
except ValueError as error:
    spec = None
    with controls:
        st.error(
            f"{plain_error(error)}. Received: learning_rate={rate:g}",
            title="This cannot be trained",
        )

with stage_side:
    if status is not None and status.active and may_steer(status):
        st.button(
            "Stop",
            icon=":material/stop:",
            key="training_stop",
            on_click=engine().control,
            args=(status.run_id, "stop"),
        )
    else:
        st.button(
            "Start training",
            icon=":material/play_arrow:",
            type="primary",
            key="training_start",
            on_click=start,
            args=(spec,),
            disabled=spec is None,
        )
    if refused := st.session_state.pop(REFUSED, None):
        st.warning(refused, title="Not now")
    if status is None:
        show_view(recorded_view(network(name)))
    else:
        show_run(status)
        if status.result:
            after_run(status)
    st.caption(prose("training", "curves"))

st.divider()
left, right = st.columns(2, gap="large")
with left:
    st.markdown(prose("training", "prose"))
with right:
    show_layers(preset.network)
