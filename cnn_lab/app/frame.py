"""Frame around every page: the list of pages and the navigation."""

import gc
from functools import lru_cache
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page
from threadpoolctl import threadpool_limits

from cnn_lab.app.first_paint import SHEET
from cnn_lab.app.run_queue import heartbeat
from cnn_lab.app.widgets.bound import enter
from cnn_lab.app.widgets.pictures import theme_colour
from cnn_lab.app.widgets.story import CHAPTERS

ICON = Path(__file__).with_name("icon.png")
LOGO = Path(__file__).with_name("logo.svg")
# Streamlit's white on the dark theme's light accent is hard to read; the page's own colour is not.
# What scrolls sideways has a shadow where it goes on: the page's colour, which scrolls along, hides
# the shadow at the end. Formulas are a fifth smaller on phones, where most then need no scrolling.
# Links that light cells (stage/js/lighting.js) look like text until a stage has such cells.
_STYLE = """
.numbers, .cells, .katex-display {{
  background:
    linear-gradient(to right, {page} 40%, transparent) 0 0 / 2rem 100% no-repeat local,
    linear-gradient(to left, {page} 40%, transparent) 100% 0 / 2rem 100% no-repeat local,
    linear-gradient(to right, {shadow}, transparent) 0 0 / .75rem 100% no-repeat scroll,
    linear-gradient(to left, {shadow}, transparent) 100% 0 / .75rem 100% no-repeat scroll }}
.katex-display {{ padding-inline: 2px }}
@media (max-width: 640px) {{ .katex-display > .katex {{ font-size: 1em }} }}
[data-testid^="stBaseButton-primary"] {{ color: {page} }}
[class*="st-key-follow_"] {{ position: absolute }}
a[href^="#cells-"], a[data-address] {{
  color: inherit !important; text-decoration: none !important }}
a[data-cells] {{
  text-decoration: underline dotted {accent} 2px !important; text-underline-offset: .2em;
  border-radius: 3px; transition: background-color .3s }}
a[data-cells]:is(:hover, [data-cells="lit"], [data-cells="held"]) {{
  background: color-mix(in srgb, {accent} 20%, transparent);
  text-decoration-style: solid !important }}
"""
# In a narrow window the sidebar covers the page. Streamlit closes it after a choice only if the
# browser calls itself a phone, and remembers it as open.
_CLOSE_SIDEBAR = """<script>
if (!window.cnnLabFrame) {
  window.cnnLabFrame = true;
  document.addEventListener("click", ({ target }) => {
    if (!target.closest('[data-testid="stSidebarNavLink"]')) return;
    const close = document.querySelector('[data-testid="stSidebarCollapseButton"] button');
    const covers = matchMedia("(max-width: 768px)").matches;  // Streamlit's width of a tablet
    if (covers && close?.ariaExpanded === "true") close.click();
  });
}
</script>"""
_SHADOW = "color-mix(in srgb, currentColor 35%, transparent)"

# One visit to a page is one entry of the browser's history, and its address has the page's
# settings. Streamlit makes several: when a page is left, one without settings, and when it is
# entered, one for each setting that the session has kept, some of them under the old page's name.
_ONE_ENTRY_A_VISIT = """<script>
if (!window.cnnLabHistory) {
  window.cnnLabHistory = true;
  let leaving = false, untouched = true;  // from a link to its page; from there to the first input
  for (const kind of ["pointerdown", "keydown"])
    document.addEventListener(kind, () => { leaving = untouched = false; }, true);
  document.addEventListener("click", ({ target }) => {
    const link = target.closest('[data-testid="stSidebarNavLink"], [data-testid^="stPageLink"]');
    leaving = Boolean(link?.href) && new URL(link.href).pathname !== location.pathname;
  }, true);
  const push = history.pushState.bind(history);
  history.pushState = (state, title, url) => {
    if (new URL(url, location.href).pathname !== location.pathname) {
      leaving = false;
      untouched = true;
      push(state, title, url);
    } else if (untouched) history.replaceState(state, title, url);
    else if (!leaving) push(state, title, url);
  };
}
</script>"""

_FRAMED = "frame_is_set"

# Section -> {file: title}; the file's name is the page's address. No icons: Streamlit would
# fetch a page's icon from the internet to show it in the browser's tab.
PAGES = {
    "": {"home": "Home"},
    "Learn": {chapter.page: chapter.label for chapter in CHAPTERS},
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
    "Reference": {"paper": "The paper"},
}


def navigation() -> Page:
    """Set up the frame and return the requested page; app.py runs it."""
    tune_process()
    st.session_state[_FRAMED] = True
    st.set_page_config(page_icon=ICON, layout="wide")
    st.logo(LOGO, size="large")
    style = SHEET + _STYLE.format(
        page=theme_colour("backgroundColor"), accent=theme_colour(), shadow=_SHADOW
    )
    st.html(f"<style>{style}</style>")
    with st.container(key="frame_script"):
        st.html(_CLOSE_SIDEBAR + _ONE_ENTRY_A_VISIT, unsafe_allow_javascript=True)
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
    st.set_page_config(page_title=f"{page.title.split(' · ')[0]} · CNN Lab")
    # Links to these pages describe an example; others only choose a run or a network.
    enter(page.url_path, is_complete=page.url_path in {*PAGES["Learn"], "features"})
    heartbeat(page.url_path)
    return page


@lru_cache(maxsize=1)
def tune_process() -> None:
    """Freeze long-lived objects for the garbage collector; limit matrix products to one thread.

    A page's products are small: a second thread gains a millisecond when the machine is idle,
    and costs a hundred when a training run or another reader has the cores, because the
    library's threads then wait for each other in loops.
    """
    threadpool_limits(limits=1, user_api="blas")
    gc.collect()
    gc.freeze()


def ensure() -> None:
    """Make sure that a page runs inside the frame. Every page calls it first.

    The very first request to a fresh server may be a link to a page. Streamlit then runs
    that file alone, without app.py. Building the navigation once and starting over puts
    the page into its frame, its address untouched.
    """
    if not st.session_state.get(_FRAMED):
        navigation()
        st.rerun()
