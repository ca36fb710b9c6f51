"""B10: from a click to the first point of the curves, how old they get, and how long a stop takes.

All in the browser's own clock. Cold is a server that has just started, clicked as soon as the
button is there; warm is the run after that. At last a short training on ten drawings, with a warm
worker, from the click to what it has changed.
"""

import re
from collections.abc import Sequence

from benchmarks.report import Row, median, report
from benchmarks.training_page import START, TrainingPage, a_training_page
from cnn_lab.network.spec import N_DIGITS

HAND = "training_tab=Your+hand&training_result=Your+hand"  # without a run, and with one
WARM_RUNS = 3
WATCHED_S = 20
# Remembers when the head of the loss moved: what is drawn, not what Streamlit was sent.
WATCH = """
window.drawn = [];
let before = '';
const look = () => {
  requestAnimationFrame(look);
  const hosts = [...document.querySelectorAll('.st-key-training_curves *')];
  const root = hosts.find((node) => node.shadowRoot)?.shadowRoot;
  const points = root?.querySelector('polyline.smooth')?.getAttribute('points') ?? '';
  if (points && points !== before) window.drawn.push(performance.now());
  before = points;
};
look();
"""
CLICK = """
(button) => { window.drawn = []; window.clicked = performance.now(); button.click(); }
"""
FIRST = "() => window.drawn.length ? window.drawn[0] - window.clicked : null"
GAPS = """
() => window.drawn.slice(1).reduce((most, at, i) => Math.max(most, at - window.drawn[i]), 0)
"""


def click(training: TrainingPage, name: str) -> None:
    training.page.get_by_role("button", name=name, exact=True).evaluate(CLICK)


def first_point_s(training: TrainingPage) -> float:
    """Click on start, and return the seconds until a point was drawn."""
    click(training, START)
    shown = training.page.wait_for_function(FIRST, timeout=120_000, polling=50)
    return float(shown.json_value()) / 1000


def stop_s(training: TrainingPage) -> float:
    """Click on stop, and return the seconds until the page says that it has happened."""
    click(training, "Stop")
    said = "() => document.body.innerText.includes('Stopped as requested.')"
    since = "() => performance.now() - window.clicked"
    training.page.wait_for_function(said, timeout=60_000, polling=20)
    return float(training.page.evaluate(since)) / 1000


def own_hand_s(training: TrainingPage) -> float:
    """Train on ten drawings, and return the seconds until the page says how it reads them now."""
    training.page.goto(f"{training.url}/training?{HAND}")
    training.page.get_by_role("button", name="Borrow a hand").click()
    training.page.get_by_text(re.compile(r"^Read as \d")).nth(N_DIGITS - 1).wait_for()
    click(training, "Train it on my hand")
    said = "() => document.body.innerText.includes('Now it reads')"
    training.page.wait_for_function(said, timeout=120_000, polling=20)
    return float(training.page.evaluate("() => performance.now() - window.clicked")) / 1000


def measure() -> Sequence[Row]:
    warm: list[float] = []
    stops: list[float] = []
    with a_training_page() as training:
        training.page.add_init_script(f"addEventListener('DOMContentLoaded', () => {{{WATCH}}})")
        training.open("fast", epochs=30)
        cold = first_point_s(training)
        stops.append(stop_s(training))
        for _ in range(WARM_RUNS):
            training.open("fast", epochs=30)
            warm.append(first_point_s(training))
            stops.append(stop_s(training))
        training.open("paper")
        warm_paper = first_point_s(training)
        training.page.wait_for_timeout(1000 * WATCHED_S)
        oldest = float(training.page.evaluate(GAPS)) / 1000
        stops.append(stop_s(training))
        hands = [own_hand_s(training) for _ in range(WARM_RUNS)]
    return [
        Row("click to first point on the chart, worker warm", median(warm), "s", 2),
        Row("the same, paper", warm_paper, "s", 2),
        Row("the same, server just started", cold, "s", 8),
        Row("longest time between two states of the chart, paper", oldest, "s", 1),
        Row("stop, median", median(stops), "s", 1),
        Row("stop, longest", max(stops), "s"),
        Row("*Your hand*: click to how it reads ten drawings now", median(hands), "s"),
    ]


if __name__ == "__main__":
    report("B10", measure)
