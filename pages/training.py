import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.caches import network
from cnn_lab.app.run_queue import REFUSED, RUN, followed_run, may_steer, run_queue, start
from cnn_lab.app.training.afterwards import show_afterwards
from cnn_lab.app.training.comparison import show_comparison
from cnn_lab.app.training.controls import follow, show_settings_file, training_settings
from cnn_lab.app.training.curves import planned_view, recorded_view, show_view
from cnn_lab.app.training.initial import choose_initial, weights_of
from cnn_lab.app.training.live import show_run
from cnn_lab.app.training.sweep import show_sweep
from cnn_lab.app.widgets.model_choice import SHIPPED
from cnn_lab.app.widgets.networks import show_layers
from cnn_lab.content import prose

frame.ensure()
run_queue().warm()

st.title("Training")
st.markdown("How does a network learn?")

stage_side, controls = st.columns([5, 2], gap="medium")
status = followed_run()
followed = None
if status is not None and status.run_id == st.query_params.get(RUN):
    followed = status.spec
    follow(status.run_id, followed)
with controls:
    settings = training_settings(followed)
    initial = choose_initial(settings, status)
    show_settings_file(settings)

with stage_side:
    if status is None or not status.active or not may_steer(status):
        with st.container(horizontal=True, gap="small"):
            st.button(
                "Start training",
                icon=":material/play_arrow:",
                type="primary",
                key="training_start",
                on_click=start,
                args=(settings.spec, initial),
                disabled=settings.spec is None,
            )
            further = None if status is None else weights_of(status, settings)
            if further is not None:
                st.button(
                    "Train further",
                    icon=":material/resume:",
                    key="training_further",
                    on_click=start,
                    args=(settings.spec, further),
                    help=prose("training", "further"),
                )
    if settings.problem:
        st.error(settings.problem, title="These settings cannot be trained")
    if refused := st.session_state.pop(REFUSED, None):
        st.warning(refused, title="Not now")
    if status is not None:
        show_run(status)
    elif settings.name in SHIPPED:
        show_view(recorded_view(network(settings.name)))
    elif settings.spec is not None:
        show_view(planned_view(settings.spec))
    show_sweep(settings.spec)

if status is not None and not status.active:
    st.divider()
    show_afterwards(status)
    if status.result:
        show_comparison(status)

st.divider()
left, right = st.columns(2, gap="large")
with left:
    st.markdown(prose("training", "prose"))
with right:
    if settings.network is not None:
        show_layers(settings.network)
