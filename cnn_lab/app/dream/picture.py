"""The dream, step by step."""

import numpy as np
import streamlit as st

from cnn_lab.app.dream.controls import Start
from cnn_lab.app.widgets.frames import Film, Line, Show, named, play_frames
from cnn_lab.content import prose
from cnn_lab.content.words import counted, percent, significant
from cnn_lab.explain.dream import N_STEPS, Aim, Dream
from cnn_lab.network import Network

DREAM = "dream_now"  # session key of the latest dream, with its name


@st.fragment
def show_dream(network: Network, model: str, aim: Aim, start: Start) -> None:
    """Show a dream; more of it is computed while it plays.

    Parameters
    ----------
    network : Network
    model : str
        Name of the network.
    aim : Aim
    start : Start
    """
    name = named(model, aim, start.image, start.seed)
    kept: tuple[str, Dream] | None = st.session_state.get(DREAM)
    if kept is None or kept[0] != name:
        kept = name, Dream(network, aim, start.image, seed=start.seed)
        st.session_state[DREAM] = kept
    dream = kept[1]
    is_class = aim.layer == network.spec.scoring_layers[-1].name
    play_frames(_show(name, dream, is_class), key="dream_frames", advance=dream.advance)


def _show(name: str, dream: Dream, is_class: bool) -> Show:
    frames, going = dream.frames, dream.outcome == "going"
    what = _what(dream, is_class)
    films = [
        Film(
            "The dream",
            prose("dream", "image_alt", what=what),
            np.stack([frame.image[..., 0] for frame in frames]),
        )
    ]
    if frames[0].numbers.ndim == 2:
        maps = np.maximum(np.stack([frame.numbers for frame in frames]), 0)
        most = float(maps.max())
        ends = ("0", significant(most, 3))
        films.append(
            Film(
                prose("dream", "map_title", what=what),
                prose("dream", "map_alt"),
                maps,
                limit=most,
                ends=ends,
            )
        )
    responses = [frame.response for frame in frames]
    return Show(
        name=name,
        label=prose("dream", "player_label", what=what),
        noun="Step",
        films=films,
        words=[
            prose("dream", "step", step=step, response=significant(response, 3))
            for step, response in enumerate(responses)
        ],
        answers=np.stack([frame.probabilities for frame in frames]),
        bars=prose("dream", "bars"),
        total=N_STEPS + 1 if going else len(frames),
        more=going,
        verdict=_verdict(dream, what, is_class),
        stopped=prose("dream", "stopped", steps=counted(len(frames) - 1, "step")),
        line=Line(
            prose("dream", "curve"),
            prose("dream", "curve_alt"),
            responses,
            lambda value: significant(value, 3),
        ),
        wanted=dream.aim.channel if is_class else None,
    )


def _what(dream: Dream, is_class: bool) -> str:
    layer, channel = dream.aim.layer, dream.aim.channel
    if is_class:
        return f"Class {channel}"
    noun = "Map" if dream.frames[0].numbers.ndim == 2 else "Unit"
    return f"{noun} {channel} of {layer}"


def _verdict(dream: Dream, what: str, is_class: bool) -> str:
    first, last = dream.frames[0], dream.frames[-1]
    steps = counted(len(dream.frames) - 1, "step")
    if dream.outcome == "going":
        return prose("dream", "going", steps=steps, total=N_STEPS)
    if dream.outcome == "flat":
        return prose("dream", "flat", steps=steps, what=what)
    before, after = (significant(frame.response, 3) for frame in (first, last))
    said = prose("dream", "done", steps=steps, what=what, before=before, after=after)
    if is_class:
        digit = int(last.probabilities.argmax())
        sure = percent(float(last.probabilities[digit]))
        said += " " + prose("dream", "answer", digit=digit, sure=sure)
    return said
