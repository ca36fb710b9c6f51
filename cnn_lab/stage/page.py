"""The player and a trace as one self-contained HTML page."""

import html
import json
from collections.abc import Sequence
from typing import Literal

from cnn_lab.stage.data import as_traces, stage_data
from cnn_lab.stage.render.theme import THEMES, Theme, theme_of
from cnn_lab.stage.source import bundled
from cnn_lab.trace import Trace

_FONTS = """  --st-font: "Source Sans 3", "Source Sans Pro", system-ui, sans-serif;
  --st-heading-font: "Source Serif 4", "Source Serif Pro", Georgia, serif;"""

_PAGE_STYLE = """
html {
  background: var(--st-background-color);
  color: var(--st-text-color);
  font-family: var(--st-font);
}

body {
  max-width: 1200px;
  margin: 0 auto;
  padding: 1rem 1.25rem;
}

h1 {
  margin: 0 0 1rem;
  font: 600 1.25rem/1.3 var(--st-heading-font);
}

footer {
  margin-top: 1.25rem;
  color: color-mix(in srgb, var(--st-text-color) 66%, var(--st-background-color));
  font-size: 0.8rem;
  line-height: 1.5;
}

@media print {
  html {
    print-color-adjust: exact;
    -webkit-print-color-adjust: exact;
  }

  body {
    max-width: none;
    padding: 0;
  }

  .controls,
  .below {
    display: none;
  }

  .arithmetic {
    max-height: none;
  }
}
"""

_START = """
{
  const { createPlayer, readTheme } = window.cnnLabPlayer;
  const root = document.querySelector(".stage");
  const wire = JSON.parse(document.getElementById("trace").textContent);
  const player = createPlayer(root, wire, { theme: readTheme(root) });
  const restyle = () => player.setTheme(readTheme(root));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
}
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<h1>{title}</h1>
<div class="kit stage">
<noscript>This figure needs JavaScript; allow scripts to see it.</noscript>
</div>
<footer>{settings}<br>Made with CNN Lab</footer>
<script type="application/json" id="trace">{wire}</script>
<script type="module">
{script}
</script>
</body>
</html>
"""


def export_html(
    traces: Trace | Sequence[Trace],
    *,
    title: str,
    settings: str = "",
    theme: Literal["auto", "light", "dark"] = "auto",
    start_step: int = 0,
) -> str:
    """Return a page that plays the traces like the stage, without internet access or the app.

    Parameters
    ----------
    traces : Trace or sequence of Trace
        Several are played together.
    title : str
        Any text; title and heading of the page.
    settings : str
        Settings of the figure in words; by default its grids and their sizes.
    theme : {"auto", "light", "dark"}
        "auto" follows the system setting of the reader.
    start_step : int
        The step shown first; negative counts from the end.

    Raises
    ------
    ValueError
        If `traces` is empty, or the theme is unknown.

    Notes
    -----
    About 90 KB plus the trace, which has at most 200 KB. A policy in the page forbids all
    network requests.
    """
    several = as_traces(traces)
    wire = stage_data(several, start_step=start_step, label=title)
    return _PAGE.format(
        title=html.escape(title),
        settings=html.escape(settings or _sizes(several)),
        style=f"{_colours(theme)}{bundled('stage.css')}{_PAGE_STYLE}",
        # Escaped so that the data cannot end this element or open a comment.
        wire=json.dumps(wire).replace("<", "\\u003c"),
        script=bundled("player.js") + _START,
    )


def _sizes(traces: Sequence[Trace]) -> str:
    """Return the grids and their sizes: "Input 6 × 6; Kernel 3 × 3; Output 4 × 4"."""
    named = [(grid.name, grid.note) for trace in traces for grid in trace.grids]
    return "; ".join(f"{name} {note}".strip() for name, note in dict.fromkeys(named))


def _colours(theme: str) -> str:
    """Return the CSS variables that give the stage its colours."""
    if theme != "auto":
        return _variables(theme_of(theme))
    dark = _variables(THEMES["dark"])
    return f"{_variables(THEMES['light'])}@media (prefers-color-scheme: dark) {{\n{dark}}}\n"


def _variables(theme: Theme) -> str:
    return f""":root {{
  color-scheme: {theme.name};
  --st-primary-color: {theme.primary};
  --st-background-color: {theme.background};
  --st-text-color: {theme.text};
  --st-chart-diverging-colors: {",".join(theme.diverging)};
{_FONTS}
}}
"""
