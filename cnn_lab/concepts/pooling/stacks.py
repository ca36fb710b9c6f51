"""Receptive fields of several convolutions, each followed by pooling."""

from dataclasses import dataclass

from cnn_lab.content.words import shape_words
from cnn_lab.ops.sizes import ReceptiveField
from cnn_lab.ops.types import Pair, check_at_least


@dataclass(frozen=True)
class Seen:
    """Receptive field of one cell after a layer.

    Attributes
    ----------
    layer : str
        For example "Convolution 3 × 3".
    size : (int, int)
        Rows and columns of pixels.
    step : (int, int)
        Pixels from its field to that of the next cell, down and to the right.
    """

    layer: str
    size: Pair
    step: Pair


def fields_behind(n_blocks: int, kernel_size: int, pool_size: Pair, strides: Pair) -> list[Seen]:
    """Return the receptive field after each layer of a stack.

    Parameters
    ----------
    n_blocks : int
        Number of pairs of convolution and pooling, at least 1.
    kernel_size : int
        Rows and columns of the convolution kernels, which have stride 1.
    pool_size, strides : (int, int)
        Settings of the poolings.

    Returns
    -------
    list of Seen
        A convolution and a pooling for each block, starting at the image.

    References
    ----------
    .. [1] Araujo, Norris and Sim (2019), "Computing receptive fields of convolutional
       neural networks", Distill, doi:10.23915/distill.00021.

    Examples
    --------
    >>> [seen.size for seen in fields_behind(2, 3, (2, 2), (2, 2))]
    [(3, 3), (4, 4), (8, 8), (10, 10)]
    """
    check_at_least(1, n_blocks=n_blocks)
    rows, columns = ReceptiveField(), ReceptiveField()
    stack = []
    for _ in range(n_blocks):
        for name, window, steps in (
            ("Convolution", (kernel_size, kernel_size), (1, 1)),
            ("Pooling", pool_size, strides),
        ):
            rows = rows.through(window[0], steps[0])
            columns = columns.through(window[1], steps[1])
            layer = f"{name} {shape_words(window)}"
            stack.append(Seen(layer, (rows.size, columns.size), (rows.step, columns.step)))
    return stack


def fields_table(stack: list[Seen]) -> dict[str, list[str]]:
    """Return a stack as columns of text.

    Examples
    --------
    >>> fields_table(fields_behind(1, 3, (2, 2), (2, 1)))["Step to the next cell"]
    ['1 down, 1 right', '2 down, 1 right']
    """
    return {
        "After": [seen.layer for seen in stack],
        "Receptive field": [f"{shape_words(seen.size)} pixels" for seen in stack],
        "Step to the next cell": [f"{seen.step[0]} down, {seen.step[1]} right" for seen in stack],
    }
