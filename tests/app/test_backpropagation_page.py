import re

import numpy as np
import pytest

from cnn_lab.app.backpropagation.controls import PARTS
from cnn_lab.app.backpropagation.lesson import GOALS, MAX_DEFAULT_RATE, RATES
from cnn_lab.app.backpropagation.parts import EXPERIMENTS
from cnn_lab.app.widgets.image_input import CROPS
from cnn_lab.concepts.backpropagation.descent import learn_kernel, stable_rate
from cnn_lab.data.kernels import KERNELS
from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.teaching_images import densest_crop
from cnn_lab.network import Network
from tests.app.elements import errors, said, stages, tables
from tests.prose import wording

STEP, LESSON, GRADIENTS, NUDGE, SOFTMAX = ({"back_part": part} for part in PARTS.values())
LAYER_PARTS = [PARTS[name] for name in ("step", "gradients", "nudge")]
MATRIX = re.compile(r"\\begin{pmatrix} (.*?) \\end{pmatrix}")


def matrices(text):
    """The matrices in numbers that a text holds, in their order."""
    return [
        np.array([[float(number) for number in row.split(" & ")] for row in body.split(r" \\ ")])
        for body in MATRIX.findall(text)
    ]


def has_stage(page):
    return "back_stage" in {component.key for component in stages(page)}


def table(page):
    (columns,) = tables(page)
    return columns


def numbers(texts):
    return [float(text.replace("−", "-")) for text in texts]


def charts(page):
    return len(page.get("vega_lite_chart"))


def drawn(page):
    return "".join(html.proto.body for html in page.get("html"))


def panel(page, title):
    """The numbers of a matrix that is drawn under a title."""
    table = re.search(rf"<figcaption>{title}</figcaption><table.*?</table>", drawn(page))[0]
    rows = [re.findall(r">([^<>]*)</td>", row) for row in table.split("<tr>")[1:]]
    return np.array([numbers(row) for row in rows])


def losses(page, chapter="step_after"):
    """The loss that the page names, as a number."""
    return float(wording("backpropagation", chapter).search(said(page))[1].split()[0])


def test_the_first_visit_offers_one_step_and_nothing_slow(open_page):
    page = open_page("backpropagation")
    assert not page.exception
    assert not errors(page)
    assert page.title[0].value.endswith(" Backpropagation")
    assert wording("backpropagation", "question").search(said(page))
    assert wording("backpropagation", "step_before", loss="7356").search(said(page))
    assert not charts(page)
    assert not has_stage(page)
    assert not page.latex
    assert "$" not in said(page)


def test_each_press_takes_a_step_and_start_over_takes_them_back(open_page):
    """The layer, its target and the rate of the page, worked out with arrays alone."""
    page = open_page("backpropagation")
    image, kernel = panel(page, "Image"), panel(page, "Kernel")
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    wanted = np.einsum("ijmn,mn->ij", windows, KERNELS["sobel_rows"].values(3, 3))
    np.testing.assert_array_equal(panel(page, "Wanted"), wanted)
    bias = 0.0
    for taken in (1, 2, 3):
        error = np.einsum("ijmn,mn->ij", windows, kernel) + bias - wanted
        kernel = kernel - 0.0005 * np.einsum("ijmn,ij->mn", windows, error)
        bias -= 0.0005 * error.sum()
        after = np.einsum("ijmn,mn->ij", windows, kernel) + bias - wanted
        page.button(key="back_step_once").click().run()
        state = wording("backpropagation", "step_after").search(said(page))
        assert state[2].startswith(f"{taken} step")
        assert float(state[1]) == pytest.approx(np.square(after).sum() / 2, rel=1e-3)
        assert wording("backpropagation", "step_better", after=state[1]).search(said(page))
        np.testing.assert_allclose(panel(page, "Kernel"), kernel, atol=0.006)
        # The page rounds what is 10 or more to whole numbers.
        np.testing.assert_allclose(panel(page, "Its output"), after + wanted, atol=0.5)
    page.button(key="back_step_ten").click().run()
    assert page.slider(key="back_taken").value == 13
    page.button(key="back_step_reset").click().run()
    assert wording("backpropagation", "step_before", loss="7356").search(said(page))
    assert page.button(key="back_step_reset").disabled


