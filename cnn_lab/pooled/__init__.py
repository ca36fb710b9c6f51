"""What pooling keeps and throws away, in numbers: for the page that asks."""

from cnn_lab.pooled.divisors import DivisorContrast, contrast_divisors
from cnn_lab.pooled.remains import Remains, remains
from cnn_lab.pooled.routes import Routes, routes
from cnn_lab.pooled.stacks import Seen, fields_behind, fields_table
from cnn_lab.pooled.writing import divides_differently, divisor_latex, read_cell_latex

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
