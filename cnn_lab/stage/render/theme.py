"""The lab's colours outside the app: those of .streamlit/config.toml, mixed as the stage mixes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from cnn_lab.stage.source import LOOK
from cnn_lab.trace import Scale

Rgb = tuple[int, int, int]
ThemeName = Literal["light", "dark"]

THEME_NAMES: tuple[ThemeName, ...] = get_args(ThemeName)
_SHADE = LOOK["shade"]
_BLACK, _WHITE = map(tuple, LOOK["grey"])


def mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    """Return `a` with a share of `b`, 0 to 1.

    Examples
    --------
    >>> mix((0, 0, 0), (200, 100, 0), 0.5)
    (100, 50, 0)
    """
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def is_light(colour: Rgb) -> bool:
    """Return whether dark text is more legible on a colour (WCAG relative luminance)."""
    shares = (part / 255 for part in colour)
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179


def rgb(text: str) -> Rgb:
    """Return the colour of a text such as "#b0126f"."""
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


@dataclass(frozen=True)
class Theme:
    """Colours of the pictures.

    Attributes
    ----------
    name : {"light", "dark"}
    primary, background, text : str
        As the configuration names them, "#rrggbb".
    diverging : sequence of str
        Ten colours from negative to positive.
    """

    name: ThemeName
    primary: str
    background: str
    text: str
    diverging: Sequence[str]

    @cached_property
    def paper(self) -> Rgb:
        """The background."""
        return rgb(self.background)

    @cached_property
    def ink(self) -> Rgb:
        """The text."""
        return rgb(self.text)

    @cached_property
    def now(self) -> Rgb:
        """The current window and the cell it writes."""
        return rgb(self.primary)

    def tint(self, share: float) -> Rgb:
        """Return the background with a share of the text colour."""
        return mix(self.paper, self.ink, share)

    @cached_property
    def muted(self) -> Rgb:
        """Colour of secondary text."""
        return self.tint(_SHADE["muted"])

    @cached_property
    def line(self) -> Rgb:
        """Frames around grids."""
        return self.tint(_SHADE["line"])

    @cached_property
    def empty(self) -> Rgb:
        """An output cell that has no value yet."""
        return self.tint(_SHADE["empty"])

    def colour(self, value: float, scale: Scale) -> Rgb:
        """Return the colour of a value: a grey, or blue to orange around zero."""
        share = max(-1.0, min(1.0, value / scale.limit))
        if scale.kind == "grey":
            return mix(_BLACK, _WHITE, max(0.0, share))
        zero = self.tint(_SHADE["zero"][self.name])
        end = rgb(self.diverging[1] if share < 0 else self.diverging[-2])
        return mix(zero, end, abs(share))

    def on(self, colour: Rgb) -> Rgb:
        """Return the colour of text that is legible on another."""
        red, green, blue = LOOK["text"]["dark" if is_light(colour) else "light"]
        return red, green, blue


THEMES: dict[ThemeName, Theme] = {name: Theme(name, **LOOK["themes"][name]) for name in THEME_NAMES}


def theme_of(name: str) -> Theme:
    """Return the theme with this name.

    Raises
    ------
    ValueError
        If the name is neither "light" nor "dark".
    """
    for known in THEME_NAMES:
        if name == known:
            return THEMES[known]
    raise ValueError(f"`theme` must be one of {list(THEME_NAMES)}. Received: theme={name!r}")