def test_the_steps_end_at_the_limit(open_page):
    page = open_page("backpropagation", {**STEP, "back_taken": "48"})
    page.button(key="back_step_ten").click().run()
    assert page.slider(key="back_taken").value == 50
    assert page.button(key="back_step_once").disabled


def test_a_descent_that_diverges_ends_and_says_so(open_page):
    page = open_page("backpropagation", {**STEP, "back_taken": "50", "back_rate": "5"})
    assert not page.exception
    assert wording("backpropagation", "step_diverged").search(said(page))
    assert page.button(key="back_step_once").disabled
    assert not re.search(r"\b(nan|inf)\b", said(page) + drawn(page))


def test_the_step_is_explained_with_the_numbers_of_the_layer(open_page):
    page = open_page("backpropagation", {**STEP, "back_bias": "2"})
    now, gradient, after = (
        panel(page, name) for name in ("Kernel now", "Gradient", "After the step")
    )
    np.testing.assert_allclose(after, now - 0.0005 * gradient, atol=0.006)
    text = said(page)
    row, column = divmod(int(np.abs(gradient).argmax()), 3)
    place = {"row": row, "column": column}
    assert wording("backpropagation", "step_gradient", **place).search(text)
    bias, _, slope, result = map(
        lambda each: float(each.strip("()").replace("−", "-")),
        wording("backpropagation", "step_bias").search(text).groups(),
    )
    assert bias - 0.0005 * slope == pytest.approx(result, abs=0.005)


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda each: each.name)
def test_every_experiment_sets_the_page_and_ends_as_promised(open_page, experiment):
    page = open_page("backpropagation", experiment.query)
    assert not page.exception
    assert not errors(page)
    match experiment.name:
        case "overshoot":
            found = []
            for taken in range(4):
                page.slider(key="back_taken").set_value(taken).run()
                found.append(losses(page, "step_after" if taken else "step_before"))
            first, second, third, fourth = found
            assert second < first < third < fourth
        case "noise":
            state = wording("backpropagation", "lesson_state", step=300).search(said(page))
            assert float(state[3]) <= 0.001
        case "stride":
            assert has_stage(page)
            page = open_page("backpropagation", {**experiment.query, "back_tab": "Explained"})
            (gradient,) = (each for each in matrices(said(page)) if each.shape == (6, 6))
            assert not gradient[-1].any()
            assert not gradient[:, -1].any()
            assert gradient[:-1, :-1].any()
        case "sure":
            page = open_page("backpropagation", {**experiment.query, "back_tab": "Explained"})
            columns = table(page)
            assert columns["Label y"][2] == "1"
            assert float(columns["Probability p"][2]) == pytest.approx(0.035, abs=0.0005)
            assert numbers(columns["Gradient (p − y) / T"])[2] < -0.96


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ({}, "step"),
        ({"back_tab": "Cost"}, "step"),
        ({"back_what": "input", "back_form": "both"}, "gradients"),
        ({"back_stride": "2"}, "gradients"),
        ({"back_part": "nonsense"}, "step"),
        ({"back_part": "Softmax and loss", "back_stride": "2"}, "softmax"),
    ],
)
def test_an_address_opens_the_part_that_it_has_always_opened(open_page, query, part):
    page = open_page("backpropagation", query)
    assert page.segmented_control(key="back_part").value == part


def test_a_closed_tab_is_not_computed(open_page):
    page = open_page("backpropagation", {**STEP, "back_tab": "Cost"})
    assert wording("backpropagation", "cost", weights=9, positions=16, forward=144).search(
        said(page)
    )
    assert wording("backpropagation", "cost", nudging="2,880").search(said(page))
    assert not wording("backpropagation", "step_loss").search(said(page))
    assert not charts(page)


def test_the_cost_of_a_lesson_and_of_softmax_is_counted(open_page):
    page = open_page("backpropagation", {**LESSON, "back_tab": "Cost", "back_lesson_steps": "100"})
    # 12 rows of 12 windows on a digit of 14 x 14.
    costs = {"windows": 144, "weights": 9, "forward": "1,296", "total": "259,200"}
    assert wording("backpropagation", "cost_lesson", **costs).search(said(page))
    page = open_page("backpropagation", {**SOFTMAX, "back_tab": "Cost"})
    n_multiply_adds = sum(row.multiply_adds for row in Network.load("paper").spec.summary())
    costs = {"n": 3, "network": f"{n_multiply_adds:,}"}
    assert wording("backpropagation", "cost_softmax", **costs).search(said(page))


