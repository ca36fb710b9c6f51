"""The search for a change that fools the network, step by step."""

import numpy as np
import streamlit as st

from cnn_lab.app.fool.controls import Question
from cnn_lab.app.widgets.frames import Film, Show, named, play_frames
from cnn_lab.content import prose
from cnn_lab.content.words import counted, percent
from cnn_lab.explain.fool import MAX_STEPS, Moment, Nudging
from cnn_lab.network import Network

SEARCH = "fool_search"  # session key of the latest search, with its name
MIN_FULL_COLOUR = 0.05  # of the change: less is not painted as if it were much


@st.fragment
def show_search(network: Network, model: str, question: Question, limit: float) -> None:
    """Show the image, the change and the result at each step; more is computed while it plays.

    Parameters
    ----------
    network : Network
    model : str
        Name of the network.
    question : Question
    limit : float
        The largest L2 norm of the change.
    """
    image = question.digit.image
    name = named(model, image, question.target, limit)
    kept: tuple[str, Nudging] | None = st.session_state.get(SEARCH)
    if kept is None or kept[0] != name:
        kept = name, Nudging(network, image, question.target, limit=limit)
        st.session_state[SEARCH] = kept
    search = kept[1]
    play_frames(_show(name, search), key="fool_frames", advance=search.advance)


def _show(name: str, search: Nudging) -> Show:
    moments, target = search.moments, search.target
    images = np.stack([moment.image[..., 0] for moment in moments])
    changes = images - images[0]
    most = max(MIN_FULL_COLOUR, moments[-1].largest)
    going = search.outcome == "going"
    return Show(
        name=name,
        label=prose("fool", "player_label", target=target),
        noun="Step",
        films=[
            Film("Before", prose("fool", "before_alt"), images[:1]),
            Film(
                "Change",
                prose("fool", "change_alt"),
                changes,
                limit=most,
                signed=True,
                ends=(f"−{most:.0%}", f"+{most:.0%}"),
            ),
            Film("After", prose("fool", "after_alt"), images),
        ],
        words=[_words(step, moment, search) for step, moment in enumerate(moments)],
        answers=np.stack([moment.probabilities for moment in moments]),
        bars=prose("fool", "bars"),
        total=MAX_STEPS + 1 if going else len(moments),
        more=going,
        verdict=_verdict(search),
        stopped=prose("fool", "stopped", steps=counted(len(moments) - 1, "step")),
        roll=(prose("fool", "roll"), prose("fool", "roll_alt")),
        wanted=target,
    )


def _words(step: int, moment: Moment, search: Nudging) -> str:
    if step == 0:
        return prose("fool", "unchanged", size=f"{search.size:.1f}")
    return prose(
        "fool",
        "step",
        step=step,
        length=f"{moment.length:.2f}",
        share=f"{moment.length / max(search.size, 1e-12):.0%}",
        largest=f"{moment.largest:.0%}",
    )


def _verdict(search: Nudging) -> str:
    """Return what has come of the search."""
    last, n_steps = search.moments[-1], len(search.moments) - 1
    answer = int(last.probabilities.argmax())
    if search.outcome == "found" and n_steps == 0:
        return prose("fool", "already", target=search.target)
    numbers = {"target": search.target, "steps": counted(n_steps, "step")}
    if search.outcome == "found":
        before = search.moments[0].probabilities
        return prose(
            "fool",
            "found",
            before=int(before.argmax()),
            sure=percent(float(before.max())),
            **numbers,
        )
    if search.outcome == "going":
        return prose("fool", "going", **numbers)
    if search.outcome == "flat":
        return prose("fool", "flat", **numbers)
    return prose("fool", "not_found", answer=answer, limit=f"{search.limit:.1f}", **numbers)
