from functools import partial

import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.run_queue import RUN, followed_run, run_queue
from cnn_lab.app.training.below import show_below
from cnn_lab.app.training.controls import (
    choose_preset,
    follow,
    link_to_layers,
    settings_fold,
    show_changes,
    show_settings_file,
    training_settings,
)
from cnn_lab.app.training.curves import planned_view, recorded_view, show_view
from cnn_lab.app.training.expected import expectation_fold, expected_losses, take_sketch
from cnn_lab.app.training.initial import choose_initial
from cnn_lab.app.training.live import REFUSED, show_run, show_start
from cnn_lab.app.widgets.bound import only_read

frame.ensure()

st.title("Training")
st.markdown("How does a network learn?")

status = followed_run()
followed = None
if status is not None and status.run_id == st.query_params.get(RUN):
    followed = status.spec
    follow(status.run_id, followed)
choices = st.container(horizontal=True, gap="medium", vertical_alignment="bottom")
with choices:
    name = choose_preset(followed)
if refused := st.session_state.pop(REFUSED, None):
    st.warning(refused, title="Not now")
part, shown = settings_fold()
with part, only_read(when=not shown):
    settings = training_settings(name, followed, shown=shown)
    initial = choose_initial(settings, status, shown=shown)
    if shown:
        link_to_layers(name)
        show_settings_file(settings)
show_changes(settings)
with choices:
    show_start(settings, initial, status)

if settings.problem:
    st.error(settings.problem, title="These settings cannot be trained")
asked = expectation_fold(settings.spec, status)
expected = expected_losses()
if asked and settings.spec is not None:
    sketch = partial(take_sketch, settings.spec.training.epochs)
    show_view(planned_view(settings.spec, expected, sketch=True), on_sketch=sketch)
elif status is not None:
    show_run(status)
elif recorded := recorded_view(settings.name, expected):
    show_view(recorded)
elif settings.spec is not None:
    show_view(planned_view(settings.spec, expected))

show_below(settings, status)
run_queue().warm()  # last, because a worker that starts takes the processor from the page
