"""Frame around every page: the list of pages and the navigation."""

import gc
import json
import re
from functools import lru_cache
from html import escape
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import streamlit as st
from streamlit.navigation.page import Page
from threadpoolctl import threadpool_limits

from cnn_lab.app.admission import LOGO
from cnn_lab.app.first_paint import SHEET
from cnn_lab.app.hosting import MISSING, send_all, send_at_once
from cnn_lab.app.lesson import enter_lesson, lesson_above
from cnn_lab.app.messages import explained
from cnn_lab.app.run_queue import heartbeat
from cnn_lab.app.widgets.bound import enter
from cnn_lab.app.widgets.pictures import theme_colour, tone
from cnn_lab.app.widgets.story import CHAPTERS
from cnn_lab.charts.maps import Tone, data_url
from cnn_lab.content import LANGUAGE, prose
from cnn_lab.content.words import literally
from cnn_lab.ops.environment import problems
from cnn_lab.ops.memory import return_freed_regularly
from cnn_lab.stage.source import bundled

# Streamlit forgets a picture given as a file when the run is over for which it was sent. A browser
# that asks late for it gets nothing.
ICON = data_url(Path(__file__).with_name("icon.png").read_bytes())
# Streamlit drops a script in which "less than" and a name look like a tag.
_SCRIPT = re.sub(r"<(?=[\w/!])", "< ", bundled("frame.js"))
# Streamlit's white on the dark theme's light accent is hard to read; the page's own colour is not.
# What scrolls sideways has a shadow where it goes on: the page's colour, which scrolls along, hides
# the shadow at the end. Formulas are a fifth smaller on phones, where most then need no scrolling.
# Links that light cells (stage/js/lighting.js) look like text until a stage has such cells; links
# to terms (words.js) have a quieter line below them.
_STYLE = """
.numbers, .cells, .katex-display {{
  background:
    linear-gradient(to right, {page} 40%, transparent) 0 0 / 2rem 100% no-repeat local,
    linear-gradient(to left, {page} 40%, transparent) 100% 0 / 2rem 100% no-repeat local,
    linear-gradient(to right, {shadow}, transparent) 0 0 / .75rem 100% no-repeat scroll,
    linear-gradient(to left, {shadow}, transparent) 100% 0 / .75rem 100% no-repeat scroll }}
.katex-display {{ padding-inline: 2px }}
@media (max-width: 640px) {{ .katex-display > .katex {{ font-size: 1em }} }}
[data-testid^="stBaseButton-primary"], .stMultiSelect [data-tag],
.stMultiSelect [data-tag] button {{ color: {page} }}
[class*="st-key-follow_"], [class*="_stage_player"] {{ position: absolute; max-width: 1px }}
:is(.stPageLink a, [data-testid="stSidebarNavLink"], .stButton, .stCheckbox, .stMenuButton)
  :is(span, div, p) {{ white-space: normal; text-wrap: balance }}
[data-testid="stHeaderLogo"] {{ max-width: calc(100vw - 8rem); object-fit: contain }}
.st-key-chapter_lessons a:not(:hover) {{ background: none }}
.st-key-chapter_lessons a * {{ font-weight: 400 }}
@media (max-width: 640px) {{
  :is(.st-key-draw_styles_digit, .st-key-draw_why, .st-key-draw_guessed) [role="radiogroup"] {{
    display: grid; grid-template-columns: repeat(5, 1fr) }} }}
.st-key-lesson {{ padding-block: .75rem }}
.st-key-lesson h3 {{ padding-block: .25rem }}
.stMain:has(.st-key-lesson) h1 {{ font-size: 1.5rem; padding-block: .5rem 0 }}
.cnn-lab-summary {{ position: fixed; inset: .5rem auto auto .5rem; z-index: 1000000;
  max-width: min(36rem, calc(100vw - 1rem)); padding: .75rem 1rem; border: 2px solid {accent};
  border-radius: 6px; background: {page}; color: {text}; font-size: .875rem }}
.cnn-lab-summary:not(:focus-within) {{ width: 1px; height: 1px; padding: 0; border: 0;
  overflow: hidden; clip-path: inset(50%); white-space: nowrap }}
.cnn-lab-summary span {{ display: block; height: 0; overflow: hidden }}
.cnn-lab-summary button {{ min-height: 40px; margin: .5rem .5rem 0 0; padding: 0 .75rem;
  border: 1px solid {accent}; border-radius: 6px; background: none; color: inherit; font: inherit;
  cursor: pointer }}
.cnn-lab-summary button:focus-visible, .stHeading :is(h1, h3):focus-visible {{
  outline: 2px solid {accent}; outline-offset: 2px }}
a[href^="#cells-"], a[data-address] {{
  color: inherit !important; text-decoration: none !important }}
a[data-cells] {{
  text-decoration: underline dotted {accent} 2px !important; text-underline-offset: .2em;
  border-radius: 3px; transition: background-color .3s }}
a[data-cells]:is(:hover, [data-cells="lit"], [data-cells="held"]) {{
  background: color-mix(in srgb, {accent} 20%, transparent);
  text-decoration-style: solid !important }}
a[href^="glossary?term="]:not(#term_note a) {{
  color: inherit !important; cursor: help;
  text-decoration: underline dotted 1px !important; text-underline-offset: .2em }}
#term_note {{
  position: fixed; inset: auto; width: min(20rem, calc(100vw - 24px)); margin: 0;
  padding: .6rem .8rem .3rem; border: 1px solid {shadow}; border-radius: 6px;
  background: {page}; color: {text}; box-shadow: 0 4px 16px #0006;
  font-size: .9rem; line-height: 1.45 }}
#term_note p {{ margin: .15rem 0 }}
#term_note a {{ display: inline-block; margin-right: 1.2rem; padding-block: .25rem; color: {link};
  text-decoration: underline; cursor: pointer }}
"""
_SHADOW = "color-mix(in srgb, currentColor 35%, transparent)"

