"""Fonts of the pictures: those of the app, or Pillow's own if they cannot be loaded."""

from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

from PIL import ImageDraw, ImageFont

from cnn_lab.stage.render.theme import Rgb

Family = Literal["sans", "serif"]

REGULAR, SEMIBOLD = 400, 600
# The Streamlit package contains the fonts of the app, with a hash in their names.
_FILES: dict[Family, str] = {
    "sans": "SourceSansVF-Upright*.woff2",
    "serif": "SourceSerifVariable-Roman*.woff2",
}
_ABSENT = {"∗": "*"}
_ABSENT_FROM_PILLOWS = {
    **_ABSENT,
    "−": "-",
    "×": "x",
    "÷": "/",
    "≈": "~",
    "Σ": "sum",
    "→": ">",
    "–": "-",
}


class Face(NamedTuple):
    """A font at a size: family, weight and size in pixels."""

    family: Family
    weight: int
    size: float


class Type:
    """Text measuring and drawing; one per picture, so that threads do not share fonts."""

    def __init__(self, *, plain: bool = False) -> None:
        """Load the fonts of the app, unless `plain` asks for Pillow's own."""
        self._files = {} if plain else dict(font_files())
        self._fonts: dict[Face, ImageFont.FreeTypeFont] = {}
        self._widths: dict[tuple[str, Face], float] = {}

    def font(self, face: Face) -> ImageFont.FreeTypeFont:
        """Return the font itself."""
        if face not in self._fonts:
            self._fonts[face] = self._load(face)
        return self._fonts[face]

    def width(self, text: str, face: Face) -> float:
        """Return the width of a text in pixels."""
        key = text, face
        if key not in self._widths:
            self._widths[key] = self.font(face).getlength(self._writable(text))
        return self._widths[key]

    def ink(self, text: str, face: Face) -> tuple[float, float, float, float]:
        """Return the bounding box of a text, relative to the left end of its baseline."""
        return self.font(face).getbbox(self._writable(text), anchor="ls")

    def draw(
        self,
        pen: ImageDraw.ImageDraw,
        text: str,
        place: tuple[float, float],
        face: Face,
        colour: Rgb,
        *,
        anchor: str = "ls",
        halo: tuple[int, Rgb] | None = None,
    ) -> None:
        """Draw a text, by default from the left end of its baseline.

        Parameters
        ----------
        pen : ImageDraw
        text : str
        place : (float, float)
            Pixels from the left and from the top.
        face : Face
        colour : (int, int, int)
        anchor : str
            As in Pillow; "mm" is the middle of digits in both directions.
        halo : (int, (int, int, int)), optional
            Width and colour of an outline that keeps the text legible on hatching.
        """
        font = self.font(face)
        x, y = place
        text = self._writable(text)
        if anchor[1] == "m":  # the middle of digits, not of the line, whatever the text
            _, top, _, bottom = font.getbbox("0", anchor="ls")
            anchor, y = anchor[0] + "s", y - (top + bottom) / 2
        width, rim = halo or (0, colour)
        pen.text(
            (x, y), text, fill=colour, font=font, anchor=anchor, stroke_width=width, stroke_fill=rim
        )

    def _writable(self, text: str) -> str:
        absent = _ABSENT if self._files else _ABSENT_FROM_PILLOWS
        return "".join(absent.get(letter, letter) for letter in text)

    def _load(self, face: Face) -> ImageFont.FreeTypeFont:
        if not self._files:
            font = ImageFont.load_default(size=face.size)
            if not isinstance(font, ImageFont.FreeTypeFont):
                raise OSError("Pillow must be built with FreeType to write into pictures")
            return font
        font = ImageFont.truetype(
            self._files[face.family], face.size, layout_engine=ImageFont.Layout.BASIC
        )
        font.set_variation_by_axes(
            [
                face.weight if axis["name"] == b"Weight" else axis["default"] or 0
                for axis in font.get_variation_axes()
            ]
        )
        return font


@cache
def font_files() -> tuple[tuple[Family, str], ...]:
    """Return the fonts of the app if all exist and this build of FreeType can load them."""
    found = tuple(_find())
    return found if len(found) == len(_FILES) else ()


def _find() -> Iterator[tuple[Family, str]]:
    spec = find_spec("streamlit")
    places = (spec.submodule_search_locations if spec else None) or []
    for family, pattern in _FILES.items():
        for place in places:
            for path in sorted(Path(place, "static", "static", "media").glob(pattern))[:1]:
                try:
                    font = ImageFont.truetype(str(path), 12)
                    font.get_variation_axes()
                except OSError:  # FreeType without woff2 or without variations
                    continue
                yield family, str(path)
