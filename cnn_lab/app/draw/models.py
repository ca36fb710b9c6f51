"""The answers of all shipped networks to one drawing, beside each other."""

from collections import Counter

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnn_lab.app.caches import network as shipped
from cnn_lab.app.draw.answer import probabilities_of
from cnn_lab.app.widgets.model_choice import SHIPPED
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.content import prose
from cnn_lab.digits.answer import Verdict
from cnn_lab.digits.drawing import percent
from cnn_lab.network import Network


def show_models(image: NDArray[np.float32] | None, chosen: Network) -> None:
    """Show a fold, and in it, once it is open, what each network reads.

    Parameters
    ----------
    image : ndarray of float32 in [0, 1], shape (28, 28), or None
        The prepared drawing; None when there is none.
    chosen : Network
        The page's; it is in the list even if it was trained here or brought along.
    """
    fold = st.expander(
        "All networks beside each other",
        icon=":material/balance:",
        key="draw_models",
        on_change="rerun",
        bind="query-params",
    )
    if not fold.open:
        return
    with fold:
        if image is None:
            st.markdown(prose("draw", "nothing_yet"))
            return
        networks = {name: shipped(name) for name in SHIPPED}
        if not any(chosen is other for other in networks.values()):
            networks = {"yours": chosen, **networks}
        seen = image[np.newaxis]
        readings = {
            name: Verdict.of(probabilities_of(other, seen)[0]) for name, other in networks.items()
        }
        (most, votes), *_ = Counter(one.digit for one in readings.values()).most_common()
        if votes == len(readings):
            st.markdown(prose("draw", "agreed", digit=most))
        else:
            st.markdown(prose("draw", "disagreed", n=len(readings), votes=votes, digit=most))
        mine = next(name for name, other in networks.items() if other is chosen)
        show_table(
            {
                "Network": [f"{name} (chosen)" if name == mine else name for name in readings],
                "reads": [
                    f"{one.digit}" if one.digit == readings[mine].digit else f"≠ {one.digit}"
                    for one in readings.values()
                ],
                "probability": [percent(one.probability) for one in readings.values()],
                "next": [f"{one.runner_up}" for one in readings.values()],
                "its probability": [
                    percent(one.runner_up_probability) for one in readings.values()
                ],
            },
            label="What each network reads in the drawing",
        )