@pytest.mark.parametrize("part", PARTS.values())
def test_a_tab_that_another_part_lacks_opens_the_first(open_page, part):
    page = open_page("backpropagation", {**STEP, "back_tab": "Other rates"})
    page.segmented_control(key="back_part").set_value(part).run()
    assert not page.exception


def test_the_kernels_gradient_plays_and_is_written_out(open_page):
    page = open_page("backpropagation", GRADIENTS)
    assert has_stage(page)
    assert r"\sum_{i=0}^{3}\sum_{j=0}^{3} \delta(i, j)\; I(i + m,\; j + n)" in said(page)
    assert wording("backpropagation", "agree").search(said(page))


@pytest.mark.parametrize(("name", "part"), PARTS.items())
def test_every_part_opens_from_a_link_and_shows_no_number_that_is_none(open_page, part, name):
    page = open_page("backpropagation", {"back_part": part})
    assert not page.exception
    assert not errors(page)
    assert page.segmented_control(key="back_part").value == name
    assert not re.search(r"\b(nan|inf)\b", said(page) + drawn(page))


def test_a_part_that_is_not_chosen_is_not_there(open_page):
    page = open_page("backpropagation", SOFTMAX)
    assert not has_stage(page)
    page.segmented_control(key="back_part").set_value("lesson").run()
    assert not has_stage(page)
    assert page.button(key="back_play").label == "Play"


@pytest.mark.parametrize(
    "query",
    [
        {"back_what": "input", "back_form": "scatter", "back_stride": "3", "back_padding": "same"},
        {"back_what": "input", "back_form": "both", "back_dilation": "2", "back_padding": "full"},
        {"back_what": "bias", "back_form": "both", "back_source": "ones"},
        {"back_what": "kernel", "back_form": "scatter", "back_padding": "own", "back_left": "9"},
        {"back_kernel_rows": "7", "back_kernel_columns": "7", "back_padding": "full"},
        {
            "back_rows": "1",
            "back_columns": "1",
            "back_kernel_rows": "1",
            "back_kernel_columns": "1",
        },
        {"back_input": "digit", "back_white": "1", "back_what": "kernel"},
        {"back_apart": "true", "back_stride": "2", "back_stride_columns": "5"},
        {"back_activation": "sigmoid", "back_bias": "-1000000"},
        {"back_weights": "1000000 0 0; 0 0 0; 0 0 -1000000", "back_bias": "1000000"},
    ],
)
@pytest.mark.parametrize("part", LAYER_PARTS)
def test_extremes_that_are_legal_are_shown(open_page, part, query):
    page = open_page("backpropagation", {"back_part": part, **query})
    assert not page.exception
    assert not errors(page)
    assert has_stage(page) == (part == PARTS["gradients"])
    assert not re.search(r"\b(nan|inf)\b", said(page))


def test_a_link_sets_every_control(open_page):
    query = {
        "back_what": "input",
        "back_form": "both",
        "back_source": "one cell",
        "back_cell_row": "1",
        "back_cell_column": "2",
        "back_kernel": KERNELS["laplacian"].title,
        "back_stride": "2",
        "back_padding": "same",
        "back_dilation": "1",
        "back_bias": "0.5",
        "back_activation": "leaky ReLU",
    }
    page = open_page("backpropagation", query)
    assert page.segmented_control(key="back_what").value == "input"
    assert page.segmented_control(key="back_form").value == "both"
    assert page.selectbox(key="back_source").value == "cell"
    assert page.number_input(key="back_cell_row").value == 1
    assert page.number_input(key="back_cell_column").value == 2
    assert page.selectbox(key="back_kernel").value == "laplacian"
    assert page.number_input(key="back_stride").value == 2
    assert page.number_input(key="back_bias").value == 0.5
    assert page.selectbox(key="back_activation").value == "leaky_relu"
    assert r"\tilde\delta(r - m,\; c - n)" in said(page)
    assert "$s_h - 1 = 1$ rows" in said(page)


