"""Pictures of a network: a row of blocks, planes in 3-D, and bars of its layers' costs."""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from cnn_lab.charts.maps import (
    Picture,
    Tone,
    as_maps,
    data_url,
    grey_picture,
    image_picture,
    png,
    signed_picture,
    tile_maps,
)
from cnn_lab.charts.vega import Spec, category, mark, quantity, tip
from cnn_lab.concepts.convolution import LayerCost
from cnn_lab.content.words import shape_words
from cnn_lab.network.spec import Draft, Fit, NetworkSpec, Shape
from cnn_lab.ops.types import Array

INPUT = "image"
INPUT_KEY = "*"  # not a valid layer name
MAP_PX = 92  # side of the widest map, vertically and in depth
LEAN = (0.55, -0.18)  # right and down for each pixel of depth
MIN_PX = 4
MARGIN_PX = 8
GAP_PX = 14
NAME_PX, SHAPE_PX = 12, 11
NAME_LETTER_PX, SHAPE_LETTER_PX = 6.8, 5.9  # width of a typical character at these sizes
MISSING_PX = (26, 56)
_PLATE_PX = 5  # thickness of a layer that keeps the shape
_FRONT, _TOP, _SIDE = 0.1, 0.04, 0.18  # opacities of the faces

SIDE_PX = 150  # longer side of a plane before perspective
SHORT = 12  # single numbers per column

ROW_PX, AXIS_PX = 34, 60
ROOM = 100  # times the longest bar, to leave space for its number
PARAMETERS, MULTIPLY_ADDS = "parameters", "multiply-adds"

Point = tuple[float, float]


@dataclass(frozen=True)
class Face:
    """One face of a block: its corners in pixels and its opacity, 0 to 1."""

    corners: tuple[Point, ...]
    ink: float


@dataclass(frozen=True)
class LayerBlock:
    """Block for the output of one layer.

    Attributes
    ----------
    name : str
    key : str
        Identifier for selection: the layer's name, or `INPUT_KEY` for the input.
    shape : str
        Output shape as text; "" where it is unknown because a layer does not fit.
    label : str
        Text below the name: the shape, if it differs from the previous one.
    left, width : float
        Its column in the diagram.
    faces : tuple of Face
    fits : bool
        Otherwise it is drawn with dashes.
    """

    name: str
    key: str
    shape: str
    label: str
    left: float
    width: float
    faces: tuple[Face, ...]
    fits: bool = True

    @property
    def middle(self) -> float:
        """Centre of its texts."""
        return self.left + self.width / 2


@dataclass(frozen=True)
class Diagram:
    """The blocks of a network, side by side, and the size of the whole in pixels."""

    blocks: tuple[LayerBlock, ...]
    width: float
    height: float

    @property
    def description(self) -> str:
        """Text alternative of the diagram."""
        parts = [f"{block.name} {block.shape or 'does not fit'}" for block in self.blocks]
        return f"A row of blocks: {', '.join(parts)}."


@dataclass(frozen=True)
class Look:
    """Colours of a drawing, as CSS has them; a PNG needs the form #rrggbb."""

    ink: str = "#14110e"
    paper: str = "#fffdf9"
    now: str = "#b0126f"


