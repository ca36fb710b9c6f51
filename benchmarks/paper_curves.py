"""Draw loss and accuracy of the paper's network over five recorded seeds: `docs/paper-curves.svg`.

What the paper's Fig. 3 and 4 show for one run: training and validation, ten epochs. The lines
are means over the seeds, the bands reach from the lowest to the highest.
"""

from pathlib import Path
from typing import Any

import vl_convert

from benchmarks.experiment import records
from tools.server import ROOT

PICTURE = ROOT / "docs" / "paper-curves.svg"
MEASURES = {"loss": ("loss", "val_loss"), "accuracy": ("accuracy", "val_accuracy")}
COLOURS = {"training": "#1f6fb4", "validation": "#b4560f"}
AXES = {"loss": {"format": "~g"}, "accuracy": {"format": ".1%"}}


def rows(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each measure, seed, epoch and kind of images."""
    return [
        {"measure": measure, "who": who, "epoch": epoch["epoch"], "value": epoch[field]}
        for record in results
        for epoch in record["epochs"]
        for measure, fields in MEASURES.items()
        for who, field in zip(COLOURS, fields, strict=True)
    ]


def chart(measure: str) -> dict[str, Any]:
    """Return the specification of one of the two charts."""
    who = {
        "field": "who",
        "scale": {"domain": list(COLOURS), "range": list(COLOURS.values())},
        "legend": {"title": None, "orient": "top"},
    }
    value = {"type": "quantitative", "title": None, "scale": {"zero": False}}
    return {
        "title": measure.capitalize(),
        "width": 340,
        "height": 240,
        "transform": [{"filter": f"datum.measure == '{measure}'"}],
        "encoding": {
            "x": {"field": "epoch", "type": "ordinal", "axis": {"labelAngle": 0}},
            "color": who,
        },
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.2},
                "encoding": {
                    "y": {**value, "field": "value", "aggregate": "min", "axis": AXES[measure]},
                    "y2": {"field": "value", "aggregate": "max"},
                },
            },
            {
                "mark": {"type": "line", "point": True},
                "encoding": {"y": {**value, "field": "value", "aggregate": "mean"}},
            },
        ],
    }


def main(picture: Path = PICTURE) -> None:
    specification = {
        "background": "white",
        "data": {"values": rows(records("paper"))},
        "hconcat": [chart(measure) for measure in MEASURES],
    }
    picture.write_text(vl_convert.vegalite_to_svg(specification), encoding="utf-8")


if __name__ == "__main__":
    main()
