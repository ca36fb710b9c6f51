"""Named kernels: what each one responds to, its formula and its source."""

from collections.abc import Callable
from dataclasses import dataclass
from math import comb

import numpy as np

from cnn_lab.ops.types import Array, check_at_least

MAX_SIZE = 7


@dataclass(frozen=True)
class NamedKernel:
    """A named kernel.

    Attributes
    ----------
    title : str
        Name for users.
    does : str
        What the output shows, in a sentence or two.
    formula : str
        LaTeX.
    source : str
    weights : tuple of tuples of float, or callable
        Rows as published; or (height, width) -> ndarray of float64 of that shape, for a kernel
        of any size from 1 to 7.
    """

    title: str
    does: str
    formula: str
    source: str
    weights: tuple[tuple[float, ...], ...] | Callable[[int, int], Array]

    @property
    def size(self) -> tuple[int, int] | None:
        """The size in which it was published; None for a kernel of any size."""
        return None if callable(self.weights) else (len(self.weights), len(self.weights[0]))

    def values(self, height: int = 3, width: int = 3) -> Array:
        """Return the weights of the kernel, shape (height, width).

        A kernel of fixed size is surrounded by zeros if a larger one is requested.

        Raises
        ------
        ValueError
            If a side is not between 1 and 7, or smaller than the kernel.
        """
        check_at_least(1, kernel_height=height, kernel_width=width)
        if max(height, width) > MAX_SIZE:
            raise ValueError(
                f"A kernel may have at most {MAX_SIZE} rows and columns. "
                f"Received: kernel_height={height}, kernel_width={width}"
            )
        if not self.fits(height, width):
            raise ValueError(
                f"{self.title} needs at least {self.size} cells. "
                f"Received: kernel_height={height}, kernel_width={width}"
            )
        if callable(self.weights):
            return self.weights(height, width)
        own = np.array(self.weights, float)
        rows, columns = height - own.shape[0], width - own.shape[1]
        return np.pad(own, ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)))

    def fits(self, height: int, width: int) -> bool:
        """Return whether the kernel exists in this size."""
        return self.size is None or (height >= self.size[0] and width >= self.size[1])


def _identity(height: int, width: int) -> Array:
    kernel = np.zeros((height, width))
    kernel[(height - 1) // 2, (width - 1) // 2] = 1
    return kernel


def _box(height: int, width: int) -> Array:
    return np.full((height, width), 1 / (height * width))


def _binomial(height: int, width: int) -> Array:
    rows = np.array([comb(height - 1, i) for i in range(height)], dtype=float)
    columns = np.array([comb(width - 1, j) for j in range(width)], dtype=float)
    return np.asarray(np.outer(rows / rows.sum(), columns / columns.sum()))


_SOBEL = "Sobel and Feldman (1968), A 3x3 isotropic gradient operator for image processing"
_PREWITT = "Prewitt (1970), Object enhancement and extraction"
_GONZALEZ = "Gonzalez and Woods, Digital Image Processing, chapter 3"

KERNELS: dict[str, NamedKernel] = {
    "sobel_columns": NamedKernel(
        "Sobel vertical",
        "Positive where the picture gets brighter to the right, negative where it gets darker.",
        r"(1, 2, 1)^\top\,(-1, 0, 1)",
        _SOBEL,
        ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
    ),
    "sobel_rows": NamedKernel(
        "Sobel horizontal",
        "Positive where the picture gets brighter downwards, negative where it gets darker.",
        r"(-1, 0, 1)^\top\,(1, 2, 1)",
        _SOBEL,
        ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    ),
    "prewitt_columns": NamedKernel(
        "Prewitt vertical",
        "Like Sobel, but with the same weight for all rows.",
        r"(1, 1, 1)^\top\,(-1, 0, 1)",
        _PREWITT,
        ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1)),
    ),
    "laplacian": NamedKernel(
        "Laplacian",
        "Zero on flat areas and steady slopes. Negative on thin bright lines and at bright "
        "corners, positive on dark ones; weaker along edges and where a slope begins or ends.",
        r"\frac{\partial^2}{\partial r^2} + \frac{\partial^2}{\partial c^2}",
        _GONZALEZ,
        ((0, 1, 0), (1, -4, 1), (0, 1, 0)),
    ),
    "sharpen": NamedKernel(
        "Sharpen",
        "The picture minus its Laplacian: edges stand out, flat areas stay the same.",
        r"1 - \nabla^2",
        _GONZALEZ,
        ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
    ),
    "emboss": NamedKernel(
        "Emboss",
        "Like a light from one side: slopes that rise to the lower right turn brighter, slopes "
        "that fall to the lower right darker; flat areas stay the same.",
        r"1 + \text{a diagonal derivative}",
        "the emboss filter of common image editors",
        ((-2, -1, 0), (-1, 1, 1), (0, 1, 2)),
    ),
    "box": NamedKernel(
        "Box blur",
        "The plain mean of the window.",
        r"\tfrac{1}{k_h k_w}",
        _GONZALEZ,
        _box,
    ),
    "binomial": NamedKernel(
        "Binomial blur",
        "A weighted mean with the most weight in the middle, close to a Gaussian.",
        r"\tfrac{1}{2^{k_h + k_w - 2}}\tbinom{k_h - 1}{m}\tbinom{k_w - 1}{n}",
        _GONZALEZ,
        _binomial,
    ),
    "identity": NamedKernel(
        "Identity",
        "A copy of the picture: a single one among zeros.",
        r"\delta_{m,n}",
        "by definition",
        _identity,
    ),
    "ones": NamedKernel(
        "Ones",
        "The plain sum of the window.",
        r"1",
        "by definition",
        lambda height, width: np.ones((height, width)),
    ),
}
