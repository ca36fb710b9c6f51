"""Every parameter of every page's address, and values that no widget writes there."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from unittest.mock import patch

from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.testing.v1 import AppTest

from cnn_lab.teaching.assignment import PARAMETERS

Query = Mapping[str, str | list[str]]

# Foreign text that a careless page would show as a link, a picture, an icon, a formula or HTML.
MARKDOWN = "![x](http://evil.example/x.png) [x](http://evil.example) :material/bug_report: $x$ <b>x"
NASTY: tuple[str | list[str], ...] = (
    "",
    "nan",
    "inf",
    "-1",
    "1e400",
    "9" * 100_000,
    "a\x00\x1b[31m\u202eb\r\n",
    "no such option",
    ["1", "1"],
    MARKDOWN,
)

# Page -> settings that together bring every widget of the page into view.
STATES: dict[str, tuple[dict[str, str], ...]] = {
    "home": ({},),
    "convolution": (
        {},
        {"conv_filters": "4", "conv_biases": "true", "conv_padding": "own", "conv_apart": "true"},
        {"conv_channels": "four", "conv_groups": "in groups", "conv_input": "digit"},
        {"conv_channels": "colour", "conv_filters": "2", "conv_input": "picture"},
        {"conv_predict": "true", "conv_flip": "Both in step", "conv_activation": "relu"},
    ),
    "padding": (
        {},
        {"pad_padding": "own", "pad_apart": "true", "pad_tab": "Cost"},
        {"pad_compare": "all three", "pad_tab": "Code"},
        {"pad_compare": "all three", "pad_predict": "true"},
        {
            "pad_compare": "transposed",
            "pad_transposed_padding": "own",
            "pad_input": "digit",
        },
    ),
    "pooling": (
        {},
        {"pool_input": "digit", "pool_apart": "true", "pool_padding": "own"},
        {"pool_direction": "back", "pool_grad": "one cell"},
        {"pool_direction": "back", "pool_grad": "own", "pool_predict": "true"},
    ),
    "backpropagation": (
        {},
        {"back_input": "digit", "back_apart": "true", "back_padding": "own"},
        {"back_part": "Check by nudging", "back_source": "one cell"},
        {"back_part": "One step", "back_source": "own numbers"},
        {"back_part": "Gradients", "back_predict": "true"},
        {"back_part": "Learn a kernel"},
        {"back_part": "Learn a kernel", "back_lesson_input": "noise"},
        {"back_part": "Softmax and loss"},
        {"back_part": "Softmax and loss", "back_scores": "network"},
    ),
    "network": (
        {},
        {"network_costs": "true", "network_memory": "true", "network_meter": "true"},
    ),
    "training": (
        {},
        {"training_preset": "own"},
        {"training_preset": "champion", "sweep": "none", "training_expect": "true"},
    ),
    "features": (
        {},
        {"features_view": "why this answer"},
        {"features_view": "surgery"},
        {"features_view": "move and change"},
        {"features_predict": "true"},
    ),
    "draw": (
        {},
        {"draw_xray": "true", "draw_models": "true", "draw_why_part": "true"},
        {"draw_guess": "true", "draw_styles": "true"},
    ),
    "digit_map": (
        {"digit_map_model": "fast"},
        {"digit_map_model": "fast", "digit_map_dimensions": "3"},
        {"digit_map_misclassified": "true"},
    ),
    "fool": ({}, {"fool_input": "drawing"}),
    "loss_surface": (
        {},
        {"surface_view": "from above", "surface_input": "noise"},
    ),
    "morph": ({}, {"morph_from_input": "drawing"}),
    "dream": ({}, {"dream_layer": "conv2", "dream_start": "digit"}, {"dream_start": "drawing"}),
    "lessons": ({},),
    "glossary": ({},),
    "teach": ({"teach_embed": "true"}, {"teach_what": "A page"}),
    "paper": ({},),
}
# Parameters that the pages read themselves.
UNBOUND: dict[str, tuple[str, ...]] = {
    "network": ("network_preset", "network_token", "network_layer"),
    "training": ("run", "sweep", "training_network", "training_compare"),
    "features": ("features_cuts",),
    "lessons": PARAMETERS,
    "glossary": ("term",),
}


def bound_parameters(page: AppTest) -> list[str]:
    """Return the parameters of the page's address that widgets on it are bound to."""
    return list(dict.fromkeys(_bound_below(page.main)))


def _bound_below(node: Any) -> Iterator[str]:
    for each in getattr(node, "children", {}).values():
        proto = each.proto
        for place in (proto, getattr(proto, "expandable", None)):
            if key := getattr(place, "query_param_key", ""):
                yield key
        yield from _bound_below(each)


def go_back_to(page: AppTest, query: Query) -> AppTest:
    """Run a page's open session again as Back and Forward do when they bring this address."""
    page.query_params.clear()
    page.query_params.update(query)
    with patch(
        "streamlit.testing.v1.local_script_runner.RerunData",
        partial(RerunData, is_history_navigation=True),
    ):
        return page.run()
