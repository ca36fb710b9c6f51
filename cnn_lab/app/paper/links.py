"""Links from the paper's statements to the pages that show them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st

from cnn_lab.app.convolution.controls import BOTH
from cnn_lab.app.training.fields import DATA_SETS, OPTIMIZERS, SCHEDULES, setting_key
from cnn_lab.content import prose
from cnn_lab.training.engine import ENGINES

PAPER = "paper"
PER_ROW = 2
# Example of a size that needs rounding: 6 pixels, padding 1, kernel 3, stride 2.
LENGTH, AROUND, KERNEL, STRIDE = 6, 1, 3, 2


@dataclass(frozen=True)
class Link:
    """Link to a page in a certain state.

    Attributes
    ----------
    page : str
        File name of a page.
    label : str
    query : dict of str to str
        Address parameters of the page.
    """

    page: str
    label: str
    query: Mapping[str, str] = field(default_factory=dict)


def _training(label: str, field: str, value: str) -> Link:
    query = {"training_preset": PAPER, setting_key(PAPER, field): value}
    return Link("training", label, query)


OUTLOOK = (
    _training("Another optimizer", "optimizer", OPTIMIZERS["adamw"]),
    Link("network", "More maps, other kernel sizes", {"network_preset": PAPER}),
    _training("Image augmentation", "shift", "2"),
    _training("Batch normalization", "norm", "everywhere"),
    _training("Learning rate decay", "schedule", SCHEDULES["cosine"]),
    _training("Colour images with backgrounds", "data_set", DATA_SETS["cifar10"]),
    _training("Training from scratch in NumPy", "engine", ENGINES["numpy"]),
)
# Section of the page's chapter -> where it can be seen, if anywhere.
ERRATA: dict[str, Link | None] = {
    "flipped": Link("convolution", "Both side by side", {"conv_flip": BOTH}),
    "same": Link(
        "padding",
        "How two libraries pad",
        {"pad_compare": "Keras and PyTorch", "pad_kernel_size": "2", "pad_stride": "1"},
    ),
    "floor": Link(
        "padding",
        "The line left over",
        {
            "pad_compare": "one padding",
            "pad_padding": "own",
            "pad_kernel_size": str(KERNEL),
            "pad_stride": str(STRIDE),
        },
    ),
    "stride": Link("padding", "A digit at strides 1 to 5"),
    "recursion": Link(
        "backpropagation",
        "The gradient of the input",
        {"back_what": "input", "back_form": "both"},
    ),
    "backward_stride": Link(
        "backpropagation",
        "The backward pass at stride 2",
        {"back_stride": "2", "back_what": "input", "back_form": "both"},
    ),
    "entropy": Link("backpropagation", "Softmax and loss", {"back_part": "Softmax and loss"}),
    "invariance": Link("pooling", "How little a pooled map moves"),
    "people": None,
}


def show_pieces(
    pieces: Mapping[str, Link | None], numbers: Mapping[str, Mapping[str, object]]
) -> None:
    """Show sections of prose side by side, row by row, in the same order on a phone.

    Parameters
    ----------
    pieces : mapping of str to Link or None
        Link of each section of the page's chapter.
    numbers : mapping of str to mapping
        Values for the slots, by section.
    """
    sections = list(pieces)
    for start in range(0, len(sections), PER_ROW):
        row = st.columns(PER_ROW, gap="large")
        for place, section in zip(row, sections[start : start + PER_ROW], strict=False):
            with place:
                st.markdown(prose("paper", section, **numbers.get(section, {})))
                if link := pieces[section]:
                    show_link(link)


def show_link(link: Link) -> None:
    """Show a link to a page in a certain state."""
    st.page_link(
        f"pages/{link.page}.py",
        label=link.label,
        icon=":material/arrow_forward:",
        icon_position="right",
        query_params=dict(link.query) or None,
    )
