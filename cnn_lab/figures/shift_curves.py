"""How much pooled maps move when the picture does, as curves."""

import altair as alt
import pandas as pd

from cnn_lab.shifts import ShiftResponse


def shift_figure(response: ShiftResponse) -> alt.LayerChart | alt.FacetChart:
    """Return one curve each for the image, its max-pooled and its average-pooled map.

    Told apart by dashes and by their names at the end as well as by colour.
    """
    series = {
        "picture": response.image,
        "max pooled": response.max_pooled,
        "average pooled": response.average_pooled,
    }
    table = pd.DataFrame(
        [
            {"shift": int(shift), "change": float(change), "what": name}
            for name, changes in series.items()
            for shift, change in zip(response.shifts, changes, strict=True)
        ]
    )
    base = alt.Chart(table).encode(
        x=alt.X("shift:O", title="shift to the right in pixels", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("change:Q", title="change, as a share", axis=alt.Axis(format="%", tickCount=5)),
        color=alt.Color("what:N", sort=list(series), legend=alt.Legend(title=None, orient="top")),
    )
    lines = base.mark_line().encode(
        strokeDash=alt.StrokeDash("what:N", sort=list(series), legend=None)
    )
    points = base.mark_point(filled=True, size=45, opacity=1).encode(
        shape=alt.Shape("what:N", sort=list(series), legend=None),
        tooltip=["what:N", "shift:O", alt.Tooltip("change:Q", format=".1%")],
    )
    return alt.layer(lines, points).properties(height=230)