def test_the_numbers_are_those_of_a_layer_worked_by_hand(open_page):
    page = open_page(
        "backpropagation",
        {
            "back_values": "1 2 3",
            "back_rows": "1",
            "back_columns": "3",
            "back_kernel_rows": "1",
            "back_kernel_columns": "2",
            "back_weights": "1 1",
            "back_source": "own numbers",
            "back_delta": "2 -1",
        },
    )
    # dK = (2·1 - 1·2, 2·2 - 1·3); the loss is 2·3 - 1·5.
    assert [[0.0, 1.0]] in [matrix.tolist() for matrix in matrices(said(page))]
    assert "$L = 1$" in said(page)


def test_an_activation_scales_what_comes_back(open_page):
    page = open_page("backpropagation", {"back_activation": "ReLU", "back_source": "ones"})
    outer, slopes, delta = matrices(page.latex[0].value)
    assert set(slopes.ravel()) == {0, 1}
    np.testing.assert_array_equal(delta, outer * slopes)
    silent = wording("backpropagation", "silent", dead=(slopes == 0).sum(), cells=16)
    assert silent.search(said(page))
    assert charts(page) == 1


def test_a_window_that_does_not_fit_gets_a_sentence_in_every_part(open_page):
    for part in LAYER_PARTS:
        page = open_page(
            "backpropagation", {"back_part": part, "back_rows": "2", "back_columns": "2"}
        )
        assert not page.exception
        assert "would fit" in errors(page)[0]
        page.segmented_control(key="back_padding").set_value("full").run()
        assert not errors(page)


def test_a_cell_beyond_a_smaller_result_is_held_to_it(open_page):
    page = open_page(
        "backpropagation",
        {"back_source": "one cell", "back_cell_row": "3", "back_cell_column": "3"},
    )
    page.number_input(key="back_stride").set_value(3).run()
    assert not page.exception
    outer, _, _ = matrices(page.latex[0].value)
    assert outer.shape == (2, 2)
    assert outer.sum() == 1


def test_a_weight_beyond_a_smaller_kernel_is_held_to_it(open_page):
    page = open_page(
        "backpropagation", {**NUDGE, "back_weight_row": "2", "back_tab": "All weights"}
    )
    page.number_input(key="back_kernel_rows").set_value(1).run()
    assert not page.exception
    assert len(table(page)["Weight"]) == 3


def test_too_many_steps_become_pictures(open_page):
    page = open_page(
        "backpropagation",
        {
            "back_input": "digit",
            "back_crop": "28",
            "back_kernel_rows": "7",
            "back_kernel_columns": "7",
            "back_padding": "full",
            "back_form": "scatter",
        },
    )
    assert not page.exception
    assert not has_stage(page)
    assert "Too many steps" in page.caption[0].value


@pytest.mark.parametrize("part", PARTS.values())
def test_nonsense_in_the_address_leaves_the_page_as_it_was(open_page, part):
    nonsense = dict.fromkeys(
        [
            "back_what",
            "back_form",
            "back_source",
            "back_target",
            "back_stride",
            "back_kernel",
            "back_weights",
            "back_nudge",
            "back_weight_row",
            "back_rate",
            "back_taken",
            "back_tab",
            "back_goal",
            "back_lesson_rate",
            "back_lesson_steps",
            "back_lesson_seed",
            "back_step",
            "back_scores",
            "back_logits",
            "back_class",
            "back_temperature",
        ],
        "<b>nan</b>",
    )
    page = open_page("backpropagation", {"back_part": part, **nonsense})
    assert not page.exception
    assert not errors(page)
    huge = dict.fromkeys(nonsense, "1 " * 1000)
    page = open_page("backpropagation", {"back_part": part, **huge})
    assert not page.exception
    page = open_page("backpropagation", {"back_part": part, **dict.fromkeys(nonsense, "99999")})
    assert not page.exception


