"""What pooling keeps and discards, in numbers."""

from cnn_lab.concepts.pooling.divisors import DivisorContrast, contrast_divisors
from cnn_lab.concepts.pooling.latex import divides_differently, divisor_latex, read_cell_latex
from cnn_lab.concepts.pooling.remains import Remains, remains
from cnn_lab.concepts.pooling.routes import Routes, routes
from cnn_lab.concepts.pooling.stacks import Seen, fields_behind, fields_table

__all__ = [
    "DivisorContrast",
    "Remains",
    "Routes",
    "Seen",
    "contrast_divisors",
    "divides_differently",
    "divisor_latex",
    "fields_behind",
    "fields_table",
    "read_cell_latex",
    "remains",
    "routes",
]