def network_diagram(draft: Draft, found: Fit) -> Diagram:
    """Lay out a draft's input and layers as blocks.

    Parameters
    ----------
    draft : Draft
    found : Fit
        Of this draft. From the first layer that does not fit, blocks become dashed outlines.

    Notes
    -----
    Height and depth are proportional to rows and columns, thickness to the logarithm of the
    channels; a row of numbers becomes a bar with a height that follows the logarithm of its
    length.
    """
    shapes: list[Shape] = [draft.input_shape, *(row.output_shape for row in found.rows)]
    widest = max(max(shape[:2]) for shape in shapes if len(shape) == 3)
    names = [INPUT, *(layer.name for layer in draft.layers)]
    plates = [False, *(layer.keeps_shape for layer in draft.layers)]
    centre = MARGIN_PX + (MAP_PX * (1 - LEAN[1])) / 2
    blocks = []
    left = float(MARGIN_PX)
    for number, (name, plate) in enumerate(zip(names, plates, strict=True)):
        shape = shapes[number] if number < len(shapes) else None
        words = shape_words(shape) if shape else ""
        label = "" if plate and shape else words or "?"
        thickness, height, lean = _box(shape, widest, plate=plate)
        drawn = thickness + lean[0]
        width = max(drawn, NAME_LETTER_PX * len(name), SHAPE_LETTER_PX * len(label))
        corner = (left + (width - drawn) / 2, centre - (height + lean[1]) / 2)
        faces = tuple(_faces(corner, thickness, height, lean))
        key = name if number else INPUT_KEY
        fits = shape is not None
        blocks.append(LayerBlock(name, key, words, label, left, width, faces, fits=fits))
        left += width + GAP_PX
    below = centre + MAP_PX * (1 - LEAN[1]) / 2
    return Diagram(tuple(blocks), left - GAP_PX + MARGIN_PX, below + NAME_PX + SHAPE_PX + 22)


def _box(shape: Shape | None, widest: int, *, plate: bool) -> tuple[float, float, Point]:
    """Return thickness, height and lean of a block."""
    if shape is None:
        return MISSING_PX[0], MISSING_PX[1], (0.0, 0.0)
    if len(shape) == 1:
        return 2 * MIN_PX, min(MAP_PX, 6 + 9 * math.log2(shape[0])), (0.0, 0.0)
    rows, columns, channels = shape
    height, depth = (max(MIN_PX, MAP_PX * length / widest) for length in (rows, columns))
    thickness = _PLATE_PX if plate else MIN_PX + 6 * math.log2(channels)
    return thickness, height, (depth * LEAN[0], depth * LEAN[1])


def _faces(corner: Point, thickness: float, height: float, lean: Point) -> Iterator[Face]:
    x, y = corner
    dx, dy = lean
    right, bottom = x + thickness, y + height
    yield Face(((x, y), (right, y), (right, bottom), (x, bottom)), _FRONT)
    if dx:
        yield Face(((x, y), (x + dx, y + dy), (right + dx, y + dy), (right, y)), _TOP)
        side = ((right, y), (right + dx, y + dy), (right + dx, bottom + dy), (right, bottom))
        yield Face(side, _SIDE)


def block_pictures(
    image: Array, activations: Mapping[str, Array], *, tone: Tone = "light"
) -> dict[str, str]:
    """Return a picture for each block: the image, one map of each layer, or all its numbers.

    Parameters
    ----------
    image : ndarray, shape (height, width, channels)
    activations : mapping of str to ndarray
        Of one image, shape (height, width, channels) or (units,).
    tone : {"light", "dark"}

    Returns
    -------
    dict of str to str
        Block's key -> PNG as a data URL, one pixel for each number, on a scale of its own. Of
        several maps it is the one whose numbers differ most; a row of numbers is a column.
    """
    found = {INPUT_KEY: data_url(png(image_picture(image)))}
    for name, values in activations.items():
        if values.ndim == 3:
            shown = values[..., int(values.std(axis=(0, 1)).argmax())]
        else:
            shown = values[:, np.newaxis]
        picture = signed_picture(shown, tone=tone) if shown.min() < 0 else grey_picture(shown)
        found[name] = data_url(png(picture))
    return found


