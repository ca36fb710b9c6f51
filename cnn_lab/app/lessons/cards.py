"""The lessons side by side: what each is about, and the way into it."""

import streamlit as st

from cnn_lab.app.lesson import furthest
from cnn_lab.app.widgets.story import lesson_link
from cnn_lab.content import prose
from cnn_lab.content.words import counted
from cnn_lab.teaching.lesson import LESSONS, Lesson


def show_cards() -> None:
    """Show a card for each lesson: its title is the link that begins it, or goes on with it."""
    # A row of columns for each two: on a phone, where they stand in one, they keep their order.
    n_rows = -(-len(LESSONS) // 2)
    places = [place for _ in range(n_rows) for place in st.columns(2, gap="small")]
    for place, made in zip(places, LESSONS.values(), strict=False):
        with place, st.container(border=True, height="stretch", gap="xsmall"):
            lesson_link(made, f"**{made.number} {made.title}** · {counted(made.minutes, 'minute')}")
            st.markdown(_about(made))


def _about(made: Lesson) -> str:
    goals = "\n".join(f"* {goal}" for goal in made.goals)
    at = furthest(made.name)
    if at is None:
        return f"{made.for_whom}\n\n{goals}"
    where = prose("lessons", "resume", at=at, steps=len(made.steps))
    return f"{made.for_whom} **{where}**\n\n{goals}"
