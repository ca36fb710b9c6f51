"""Menus of named kernels, and the size of a kernel."""

from cnn_lab.app.widgets.inputs import menu, two_numbers
from cnn_lab.data.kernels import KERNELS, MAX_SIZE
from cnn_lab.ops.types import Pair


def kernel_menu(label: str, key: str, size: Pair, first: str) -> str:
    """Show the named kernels available in a size and return the chosen one's name.

    `first` is preselected, or "ones" if it does not exist in this size.
    """
    names = [name for name, kernel in KERNELS.items() if kernel.fits(*size)]
    default = first if first in names else "ones"
    return menu(label, names, key, default=default, format_func=lambda name: KERNELS[name].title)


def kernel_size(page: str) -> Pair:
    """Show the size of the kernel, key `<page>_kernel_rows` and so on; return (rows, columns)."""
    return two_numbers(
        ("Kernel rows", "Kernel columns"),
        (f"{page}_kernel_rows", f"{page}_kernel_columns"),
        value=3,
        minimum=1,
        maximum=MAX_SIZE,
    )