def diagram_svg(
    diagram: Diagram,
    look: Look,
    *,
    selected: str | None = None,
    pictures: Mapping[str, str] | None = None,
) -> str:
    """Return a diagram as SVG with a text alternative.

    Parameters
    ----------
    diagram : Diagram
    look : Look
    selected : str, optional
        The key of the block that is drawn in the accent colour. Each block is then a button, and
        its group has its key as `data-layer`.
    pictures : mapping of str to str, optional
        Key -> data URL of what is drawn on a block's side, see `block_pictures`.
    """
    width, height = math.ceil(diagram.width), math.ceil(diagram.height)
    baseline = diagram.height - SHAPE_PX - 14
    groups = []
    for block in diagram.blocks:
        here = block.key == selected
        colour = look.now if here else look.ink
        dashes = "" if block.fits else ' stroke-dasharray="4 3"'
        faces = "".join(
            f'<polygon points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in face.corners)}" '
            f'fill="{colour}" fill-opacity="{face.ink if block.fits else 0:g}" '
            f'stroke="{colour}" stroke-opacity="{0.9 if here else 0.5}"{dashes}/>'
            for face in block.faces
        )
        weight = 700 if here else 400
        button = ""
        if selected is not None:
            words = f"{block.name} {block.shape or 'does not fit'}"
            button = (
                f' role="button" tabindex="0" aria-pressed="{str(here).lower()}" '
                f'aria-label="{escape(words)}"'
            )
        if pictures and block.fits and block.key in pictures:
            faces += _on_face(block.faces[-1], pictures[block.key], colour)
        groups.append(
            f'<g data-layer="{escape(block.key)}"{button}>'
            f'<rect x="{block.left - GAP_PX / 2:.1f}" y="0" '
            f'width="{block.width + GAP_PX:.1f}" height="{height}" fill-opacity="0"/>{faces}'
            f'<text x="{block.middle:.1f}" y="{baseline:.1f}" font-size="{NAME_PX}" '
            f'font-weight="{weight}" fill="{colour}">{escape(block.name)}</text>'
            f'<text x="{block.middle:.1f}" y="{baseline + SHAPE_PX + 4:.1f}" '
            f'font-size="{SHAPE_PX}" fill="{look.ink}" fill-opacity="0.75">'
            f"{block.label}</text></g>"
        )
    role = "img" if selected is None else "group"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="{role}" text-anchor="middle" '
        f'font-family="system-ui, sans-serif" aria-label="{escape(diagram.description)}">'
        f"<desc>{escape(diagram.description)}</desc>{''.join(groups)}</svg>"
    )


def _on_face(face: Face, picture: str, colour: str) -> str:
    """Return a picture that fills a face, as SVG: its first corner, one to the right, one below."""
    (x, y), (right, up), _, (_, below) = face.corners
    matrix = f"matrix({right - x:.2f} {up - y:.2f} 0 {below - y:.2f} {x:.2f} {y:.2f})"
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in face.corners)
    return (
        f'<image href="{picture}" width="1" height="1" preserveAspectRatio="none" '
        f'transform="{matrix}" style="image-rendering: pixelated"/>'
        f'<polygon points="{corners}" fill="none" stroke="{colour}"/>'
    )


