"""Expensive things that sessions share, each with a bound and a small key."""

from dataclasses import asdict, dataclass

import numpy as np
import streamlit as st

from cnn_lab.app.run_queue import run_queue
from cnn_lab.charts.maps import (
    Picture,
    Tone,
    clipped_png,
    outlined,
    signed_png,
)
from cnn_lab.concepts.padding import StridedMap, strided_maps
from cnn_lab.data.mnist import Split, load_mnist
from cnn_lab.network import ModelFileError, Network
from cnn_lab.ops import conv2d
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.types import Array
from cnn_lab.runs.job import UnknownRunError

RUN_PREFIX = "run-"


@st.cache_resource(max_entries=16, show_spinner=False)
def network(name: str) -> Network:
    """Return a shipped network ("paper", "fast") or a finished run ("run-<id>").

    Raises
    ------
    ModelFileError
        If there is none of that name (any more).
    """
    if name.startswith(RUN_PREFIX):
        try:
            return run_queue().network(name.removeprefix(RUN_PREFIX))
        except UnknownRunError as error:
            raise ModelFileError(*error.args) from error
    return Network.load(name)


@st.cache_resource(max_entries=1, show_spinner=False)
def test_digits() -> Split:
    """Return MNIST's 10,000 test images, as bytes."""
    return load_mnist().test


@dataclass(frozen=True)
class FilteredMap:
    """What one filter made of a whole picture.

    Attributes
    ----------
    png : bytes
    rows, columns : int
    low, high : float
        The smallest and the largest number in it.
    """

    png: bytes
    rows: int
    columns: int
    low: float
    high: float


@st.cache_data(max_entries=24, show_spinner=False)
def filtered_maps(
    name: str,
    kernel: Array,
    bias: Array,
    settings: ConvolutionSettings,
    *,
    factor: int,
    tone: Tone | None,
    _pixels: Array,
) -> list[FilteredMap]:
    """Convolve a whole picture and return each filter's result as a PNG, all on one scale.

    Parameters
    ----------
    name : str
        Tells the picture and its channels from all others; the pixels are not looked at.
    kernel, bias, settings
        As for `cnn_lab.ops.conv2d`.
    factor : int
        Pixels a side that each number becomes.
    tone : {"light", "dark"}, optional
        Zero-centred colours for that page; grey, clipped to 0 and 255, when None.
    _pixels : ndarray, shape (height, width, channels)

    Notes
    -----
    A tenth of a second for 512 x 512 pixels in colour through four kernels of 7 x 7, and as
    much again for the pictures.
    """
    maps = conv2d(_pixels[np.newaxis], kernel, bias, **asdict(settings))[0]
    limit = float(np.abs(maps).max())
    results = []
    for f in range(maps.shape[2]):
        values = maps[..., f]
        if tone is None:
            png = clipped_png(values, factor=factor)
        else:
            png = signed_png(values, limit=limit, tone=tone, factor=factor)
        rows, columns = values.shape
        results.append(FilteredMap(png, rows, columns, float(values.min()), float(values.max())))
    return results


@st.cache_data(max_entries=24, show_spinner=False)
def framed_picture(
    name: str, box: tuple[int, int, int, int], colour: str, *, factor: int, _pixels: Picture
) -> bytes:
    """Return a picture as a PNG with a frame around a piece of it, see `outlined`.

    Parameters
    ----------
    name : str
        Tells the pixels from all others; they are not looked at.
    """
    return clipped_png(outlined(_pixels, box, colour), factor=factor)


@dataclass(frozen=True, eq=False)
class StridedPicture:
    """What a kernel with one stride made of a digit.

    Attributes
    ----------
    map : StridedMap
    png : bytes
    width_px : int
        Of the picture on a page.
    """

    map: StridedMap
    png: bytes
    width_px: int


@st.cache_data(max_entries=64, show_spinner=False)
def strided_pictures(index: int, kernel: Array, width_px: int, tone: Tone) -> list[StridedPicture]:
    """Return a test digit's maps at strides 1 to 5, all in the colours of one scale.

    Parameters
    ----------
    index : int
        Of the test digit.
    kernel : ndarray, shape (kernel_height, kernel_width)
    width_px : int
        About how wide each picture becomes, in whole pixels for each number.
    tone : {"light", "dark"}
        The page they lie on.
    """
    maps = strided_maps(test_digits().pixels[index].astype(float), kernel)
    limit = float(np.abs(maps[0].values).max())
    results = []
    for one in maps:
        factor = max(1, round(width_px / one.values.shape[1]))
        sharp = signed_png(one.values, limit=limit, tone=tone, factor=2 * factor)
        results.append(StridedPicture(one, sharp, factor * one.values.shape[1]))
    return results
