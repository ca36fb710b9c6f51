"""The paper, without a browser."""

import json

import numpy as np
import pytest

from benchmarks.experiment import recorded
from cnn_lab.app.paper.links import ERRATA, OUTLOOK, Link
from cnn_lab.app.training.fields import (
    DATA_SETS,
    NORMS,
    OPTIMIZERS,
    SCHEDULES,
    setting_key,
)
from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import Network, zoo
from cnn_lab.network.spec import TrainingSpec
from cnn_lab.training.engine import ENGINES
from cnn_lab.training.experiment import experiments
from tests.app.elements import said, tables
from tests.prose import wording

OFFERED = {
    "optimizer": OPTIMIZERS.values(),
    "schedule": SCHEDULES.values(),
    "norm": NORMS.values(),
    "data_set": DATA_SETS.values(),
    "engine": ENGINES.values(),
    "shift": ["2"],
}
SHOWN = [link for link in ERRATA.values() if link and link.query]


def html(page):
    return "".join(element.proto.body for element in page.get("html"))


def test_the_papers_figure_stands_beside_five_seeds(open_page):
    page = open_page("paper")
    assert not page.exception
    paper = experiments()["paper"]
    errors = {"fewest": min(paper.errors), "most": max(paper.errors), "paper_errors": 80}
    mean = f"{paper.mean_accuracy:.2%}"
    assert wording("paper", "verdict", paper="99.2%", mean=mean, **errors).search(said(page))


def in_tab(open_page, title):
    page = open_page("paper", {"paper_tab": title})
    assert not page.exception
    return page


def test_the_first_screen_draws_no_chart(open_page):
    page = open_page("paper")
    assert not page.get("vega_lite_chart")
    assert not page.latex
    assert "$" not in said(page)
    assert "data:image/svg+xml" in html(page)


def test_all_five_figures_are_there_and_the_layers_add_up(open_page):
    page = in_tab(open_page, "Its pictures")
    assert all(f"**Fig. {number}, " in said(page) for number in (1, 2, 5))
    assert len(page.get("image")) == 2
    page = in_tab(open_page, "Its curves")
    assert all(f"**Fig. {number}, " in said(page) for number in (3, 4))
    assert len(page.get("vega_lite_chart")) == 2
    page = in_tab(open_page, "Its network")
    (table,) = tables(page)
    *numbers, total = (int(n.replace(",", "")) for n in table["Parameters"])
    assert len(numbers) == 11
    assert sum(numbers) == total == 1_134_426
    numbers = {"share": "72%", "heaviest": "dense1", "n_shared": 64}
    assert wording("paper", "layers", **numbers).search(said(page))


def test_six_digits_are_read_by_the_shipped_network_and_six_others_next(open_page):
    page = open_page("paper", {"paper_first": "4"})
    test, network = load_mnist().test, Network.load("paper")
    page.button(key="paper_next_six").click().run()
    assert not page.exception
    assert page.number_input(key="paper_first").value == 10
    images = np.stack([test.image(index) for index in range(10, 16)])
    cards = html(page).split("<figure>")[1:]
    for card, index, row in zip(cards, range(10, 16), network.predict(images), strict=True):
        assert f"Test digit {index}, labelled {test.labels[index]}" in card
        assert f'<li class="answer"><span>{row.argmax()}</span>' in card


@pytest.mark.parametrize("asked", ["99999", "-1", "seven"])
def test_digits_that_are_not_there_are_held_to_those_that_are(open_page, asked):
    page = open_page("paper", {"paper_digit": asked, "paper_first": asked})
    assert not page.exception
    page.button(key="paper_next_digit").click().run()
    assert not page.exception


def test_after_the_last_digit_comes_the_first(open_page):
    page = open_page("paper", {"paper_digit": "9999"})
    page.button(key="paper_next_digit").click().run()
    assert page.number_input(key="paper_digit").value == 0


@pytest.mark.parametrize("link", SHOWN, ids=lambda link: link.label)
def test_each_link_finds_its_page_in_the_state_that_it_names(open_page, link: Link):
    page = open_page(link.page, link.query)
    assert not page.exception
    assert not page.error
    for key, value in link.query.items():  # what a page begins with leaves the address
        assert page.query_params.get(key, str(page.session_state[key])) in (value, [value])


def test_what_would_do_better_names_settings_that_training_has(open_page):
    for link in OUTLOOK[:1] + OUTLOOK[2:]:
        preset, setting = link.query.items()
        assert preset == ("training_preset", "paper")
        (field,) = (f for f in OFFERED if setting_key("paper", f) == setting[0])
        assert setting[1] in OFFERED[field]
    assert {"optimizer", "schedule", "data_set"} <= set(TrainingSpec.model_fields)


def test_the_formula_without_its_floor_is_worked_out(open_page):
    text = said(in_tab(open_page, "Corrections and details"))
    assert wording("paper", "floor", unrounded=3.5, result=3, unread=1).search(text)
    assert wording("paper", "same", size=2, before=0, after=1).search(text)


def test_the_champion_is_told_as_its_card_and_the_records_have_it(open_page):
    champion = Network.load("champion")
    result = json.loads(champion.card["result"])
    records = [recorded("champion", seed) for seed in range(5)]
    assert records[result["seed"]]["result"]["errors"] == result["errors"]
    told = {
        "name": "champion",
        "seed": result["seed"],
        "accuracy": f"{result['test_accuracy']:.2%}",
        "errors": result["errors"],
        "n": f"{result['n']:,}",
        "n_parameters": f"{champion.spec.n_parameters:,}",
        "n_seeds": 5,
        "mean": f"{np.mean([record['result']['test_accuracy'] for record in records]):.2%}",
    }
    text = said(in_tab(open_page, "What would work better"))
    assert wording("paper", "champion", **told).search(text)
    assert set(experiments()) <= set(zoo.PRESETS)
