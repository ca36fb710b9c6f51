"""What a reader has drawn on *Draw a digit*, for every page that takes it up."""

import numpy as np
from numpy.typing import NDArray

from cnn_lab.app.widgets import canvas
from cnn_lab.digits.drawing import prepare_digit

NAME = "draw"


def drawn_image() -> NDArray[np.float32] | None:
    """Return the session's drawing as a network takes it.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (28, 28), or None
        None while nothing is drawn.

    Notes
    -----
    1 ms, from what the session keeps: the canvas need not be on the page.
    """
    rgba = canvas.pixels(NAME)
    return None if rgba is None else prepare_digit(rgba)
