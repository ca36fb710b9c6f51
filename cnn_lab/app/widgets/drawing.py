"""The user's drawing from *Draw a digit*, for other pages."""

import numpy as np
from numpy.typing import NDArray

from cnn_lab.app.widgets import canvas
from cnn_lab.digits.drawing import prepare_digit

NAME = "draw"


def drawn_image() -> NDArray[np.float32] | None:
    """Return the drawing of the session as input for a network.

    Returns
    -------
    ndarray of float32 in [0, 1], shape (28, 28), or None
        None if nothing is drawn.

    Notes
    -----
    1 ms, from the session: the canvas does not have to be on the page.
    """
    rgba = canvas.pixels(NAME)
    return None if rgba is None else prepare_digit(rgba)