def test_a_nudge_agrees_with_the_gradient_for_every_weight(open_page):
    page = open_page(
        "backpropagation", {**NUDGE, "back_weight_row": "2", "back_weight_column": "1"}
    )
    assert wording("backpropagation", "nudge_agrees").search(said(page))
    assert r"\frac{\partial L}{\partial K(2, 1)} = -1318" in said(page)
    page = open_page("backpropagation", {**NUDGE, "back_tab": "All weights"})
    columns = table(page)
    assert len(columns["Weight"]) == 9
    assert columns["By nudging"] == columns["By backpropagation"]


def test_a_nudge_that_is_too_small_is_said_to_be(open_page):
    page = open_page("backpropagation", {**NUDGE, "back_activation": "tanh", "back_nudge": "1e-12"})
    assert wording("backpropagation", "nudge_differs").search(said(page))


def test_a_nudge_across_a_kink_is_said_to_be(open_page):
    page = open_page("backpropagation", {**NUDGE, "back_activation": "ReLU", "back_nudge": "1"})
    assert wording("backpropagation", "nudge_crossed").search(said(page))


def test_a_step_gets_better_or_overshoots_and_the_best_rate_is_named(open_page):
    page = open_page("backpropagation", {**STEP, "back_tab": "Other rates"})
    better = wording("backpropagation", "step_better", before="7356", after="3054")
    assert better.search(said(page))
    assert wording("backpropagation", "step_best_exact").search(said(page))
    page.select_slider(key="back_rate").set_value(0.002).run()
    assert wording("backpropagation", "step_worse", before="7356").search(said(page))
    assert charts(page) == 1


def test_a_step_without_a_gradient_changes_nothing(open_page):
    same = {"back_target": KERNELS["sobel_columns"].title, "back_taken": "1"}
    page = open_page("backpropagation", {**STEP, **same})
    assert wording("backpropagation", "step_same").search(said(page))
    assert not page.exception


def test_a_lesson_reaches_its_goal(open_page):
    page = open_page("backpropagation", {**LESSON, "back_step": "1000"})
    state = said(page)
    shown = wording("backpropagation", "lesson_state", step=1000, steps=1000).search(state)[0]
    *_, difference = re.findall(r"\*\*([\d.e-]+)\*\*", shown)
    assert float(difference) < 0.01
    np.testing.assert_allclose(panel(page, "Kernel now"), panel(page, "Goal"), atol=0.02)
    assert drawn(page).count("<img") == 4
    assert not charts(page)


def test_a_rate_that_is_too_high_ends_the_lesson_and_says_why(open_page):
    page = open_page("backpropagation", {**LESSON, "back_lesson_rate": "2", "back_step": "900"})
    assert not page.exception
    assert wording("backpropagation", "lesson_diverged").search(page.warning[0].value)
    assert "Step **0**" in said(page)
    assert not re.search(r"\b(nan|inf)\b", said(page))


def lesson_images():
    """Return what the page can show: crops of digits in every size, and noise."""
    pixels = load_mnist().test.pixels
    crops = [
        densest_crop(pixels[at][..., np.newaxis] / 255, side)[..., 0]
        for side in CROPS
        for at in (0, 1, 2, 18, 321, 9999)
    ]
    return [*crops, *(np.random.default_rng(number).random((14, 14)) for number in range(4))]


def test_every_image_starts_at_a_rate_that_converges_below_the_limit_it_shows():
    """M8: at the default rate every kernel is approached; just above the limit, none is."""
    goals = [kernel.values(3, 3) for name, kernel in KERNELS.items() if name in GOALS]
    assert len(goals) > 5
    for number, image in enumerate(lesson_images()):
        rate = stable_rate(image, (3, 3), RATES, most=MAX_DEFAULT_RATE)
        for goal in goals if number % 6 == 0 else [goals[number % len(goals)]]:
            lesson = learn_kernel(image, goal, rate=rate, steps=200, seed=number)
            assert rate < lesson.highest_rate
            assert np.all(np.diff(lesson.losses) <= 1e-15), (number, rate)
            assert lesson.losses[-1] < lesson.losses[0] / 10
        limit = lesson.highest_rate
        assert learn_kernel(image, goal, rate=1.02 * limit, steps=1000, seed=number).diverged
        assert not learn_kernel(image, goal, rate=0.98 * limit, steps=1000, seed=number).diverged


