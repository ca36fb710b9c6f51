"""A bare page with one stage, chosen by `?case=`; `?input=` makes its data change."""

import numpy as np
import streamlit as st

from cnn_lab.data import load_mnist
from cnn_lab.stage import stage
from cnn_lab.trace import Trace, average_pool_trace, convolution_trace, max_pool_trace

SOBEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])[:, :, np.newaxis, np.newaxis]
PATCH = np.array(
    [
        [3, 0, 1, 2, 7, 4],
        [1, 5, 8, 9, 3, 1],
        [2, 7, 2, 5, 1, 3],
        [0, 1, 3, 1, 7, 8],
        [4, 2, 1, 6, 2, 8],
        [2, 4, 5, 2, 3, 9],
    ]
)


def digit() -> np.ndarray:
    return load_mnist().test.images[0]


def colour() -> Trace:
    random = np.random.default_rng(7)
    image = random.integers(0, 5, (6, 6, 3))
    kernel = random.integers(-2, 3, (3, 3, 3, 4))
    bias = np.array([0.5, 0, -1, 2])
    return convolution_trace(image, kernel, bias, channel_names=("red", "green", "blue"))


def pooling(**options: object) -> list[Trace]:
    return [max_pool_trace(PATCH, **options), average_pool_trace(PATCH, **options)]


CASES = {
    "small": lambda: convolution_trace(PATCH, SOBEL),
    "bias": lambda: convolution_trace(PATCH, SOBEL, np.array([0.5])),
    "padded": lambda: convolution_trace(PATCH, SOBEL, padding="same"),
    "stride": lambda: convolution_trace(PATCH, SOBEL, strides=2, padding=1),
    "dilated": lambda: convolution_trace(PATCH, SOBEL[:2, :2], dilation_rate=2),
    "colour": colour,
    "pooling": pooling,
    "overlapping": lambda: pooling(pool_size=3, strides=2, padding="same"),
    "digit": lambda: convolution_trace(digit(), SOBEL),
    "digit-pooling": lambda: [max_pool_trace(digit()), average_pool_trace(digit())],
    "digit-filters": lambda: convolution_trace(
        digit(), np.random.default_rng(1).normal(size=(5, 5, 1, 4)), np.zeros(4), padding="same"
    ),
    "flip": lambda: [
        convolution_trace(PATCH, SOBEL),
        convolution_trace(PATCH, SOBEL, flip_kernel=True),
    ],
    "paddings": lambda: [
        convolution_trace(PATCH, SOBEL, padding=padding, name=padding.capitalize())
        for padding in ("valid", "same", "full")
    ],
    "large-kernel": lambda: convolution_trace(
        PATCH.repeat(2, 0).repeat(2, 1), np.full((7, 7, 1, 1), 1 / 49)
    ),
}

st.set_page_config(page_title="Stage", layout="wide")
st.title("Stage")
case = st.query_params.get("case", "small")
start = int(st.query_params.get("start", "0"))
if case == "changing":
    stride = st.segmented_control("Stride", [1, 2], default=1, key="stride")
    shown: Trace | list[Trace] = convolution_trace(PATCH, SOBEL, strides=stride or 1)
else:
    shown = CASES[case]()
stage(shown, key="stage", start_step=start)
st.session_state.runs = st.session_state.get("runs", 0) + 1
st.caption(f"Runs of the script: {st.session_state.runs}")
