"""The grammar of the charts: Vega-Lite specifications from axes, marks and tooltips.

Specifications are plain dictionaries, which Streamlit sends as they are. Altair writes the same
ones, but checks each against Vega-Lite's schema: a rerun with one chart of loss curves costs
64 ms of processor time instead of 0.6, and one with a few bars 12 instead of 0.3. Training draws
three charts twice a second for each reader.
"""

from typing import Any

Spec = dict[str, Any]

# A grey for lines and marks on light and dark pages. No single colour has the contrast that text
# needs on both, so text takes its colour from the background, which Vega knows as a signal.
GREY = "#8a8680"
QUIET: Spec = {"value": GREY}
INK_ON_LIGHT, INK_ON_DARK = "#6b655b", "#a59d92"
INK: Spec = {"expr": f"luminance(background) < 0.2 ? '{INK_ON_DARK}' : '{INK_ON_LIGHT}'"}
QUIET_TEXT: Spec = {"value": INK}
AXIS_TEXT: Spec = {"labelColor": INK, "titleColor": INK}
BOTTOM: Spec = {"value": "height"}
FULL_HEIGHT: Spec = {"y": {"value": 0}, "y2": BOTTOM}
DASHED = [5, 4]
_USUAL: Spec = {}


def quantity(
    of: str | float, title: str | None = "", *, axis: Spec | None = _USUAL, **scale: Any
) -> Spec:
    """Return the channel of a number.

    Parameters
    ----------
    of : str or float
        A field of the table, or one value for all marks.
    title : str or None
        Of the axis; the field's name where it is "", none where it is None.
    axis : dict or None
        Properties of the axis beside the colours of its text; None hides it.
    **scale
        Properties of the scale, such as `domain`, `zero` or `type="log"`.
    """
    channel: Spec = {"field" if isinstance(of, str) else "datum": of, "type": "quantitative"}
    if title != "":
        channel["title"] = title
    channel["axis"] = axis if axis is None else AXIS_TEXT | axis
    return channel | {"scale": scale} if scale else channel


def category(field: str, domain: list[str] | None = None, **more: Any) -> Spec:
    """Return the channel of a name.

    Parameters
    ----------
    field : str
    domain : list of str, optional
        The names in their order, which fixes their colours; by default those in the table.
    **more
        The `range` of the scale, and properties of the channel: `legend`, `sort`, `title`,
        `axis`, or `type="ordinal"`.
    """
    channel: Spec = {"field": field, "type": "nominal"}
    if more.get("axis"):
        more["axis"] = AXIS_TEXT | more["axis"]
    if domain is not None:
        channel["scale"] = {"domain": domain}
        if "range" in more:
            channel["scale"]["range"] = more.pop("range")
    return channel | more


def legend(orient: str, **more: Any) -> Spec:
    """Return a legend without a title and with opaque symbols."""
    return {"title": None, "orient": orient, "symbolOpacity": 1, "labelColor": INK, **more}


def tip(field: str, form: str = "", title: str = "") -> Spec:
    """Return a line of a tooltip: a name, or a number in a form of d3's such as ".3f"."""
    line: Spec = {"field": field}
    if form:
        line |= {"type": "quantitative", "format": form}
    return line | {"title": title} if title else line


def mark(kind: str, where: str = "", encoding: Spec | None = None, **look: Any) -> Spec:
    """Return a layer of marks.

    Parameters
    ----------
    kind : str
        "line", "point", "bar", "text", "rule" ...
    where : str
        Which rows of the table it shows, as an expression over `datum`; all of them by default.
    encoding : dict, optional
        Channels of this layer alone.
    **look
        Properties of the marks.
    """
    layer: Spec = {"mark": {"type": kind, **look}}
    if where:
        layer["transform"] = [{"filter": where}]
    return layer | {"encoding": encoding} if encoding else layer


def dots(size: int, where: str = "", **encoding: Any) -> Spec:
    """Return a layer of filled points of `size` square pixels."""
    return mark("point", where, encoding, filled=True, size=size, opacity=1)