def test_the_rate_follows_the_image_unless_it_was_chosen(open_page):
    """M8: noise diverges at the rate that digits start with."""
    page = open_page("backpropagation", LESSON)
    assert page.select_slider(key="back_lesson_rate").value == 1
    page.segmented_control(key="back_lesson_input").set_value("noise").run()
    assert page.select_slider(key="back_lesson_rate").value == 0.5
    assert not page.warning
    assert wording("backpropagation", "lesson_rate", highest="0.745").search(said(page))
    page.segmented_control(key="back_lesson_input").set_value("digit").run()
    assert page.select_slider(key="back_lesson_rate").value == 1
    page.select_slider(key="back_lesson_rate").set_value(0.2).run()
    page.segmented_control(key="back_lesson_input").set_value("noise").run()
    assert page.select_slider(key="back_lesson_rate").value == 0.2
    noise = {**LESSON, "back_lesson_input": "noise", "back_lesson_rate": "1"}
    assert open_page("backpropagation", noise).warning


def test_a_lesson_that_ends_at_once_has_nothing_to_play(open_page):
    page = open_page("backpropagation", {**LESSON, "back_lesson_input": "noise"})
    assert page.button(key="back_play").label == "Play"
    page.select_slider(key="back_lesson_rate").set_value(10.0).run()
    assert not page.exception
    assert wording("backpropagation", "lesson_diverged").search(page.warning[0].value)


def test_a_shorter_lesson_holds_the_slider(open_page):
    page = open_page("backpropagation", {**LESSON, "back_step": "800"})
    page.select_slider(key="back_lesson_steps").set_value(10).run()
    assert not page.exception
    assert page.slider(key="back_step").value == 10


def test_playing_goes_through_the_lesson_and_stops_at_its_end(open_page):
    page = open_page("backpropagation", {**LESSON, "back_lesson_steps": "10"})
    page.button(key="back_play").click().run()
    steps = []
    while not steps or steps[-1] < 10:
        steps.append(int(re.search(r"Step \*\*(\d+)\*\*", said(page))[1]))
        assert len(steps) < 20
        page.run()
    assert steps == sorted(steps)
    assert page.slider(key="back_step").value == 10
    assert page.button(key="back_play").label == "Play"


def test_every_power_of_a_softmax_is_written(open_page):
    """U15: no ellipsis stands for terms of the sum."""
    for logits in ("1 2 3", "1 2 3 4 5 6", "1 2 3 4 5 6 7 8 9 10"):
        text = said(open_page("backpropagation", {**SOFTMAX, "back_logits": logits}))
        found = re.search(r"e\^{1 / 1}}{(.*?)} = [\d.]", text, re.S)[1]
        assert re.findall(r"e\^{(\d+) / 1}", found) == logits.split()
        assert "dots" not in text


def test_softmax_and_its_gradient_add_up(open_page):
    page = open_page("backpropagation", {**SOFTMAX, "back_logits": "1 2 3", "back_class": "2"})
    columns = table(page)
    powers = np.exp([1.0, 2.0, 3.0])
    shares = powers / powers.sum()
    np.testing.assert_allclose(numbers(columns["Probability p"]), shares, rtol=1e-3)
    gradient = numbers(columns["Gradient (p − y) / T"])
    np.testing.assert_allclose(gradient, shares - [0, 0, 1], rtol=1e-3)
    sums = wording("backpropagation", "softmax_sums", total=1, balance=0)
    assert sums.search(said(page))
    assert f"= {-np.log(shares[2]):.3f}" in said(page)


def test_a_sure_and_wrong_answer_has_a_finite_loss(open_page):
    query = {**SOFTMAX, "back_logits": "1000000 0", "back_class": "1", "back_temperature": "0.1"}
    page = open_page("backpropagation", query)
    assert not page.exception
    assert wording("backpropagation", "softmax_limited").search(said(page))
    assert not re.search(r"\b(nan|inf)\b", said(page))


def test_the_networks_own_scores_on_a_digit_it_takes_for_another(open_page):
    page = open_page("backpropagation", {**SOFTMAX, "back_scores": "network"})
    columns = table(page)
    shares = numbers(columns["Probability p"])
    assert len(shares) == 10
    assert max(shares) < 0.9
    assert columns["Label y"][int(np.argmax(shares))] == "0"
    assert columns["Label y"].count("1") == 1
