"""The gradients of a convolution: their equations, and whether both forms of a trace agree."""

import numpy as np

from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.types import Array, Pair
from cnn_lab.trace import Trace


def kernel_gradient_latex(settings: ConvolutionSettings, size: Pair, window: Pair) -> str:
    r"""Return the gradient of one weight as a sum over all positions of these sizes.

    Parameters
    ----------
    settings : ConvolutionSettings
    size : (int, int)
        Rows and columns of the image.
    window : (int, int)
        Rows and columns of the kernel.

    Examples
    --------
    >>> print(kernel_gradient_latex(ConvolutionSettings(strides=2, padding=1), (6, 6), (3, 3)))
    \sum_{i=0}^{2}\sum_{j=0}^{2} \delta(i, j)\; I(2i + m - 1,\; 2j + n - 1)
    """
    geometry = settings.geometry(size, window)
    (top, _), (left, _) = geometry.borders
    (down, right), (dilation_down, dilation_right) = settings.strides, settings.dilation_rate
    rows, columns = geometry.positions
    return (
        rf"\sum_{{i=0}}^{{{rows - 1}}}\sum_{{j=0}}^{{{columns - 1}}} \delta(i, j)\; "
        rf"I({_index((down, 'i'), (dilation_down, 'm'), -top)},\; "
        rf"{_index((right, 'j'), (dilation_right, 'n'), -left)})"
    )


def input_gradient_latex(settings: ConvolutionSettings, size: Pair, window: Pair) -> str:
    r"""Return the gradient of one pixel as a sum over the weights that read it.

    Examples
    --------
    >>> print(input_gradient_latex(ConvolutionSettings(), (6, 6), (3, 3)))
    \sum_{m=0}^{2}\sum_{n=0}^{2} \tilde\delta(r - m,\; c - n)\; K(m, n)
    """
    (top, _), (left, _) = settings.borders(size, window)
    dilation_down, dilation_right = settings.dilation_rate
    return (
        rf"\sum_{{m=0}}^{{{window[0] - 1}}}\sum_{{n=0}}^{{{window[1] - 1}}} "
        rf"\tilde\delta({_index((1, 'r'), (-dilation_down, 'm'), top)},\; "
        rf"{_index((1, 'c'), (-dilation_right, 'n'), left)})\; K(m, n)"
    )


def bias_gradient_latex(settings: ConvolutionSettings, size: Pair, window: Pair) -> str:
    r"""Return the gradient of the bias as a sum over all positions.

    Examples
    --------
    >>> print(bias_gradient_latex(ConvolutionSettings(), (6, 6), (3, 3)))
    \sum_{i=0}^{3}\sum_{j=0}^{3} \delta(i, j)
    """
    rows, columns = settings.geometry(size, window).positions
    return rf"\sum_{{i=0}}^{{{rows - 1}}}\sum_{{j=0}}^{{{columns - 1}}} \delta(i, j)"


def _index(first: tuple[int, str], second: tuple[int, str], constant: int) -> str:
    """Return an index such as "2i + m - 1": two letters with factors, and a number."""
    terms = [first, second, (constant, "")]
    text = ""
    for factor, letter in terms:
        if factor:
            sign = " - " if factor < 0 else " + " if text else ""
            amount = "" if abs(factor) == 1 and letter else str(abs(factor))
            text += sign + amount + letter
    return text


def form_difference(gathered: Trace, scattered: Trace) -> float:
    """Return the largest difference between the results of two traces of one gradient.

    Each result is added up from its own steps: one from what every step reads, the other from
    the totals that the steps leave. A cell that no step reaches counts as zero.

    Parameters
    ----------
    gathered, scattered : Trace
        Of the same gradient, with form="gather" and form="scatter".

    Notes
    -----
    Exactly 0 for whole numbers and short decimals. If digits are rounded, up to the last digit
    of single precision, in which the stage receives them.

    Examples
    --------
    >>> from cnn_lab.trace import bias_gradient_trace
    >>> delta = np.array([[1.0, 2.0], [3.0, -4.0]])
    >>> form_difference(bias_gradient_trace(delta), bias_gradient_trace(delta, form="scatter"))
    0.0
    """
    sums = _gathered(gathered)
    (result,) = (grid for grid in scattered.result_grids if grid.values.size)
    totals = np.zeros(result.first_id + result.values.size)
    totals[scattered.targets] = scattered.totals  # the last one written is the final total
    scattered_sums = totals[result.first_id :].reshape(result.values.shape)
    rows, columns = sums.shape
    top, left = (labels.index(0) for labels in (result.row_labels, result.column_labels))
    inside = scattered_sums[top : top + rows, left : left + columns]
    return float(np.abs(sums - inside).max(initial=0.0))


def _gathered(trace: Trace) -> Array:
    """Return the sums of the steps of a gather trace, in the shape of its result."""
    values = np.concatenate([grid.values.ravel() for grid in trace.grids])
    terms = values[trace.reads] * (values[trace.weights] if trace.weights.size else 1.0)
    sums = np.array([terms[trace.links(step)].sum() for step in range(len(trace))])
    (result,) = trace.result_grids
    found = np.zeros(result.values.size)
    found[trace.writes - result.first_id] = sums
    return found.reshape(result.values.shape)