_FRAMED = "frame_is_set"
LONGEST_NAME = 40  # characters of a page that does not exist

# Section -> {file: title}; the file's name is the page's address. No icons: Streamlit would
# fetch a page's icon from the internet to show it in the browser's tab.
PAGES = {
    "": {"home": "Home"},
    "Learn": {chapter.page: chapter.label for chapter in CHAPTERS} | {"lessons": "Lessons"},
    "Build": {"network": "Network", "training": "Training"},
    "Explore": {
        "features": "Feature maps",
        "draw": "Draw a digit",
        "digit_map": "Digit map",
        "fool": "Fool it",
        "loss_surface": "Loss surface",
        "dream": "Dream",
        "morph": "Morph",
    },
    "Reference": {"glossary": "Glossary", "teach": "Teach", "paper": "The paper"},
}
# Of the browser's window, by page.
_TITLES = {
    name: f"{title.split(' · ')[0]} · CNN Lab"
    for titles in PAGES.values()
    for name, title in titles.items()
}


def navigation() -> Page:
    """Set up the frame and return the requested page."""
    tune_process()
    if wrong := wrong_settings():  # our server would not have started
        st.error("  \n".join(map(explained, wrong)), title="The lab cannot use its settings")
        st.stop()
    st.session_state[_FRAMED] = True
    st.logo(LOGO, size="large")
    page = st.navigation(
        {
            section: [
                st.Page(f"pages/{name}.py", title=title, default=name == "home")
                for name, title in titles.items()
            ]
            for section, titles in PAGES.items()
        },
        expanded=True,
    )
    st.set_page_config(page_title=_TITLES[_name(page)], page_icon=ICON, layout="wide")
    st.html(_frame(_name(page), tone()), unsafe_allow_javascript=True)
    # Links to these pages describe an example; others only choose a run or a network.
    enter(page.url_path, is_complete=page.url_path in {*PAGES["Learn"], "features"})
    enter_lesson(_name(page))
    heartbeat(page.url_path)
    if missing := st.query_params.pop(MISSING, None):
        told = prose("home", "missing", name=literally(missing[:LONGEST_NAME]))
        st.toast(told, icon=":material/wrong_location:", duration="long")
    return page


def run_page() -> None:
    """Show the requested page inside the frame; app.py calls it."""
    page = navigation()
    with lesson_above(_name(page)):
        page.run()


def _name(page: Page) -> str:
    return page.url_path or "home"


@lru_cache(maxsize=64)
def _frame(name: str, _tone: Tone) -> str:
    """Return style and script of every page, and what the script has to know of this one.

    Parameters
    ----------
    name : str
        Of the page.
    _tone : {"light", "dark"}
        Of the reader's page, by which its colours are looked up.
    """
    style = SHEET + _STYLE.format(
        page=theme_colour("backgroundColor"),
        text=theme_colour("textColor"),
        link=theme_colour("linkColor"),
        accent=theme_colour(),
        shadow=_SHADOW,
    )
    begin, titles = escape(prose("summary", name)), escape(json.dumps(_TITLES))
    return (
        f'<div class="cnn-lab-frame" data-lang="{LANGUAGE}" data-begin="{begin}"'
        f' data-titles="{titles}"></div>'
        f"<style>{style}</style><script>{_SCRIPT}</script>"
    )


@lru_cache(maxsize=1)
def wrong_settings() -> list[str]:
    """Return a sentence for each of this process's settings that makes no sense."""
    return list(problems())


@lru_cache(maxsize=1)
def tune_process() -> None:
    """Set what a process that serves pages needs: of memory, threads and messages.

    What lives long is frozen, and what is freed goes back to the system.

    A page's products are small: a second thread gains a millisecond when the machine is idle,
    and costs a hundred when a training run or another reader has the cores, because the
    library's threads then wait for each other in loops.
    """
    threadpool_limits(limits=1, user_api="blas")
    gc.collect()
    gc.freeze()
    send_at_once()
    send_all()
    return_freed_regularly()


def ensure() -> None:
    """Make sure that a page runs inside the frame. Every page calls it first.

    The very first request to a fresh server may be a link to a page. Streamlit then runs
    that file alone, without app.py. Building the navigation once and starting over puts
    the page into its frame, its address untouched.
    """
    if not st.session_state.get(_FRAMED):
        navigation()
        st.rerun()


# Each page imports the frame first, and with it all that any page needs. If two visitors of a fresh
# server opened two pages, their threads could otherwise import one package from two ends and wait
# for each other; Python then ends one import with an error.
for _module in walk_packages([str(Path(__file__).parent)], f"{__package__}."):
    import_module(_module.name)
