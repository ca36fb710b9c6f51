"""Small images for examples: drawn by formulas or from a seed, cut from a digit, or typed."""

import re

import numpy as np

from cnn_lab.ops.types import Array, ShapeError, as_finite, check_at_least

MAX_TEXT = 6_000
MAX_NUMBER = 1_000_000
MAX_QUOTED = 20
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*(,\d+)+")
_SPACED_COMMA = re.compile(r"\s+,|,\s+")

ROWS, COLUMNS = 256, 384
_TOP_OF_SKY, _BOTTOM_OF_SKY = (92, 150, 214), (238, 224, 200)
_SUN, _FAR_HILL, _NEAR_HILL = (252, 214, 110), (116, 142, 136), (74, 116, 70)
_WALL, _ROOF, _PANE, _FENCE = (226, 206, 176), (162, 62, 48), (20, 26, 44), (240, 236, 226)


def stroke_image(rows: int, columns: int, *, channels: int = 1, seed: int = 0) -> Array:
    """Draw one soft stroke per channel in integers from 0 to 9.

    Parameters
    ----------
    rows, columns, channels : int
        At least 1.
    seed : int
        At least 0. The same seed and size give the same image; more channels do not change the
        first ones.

    Returns
    -------
    ndarray of float64, shape (rows, columns, channels)

    Examples
    --------
    >>> stroke_image(4, 4).shape
    (4, 4, 1)
    """
    check_at_least(1, rows=rows, columns=columns, channels=channels)
    check_at_least(0, seed=seed)
    row, column = np.mgrid[:rows, :columns]
    layers = []
    for channel in range(channels):
        random = np.random.default_rng((seed, channel))
        angle, shift = random.uniform(0, np.pi), random.uniform(-0.2, 0.2, size=2)
        centre = (np.array([rows, columns]) - 1) / 2 + shift * (rows, columns)
        across = (row - centre[0]) * np.cos(angle) + (column - centre[1]) * np.sin(angle)
        width = max(rows, columns) / 6 + 0.3
        layers.append(np.round(9 * np.exp(-((across / width) ** 2))))
    return np.stack(layers, axis=-1)


def sample_photo() -> Array:
    """Draw a house in front of two hills under a low sun.

    It has flat areas, gradients, a circle, and vertical, horizontal and diagonal edges, so that
    every kernel responds to something.

    Returns
    -------
    ndarray of float64, shape (256, 384, 3)
        Whole numbers from 0 to 255, the same each time.
    """
    row, column = np.mgrid[:ROWS, :COLUMNS].astype(np.float64)
    height = (row / ROWS)[..., np.newaxis]
    picture = (1 - height) * np.array(_TOP_OF_SKY) + height * np.array(_BOTTOM_OF_SKY)
    picture[np.hypot(row - 62, column - 296) < 34] = _SUN
    picture[row > 150 + 26 * np.sin(column / 52)] = _FAR_HILL
    picture[row > 196 + 14 * np.sin(column / 71 + 2)] = _NEAR_HILL
    _house(picture, row, column)
    fence = (row >= 214) & (row < 246) & (column % 12 < 4)
    picture[fence | (np.isin(row, (222, 223, 236, 237)))] = _FENCE
    return np.asarray(np.round(picture))


def _house(picture: Array, row: Array, column: Array) -> None:
    picture[(row >= 136) & (row < 214) & (column >= 70) & (column < 170)] = _WALL
    picture[(row >= 92) & (row < 136) & (np.abs(column - 120) < 1.4 * (row - 90))] = _ROOF
    picture[np.hypot(row - 117, column - 120) < 9] = _FENCE
    picture[np.hypot(row - 117, column - 120) < 6] = _PANE
    for left in (84, 130):
        frame = (row >= 150) & (row < 182) & (column >= left) & (column < left + 26)
        bars = np.isin(row, (165, 166)) | np.isin(column, (left + 12, left + 13))
        picture[frame & ~bars] = _PANE