def diagram_png(diagram: Diagram, look: Look, *, factor: int = 3) -> bytes:
    """Return a diagram as a PNG, enlarged by `factor`.

    Notes
    -----
    About 0.1 s for the paper's network.
    """
    size = (math.ceil(diagram.width) * factor, math.ceil(diagram.height) * factor)
    picture = Image.new("RGB", size, look.paper)
    draw = ImageDraw.Draw(picture)
    baseline = (diagram.height - SHAPE_PX - 14) * factor
    name_font, shape_font = (ImageFont.load_default(px * factor) for px in (NAME_PX, SHAPE_PX))
    outline = _mixed(look, 0.5)
    for block in diagram.blocks:
        for face in block.faces:
            corners = [(x * factor, y * factor) for x, y in face.corners]
            fill = _mixed(look, face.ink) if block.fits else None
            draw.polygon(corners, fill=fill, outline=outline, width=factor)
        middle = block.middle * factor
        draw.text((middle, baseline), block.name, look.ink, name_font, anchor="ms")
        below = baseline + (SHAPE_PX + 4) * factor
        label = block.label.replace("×", "x")  # missing in Pillow's default font
        draw.text((middle, below), label, _mixed(look, 0.75), shape_font, anchor="ms")
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _mixed(look: Look, share: float) -> tuple[int, ...]:
    """Return `share` of ink on paper as red, green and blue."""
    ink, paper = (
        [int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in (look.ink, look.paper)
    )
    return tuple(round(p + share * (i - p)) for i, p in zip(ink, paper, strict=True))


@dataclass(frozen=True, eq=False)
class Plane:
    """Output of one layer: all its maps side by side, each on its own scale.

    Attributes
    ----------
    name : str
        The layer's; "" for the image.
    words : str
        Its description.
    png : bytes
        One pixel for each number.
    width, height : int
        Size of the plane in pixels; the longer side is always the same.
    """

    name: str
    words: str
    png: bytes
    width: int
    height: int


def shown_layers(spec: NetworkSpec) -> list[str]:
    """Return the layers that get a plane.

    Layers are left out if they only rearrange or drop numbers, or if the next layer changes their
    output number by number.

    Examples
    --------
    >>> from cnn_lab.network.zoo import fast
    >>> shown_layers(fast().network)
    ['relu1', 'relu2', 'relu3', 'softmax']
    """
    layers = [layer for layer in spec.layers if not layer.passes_through]
    changed_next = [*(layer.keeps_shape for layer in layers[1:]), False]
    return [layer.name for layer, then in zip(layers, changed_next, strict=True) if not then]


def planes(
    image: Array, activations: Mapping[str, Array], layers: Sequence[str], *, tone: Tone = "light"
) -> list[Plane]:
    """Return the planes of an image and of the layers' outputs for it.

    Parameters
    ----------
    image : ndarray, shape (height, width, channels)
    activations : mapping of str to ndarray
        Of one image, shape (height, width, channels) or (units,).
    layers : sequence of str
    tone : {"light", "dark"}
        The page; zero takes its colour where there are signs.

    Returns
    -------
    list of Plane
        The image first. All maps are on a plane, nearly in a square; a dozen single
        numbers or fewer stand one below the other.

    Notes
    -----
    30 KB for the paper's network.
    """
    found = [_plane("", "the image", image_picture(image))]
    for name in layers:
        maps = as_maps(activations[name])
        rows, columns, n = maps.shape
        alone = rows * columns == 1
        across = 1 if alone and n <= SHORT else int(np.ceil(np.sqrt(n)))
        own = np.abs(maps).max() if alone else np.abs(maps).max(axis=(0, 1))
        picture = tile_maps(
            maps / np.maximum(own, 1e-12),
            columns=across,
            signed=bool(maps.min() < 0),
            gap=0 if alone else 1,
            limit=1.0,
            tone=tone,
        )
        shape = f"{n} numbers" if alone else shape_words((n, rows, columns))
        found.append(_plane(name, f"{name}, {shape}", picture))
    return found


def _plane(name: str, words: str, picture: Picture) -> Plane:
    rows, columns = picture.shape[:2]
    factor = SIDE_PX / max(rows, columns)
    return Plane(name, words, png(picture), round(factor * columns), round(factor * rows))


def costs_table(costs: list[LayerCost]) -> pd.DataFrame:
    """Return one row per layer: `layer`, "parameters" and "multiply-adds"."""
    return pd.DataFrame(
        {
            "layer": [cost.name for cost in costs],
            PARAMETERS: [cost.parameters for cost in costs],
            MULTIPLY_ADDS: [cost.multiply_adds for cost in costs],
        }
    )


def costs_spec(field: str, costs: list[LayerCost]) -> Spec:
    """Return the bars of one field of a table from `costs_table`.

    The length of a bar is the number's order of magnitude, counted from 1; the number is at
    its end.
    """
    most = max(cost.parameters if field == PARAMETERS else cost.multiply_adds for cost in costs)
    rows = {"labelFontSize": 13, "labelLimit": 200}
    powers = {"format": "~s", "tickCount": 5}
    ends = [1, ROOM * most]
    title = f"{field}, logarithmic"
    return {
        "height": ROW_PX * len(costs) + AXIS_PX,
        "encoding": {
            "y": category("layer", title=None, sort=None, axis=rows),
            "x": quantity(field, title, axis=powers, type="log", domain=ends, nice=False),
            # The theme's first colour, its ink; a text by itself would stay black on a dark page.
            "color": {"datum": "", "type": "nominal", "legend": None},
            "tooltip": [tip("layer"), tip(field, ",")],
        },
        "layer": [
            mark("bar", encoding={"x2": {"datum": 1}}, height={"band": 0.6}),
            mark("text", encoding={"text": tip(field, ".3~s")}, align="left", dx=5, fontSize=12),
        ],
    }
