"""The player in the browser and the renderer of pictures put the same things in the same places."""

from collections.abc import Callable
from math import ceil
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page

from cnn_lab.stage.render.layout import height_for, lay_out
from cnn_lab.stage.render.legend import legend_of, with_shared_scales
from cnn_lab.trace import (
    Trace,
    average_pool_trace,
    convolution_trace,
    input_gradient_trace,
    kernel_gradient_trace,
    max_pool_gradient_trace,
    max_pool_trace,
    transposed_convolution_trace,
)
from tests.browser.stage_cases import CASES, DELTA, FLAT_SOBEL, PATCH, SOBEL
from tools.server import ROOT

SITE = "http://stage.test"
# About what the letters of the page's fonts take; texts longer than their cells count too.
LETTER_PX = {"title": 8.1, "subtitle": 6.4, "join": 11.5, "legend": 6.2}

LAY_OUT = """async ([cases, widths, letter]) => {
    const [{ layOut }, { legendOf }, { decodeTrace, shareScales }] = await Promise.all(
        ["layout", "legend", "wire"].map((name) => import(`/js/${name}.js`))
    );
    const measure = (text, role) => Math.ceil(text.length * letter[role]);
    const placed = (wires, height, width) => {
        const traces = wires.map(decodeTrace);
        shareScales(traces);
        const layout = layOut(traces, width, measure, { height, narrow: true });
        const legend = legendOf(traces, width, measure);
        return {
            height: layout.height,
            panels: layout.panels.map((panel) => ({
                role: panel.kind === "lens" ? "lens" : panel.role,
                title: panel.title,
                subtitle: panel.subtitle,
                rows: panel.rows,
                columns: panel.columns,
                cell: panel.cell,
                x: panel.x,
                y: panel.y,
                left: panel.left,
                right: panel.right,
                head_y: panel.headY,
                shows: (panel.members ?? []).map(({ trace, grid }) => [trace, grid.key]),
            })),
            texts: layout.texts.map(({ text, role, x, y }) => [text, role, x, y]),
            legend_height: legend.height,
            legend: legend.items.map((item) => [
                item.kind, item.text, item.low ?? "", item.high ?? "", item.x, item.y, item.width,
            ]),
        };
    };
    return cases.map(([wires, height]) => widths.map((width) => placed(wires, height, width)));
}"""


def _random(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).integers(-3, 6, shape)


def _filters(channels: int, filters: int, size: int = 9, **options: Any) -> list[Trace]:
    kernel = _random(3, 3, channels // options.get("groups", 1), filters)
    return [convolution_trace(_random(size, size, channels), kernel, **options)]


LARGE = np.tile(PATCH, (4, 4))
MORE: dict[str, Callable[[], list[Trace]]] = {
    "eight-filters": lambda: _filters(1, 8, padding="same"),
    "four-channels": lambda: _filters(4, 2, bias=np.array([1, -0.5])),
    "sixteen-channels": lambda: _filters(16, 4),
    "two-of-six-channels": lambda: [
        convolution_trace(_random(6, 6, 6), _random(3, 3, 6, 2), name=name)
        for name in ("One", "Other")
    ],
    "grouped": lambda: _filters(4, 4, groups=2),
    "three-channels-large": lambda: _filters(3, 3, 20),
    "dilated-full": lambda: [
        convolution_trace(PATCH, SOBEL, padding="full", dilation_rate=2, strides=(2, 1))
    ],
    "tall": lambda: [convolution_trace(_random(20, 4), _random(4, 2, 1, 1))],
    "flat": lambda: [max_pool_trace(_random(3, 28), pool_size=(2, 4))],
    "three-strides": lambda: [
        convolution_trace(PATCH, SOBEL, strides=strides, name=f"Strides {strides}")
        for strides in (1, 2, 3)
    ],
    "two-kernels": lambda: [
        convolution_trace(LARGE, kernel, name=name, padding="same")
        for name, kernel in (("Sobel", SOBEL), ("A blur with a rather long name", SOBEL * 0 + 1))
    ],
    "two-windows": lambda: [
        max_pool_trace(LARGE, pool_size=2),
        average_pool_trace(LARGE, pool_size=3, strides=2),
    ],
    "three-poolings": lambda: [
        max_pool_trace(PATCH),
        average_pool_trace(PATCH),
        max_pool_trace(PATCH, pool_size=3, strides=1),
    ],
    "kernel-gather-large": lambda: [kernel_gradient_trace(LARGE, FLAT_SOBEL, _random(22, 22))],
    "input-gather-large": lambda: [input_gradient_trace(LARGE, FLAT_SOBEL, _random(22, 22))],
    "input-both": lambda: [
        input_gradient_trace(PATCH, FLAT_SOBEL, DELTA, form=form) for form in ("gather", "scatter")
    ],
    "transposed-large": lambda: [
        transposed_convolution_trace(_random(12, 12), FLAT_SOBEL, strides=2)
    ],
    "max-gradient-large": lambda: [max_pool_gradient_trace(LARGE, _random(12, 12))],
}


def measure(text: str, role: str) -> int:
    return ceil(len(text) * LETTER_PX[role])


def placed_for_pictures(traces: list[Trace], width: int) -> dict[str, Any]:
    traces = with_shared_scales(traces)
    layout = lay_out(traces, width, round, measure)
    legend, legend_height = legend_of(traces, width, round, measure)
    return {
        "height": layout.height,
        "panels": [
            {
                "role": panel.role,
                "title": panel.title,
                "subtitle": panel.subtitle,
                "rows": panel.rows,
                "columns": panel.columns,
                "cell": cell,
                "x": x,
                "y": y,
                "left": left,
                "right": right,
                "head_y": head_y,
                "shows": [[index, grid.key] for index, grid in panel.members],
            }
            for panel, cell, left, right, head_y, x, y in layout.placed.panels
        ],
        "texts": [list(text) for text in layout.placed.texts],
        "legend_height": legend_height,
        "legend": [
            [entry.kind, entry.text, *entry.ends, entry.x, entry.y, entry.width] for entry in legend
        ],
    }


@pytest.fixture
def modules(new_context: Callable[..., BrowserContext]) -> Page:
    """A page on which the player's own modules can be imported."""
    page = new_context().new_page()
    page.route(f"{SITE}/", lambda route: route.fulfill(body="<!doctype html><title>Stage</title>"))
    page.route(f"{SITE}/*/**", lambda route: route.fulfill(path=_file(route.request.url)))
    page.route(f"{SITE}/layout.json", lambda route: route.fulfill(path=_file(route.request.url)))
    page.goto(f"{SITE}/")
    return page


def _file(url: str) -> Any:
    return ROOT / "cnn_lab" / "stage" / url.removeprefix(f"{SITE}/")


def test_player_and_pictures_have_one_layout(modules: Page) -> None:
    cases = {name: make() for name, make in (CASES | MORE).items()}
    assert len(cases) >= 45
    widths = [390, 676, 1000]
    wires = [
        ([trace.to_wire() for trace in traces], height_for(traces)) for traces in cases.values()
    ]
    shown = modules.evaluate(LAY_OUT, [wires, widths, LETTER_PX])
    for (name, traces), by_width in zip(cases.items(), shown, strict=True):
        for width, placed in zip(widths, by_width, strict=True):
            assert placed == placed_for_pictures(traces, width), f"{name}, {width} pixels wide"
