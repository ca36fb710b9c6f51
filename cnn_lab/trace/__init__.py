"""Traces: an operation as grids of numbers and steps that link their cells.

Trace functions compute every number with `cnn_lab.ops` and every link with array arithmetic; the
stage only draws. `Trace.to_wire` returns what is sent to the browser.
"""

from cnn_lab.trace.arithmetic import arithmetic, arithmetic_latex, arithmetic_line
from cnn_lab.trace.convolution import (
    bias_gradient_trace,
    convolution_trace,
    input_gradient_trace,
    kernel_gradient_trace,
)
from cnn_lab.trace.grid import Grid, Scale
from cnn_lab.trace.model import MAX_LINKS, MAX_WIRE_BYTES, Form, Trace, TraceTooLarge
from cnn_lab.trace.numbers import Precision, format_number
from cnn_lab.trace.pooling import (
    average_pool_gradient_trace,
    average_pool_trace,
    max_pool_gradient_trace,
    max_pool_trace,
)
from cnn_lab.trace.transposed import transposed_convolution_trace

__all__ = [
    "MAX_LINKS",
    "MAX_WIRE_BYTES",
    "Grid",
    "Precision",
    "Scale",
    "Trace",
    "TraceTooLarge",
    "Form",
    "arithmetic",
    "arithmetic_latex",
    "arithmetic_line",
    "average_pool_gradient_trace",
    "average_pool_trace",
    "bias_gradient_trace",
    "convolution_trace",
    "format_number",
    "input_gradient_trace",
    "kernel_gradient_trace",
    "max_pool_gradient_trace",
    "max_pool_trace",
    "transposed_convolution_trace",
]
