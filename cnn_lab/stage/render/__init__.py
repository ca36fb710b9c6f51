"""The stage as still pictures, drawn with Pillow, for files made without a browser.

The counterpart of the stage's scripts. `Film` draws a step of a trace, or of several together.
"""

from cnn_lab.stage.render.film import Film
from cnn_lab.stage.render.theme import THEMES, Theme, ThemeName, theme_of

__all__ = ["Film", "THEMES", "Theme", "ThemeName", "theme_of"]
