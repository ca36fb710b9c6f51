"""The pictures' type: the very fonts of the app, or Pillow's own where they cannot be read."""

from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

from PIL import ImageDraw, ImageFont

from cnn_lab.stage.render.theme import Rgb

Family = Literal["sans", "serif"]

REGULAR, SEMIBOLD = 400, 600
# Streamlit's wheel brings the fonts of the app along, with a hash in their names.
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
    """Measures and draws text; one for each picture, so that threads share no font."""

    def __init__(self, *, plain: bool = False) -> None:
        """Look for the app's fonts, unless Pillow's plain one will do."""
        self._files = {} if plain else dict(_font_files())
        self._fonts: dict[Face, ImageFont.FreeTypeFont] = {}
        self._widths: dict[tuple[str, Face], float] = {}

    def font(self, face: Face) -> ImageFont.FreeTypeFont:
        """Return the font itself."""
        if face not in self._fonts:
            self._fonts[face] = self._load(face)
        return self._fonts[face]

    def width(self, text: str, face: Face) -> float:
        """Return how wide a text is, in pixels."""
        key = text, face
        if key not in self._widths:
            self._widths[key] = self.font(face).getlength(self._writable(text))
        return self._widths[key]

    def ink(self, text: str, face: Face) -> tuple[float, float, float, float]:
        """Return the box that a text fills, from the left end of its baseline."""
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
        """Draw a text, by default from the left end of its baseline on.

        Parameters
        ----------
        pen : ImageDraw
        text : str
        place : (float, float)
            Pixels from the left and from the top.
        face : Face
        colour : (int, int, int)
        anchor : str
            As Pillow names it; "mm" is the middle of digits, both ways.
        halo : (int, (int, int, int)), optional
            Width and colour of a rim that keeps the text legible on hatching.
        """
        font = self.font(face)
        x, y = place
        text = self._writable(text)
        if anchor[1] == "m":  # not the middle of the line: that of digits, whatever the text
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
def _font_files() -> tuple[tuple[Family, str], ...]:
    """Return the app's fonts if all of them are there and this build of FreeType reads them."""
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