def densest_crop(image: Array, size: int) -> Array:
    """Crop the square with the most ink from an image.

    Parameters
    ----------
    image : ndarray, shape (height, width, ...)
        Values above zero are ink.
    size : int
        Side of the square in pixels, from 1 to the smaller side of the image.

    Returns
    -------
    ndarray, shape (size, size, ...)
        A view; the first one row by row if several are equal.
    """
    check_at_least(1, size=size)
    as_finite("image", image)
    image = np.asarray(image)  # its own type, because the result is a view
    if image.ndim < 2 or not image.size:
        raise ShapeError(
            "`image` must have shape (height, width, ...) and hold something. "
            f"Received: image.shape={image.shape}"
        )
    if size > min(image.shape[:2]):
        raise ValueError(
            f"`size` must fit into the image of {image.shape[0]} x {image.shape[1]} pixels. "
            f"Received: size={size}"
        )
    ink = image.reshape(*image.shape[:2], -1).sum(axis=2)
    sums = np.lib.stride_tricks.sliding_window_view(ink, (size, size)).sum(axis=(2, 3))
    row, column = np.unravel_index(sums.argmax(), sums.shape)
    return image[row : row + size, column : column + size]


def parse_matrix(text: str, *, max_rows: int, max_columns: int) -> Array:
    """Parse a typed matrix: rows separated by ``;`` or line breaks, numbers by spaces.

    Parameters
    ----------
    text : str
        Decimals use a point: ``"1 0 -1; 2 0 -2; 1 0 -0.5"``. Commas count as spaces, unless a
        row has both and they could be decimal points. A minus sign may be a hyphen or "−".
    max_rows, max_columns : int

    Returns
    -------
    ndarray of float64, shape (rows, columns)

    Raises
    ------
    ValueError
        The message says what is not a number, or which row is too long or too short.

    Examples
    --------
    >>> parse_matrix("1 0; -0.5 2", max_rows=3, max_columns=3)
    array([[ 1. ,  0. ],
           [-0.5,  2. ]])
    """
    if len(text) > MAX_TEXT:
        raise ValueError(f"A matrix may have at most {MAX_TEXT:,} characters.")
    written = text.replace("−", "-").splitlines()
    rows = [row for line in written for row in line.split(";") if row.strip(" ,")]
    if not rows:
        raise ValueError("A matrix needs at least one number.")
    lines = [_numbers(row, n) for n, row in enumerate(rows, start=1)]
    for number, line in enumerate(lines, start=1):
        if len(line) != len(lines[0]):
            raise ValueError(
                "Every row must have as many numbers as the first one: row 1 has "
                f"{len(lines[0])}, row {number} has {len(line)}."
            )
    if len(lines) > max_rows or len(lines[0]) > max_columns:
        raise ValueError(
            f"There is room for {max_rows} × {max_columns} numbers, rows × columns. "
            f"Received: {len(lines)} × {len(lines[0])}"
        )
    values = np.array(lines)
    if np.abs(values).max() > MAX_NUMBER:
        raise ValueError(f"Numbers must lie between −{MAX_NUMBER:,} and {MAX_NUMBER:,}.")
    return values


def _numbers(row: str, number: int) -> list[float]:
    """Return the numbers of a row; ValueError if a word is none, or a comma could be a point."""
    words = _SPACED_COMMA.sub(" ", row).split()
    if len(words) == 1 or not any(_DECIMAL_COMMA.fullmatch(word) for word in words):
        words = row.replace(",", " ").split()
    for word in words:
        if _DECIMAL_COMMA.fullmatch(word):
            raise ValueError(
                f"“{word[:MAX_QUOTED]}” in row {number} could be one number or two. Write decimals "
                "with a point, as in 0.5, and put spaces between numbers."
            )
        if not _NUMBER.fullmatch(word):
            raise ValueError(
                f"“{word[:MAX_QUOTED]}” in row {number} is not a number. Write numbers like 3 or "
                "-0.5."
            )
    return [float(word) for word in words]


def format_matrix(values: Array) -> str:
    """Return text for `parse_matrix`, with up to six decimals.

    Examples
    --------
    >>> format_matrix(np.array([[1.0, 0.5], [-2.0, 0.0]]))
    '1 0.5; -2 0'
    """
    return "; ".join(" ".join(_plain(value) for value in row) for row in values)


def _plain(value: float) -> str:
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
