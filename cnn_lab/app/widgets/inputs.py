"""Controls that pages share: choices, numbers, switches, pairs of numbers and padding."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import streamlit as st

from cnn_lab.app.caches import test_digits
from cnn_lab.app.messages import explained
from cnn_lab.app.widgets.bound import (
    among,
    bound,
    is_only_read,
    is_short,
    is_switch,
    number_within,
    only_read,
    read_switch,
)
from cnn_lab.app.widgets.guidance import is_hidden
from cnn_lab.ops.types import PAD_MODES, CopyError, Padding, PadMode

PaddingName = Literal["valid", "same", "full"]
if TYPE_CHECKING:
    from streamlit.elements.lib.mutable_expander_container import ExpanderContainer
    from streamlit.elements.lib.mutable_tab_container import TabContainer

_Option = TypeVar("_Option")
_Number = TypeVar("_Number", int, float)

PADDING_NAMES: tuple[PaddingName, ...] = ("valid", "same", "full")
MAX_MAGNITUDE = 1e6
MAX_BORDER = 9
SIDES = (("top", "bottom"), ("left", "right"))
PAD_MODE_LABELS: dict[PadMode, str] = {
    "zeros": "zeros",
    "reflect": "the image mirrored",
    "edge": "its edge repeated",
    "wrap": "its far side",
}
REPEATED = "A larger image, less padding or padding with zeros would fit."
LARGER = "A larger image, a smaller window or more padding would fit."


def choice(
    label: str,
    options: Sequence[_Option],
    key: str,
    *,
    default: _Option | None = None,
    format_func: Callable[[Any], str] = str,
    hidden: bool = False,
    in_address: bool = True,
    always_named: bool = False,
    pills: bool = False,
    width: Literal["stretch", "content"] = "stretch",
    help: str | None = None,
    on_change: Callable[..., None] | None = None,
    args: tuple[Any, ...] = (),
) -> _Option:
    """Show a row of options and return the chosen one.

    Parameters
    ----------
    label : str
    options : sequence
    key : str
        Of the widget, which is the address parameter too.
    default : optional
        The option preselected; by default the first.
    format_func : callable
        Option -> text, which is its value in the address.
    hidden : bool
        Whether only screen readers get the label.
    in_address : bool
        Whether the address has the chosen option.
    always_named : bool
        Whether the address has the first option too, and not only others. The caller sets the
        option of the first run in the session's state.
    pills : bool
        Whether the options stand apart.
    width : {"stretch", "content"}
    help, on_change, args
        As Streamlit's widgets take them.
    """
    first = options[0] if default is None else default
    settings: dict[str, Any] = {
        "default": first,
        "required": True,
        "format_func": format_func,
        "help": help,
        "label_visibility": "collapsed" if hidden else "visible",
        "width": width,
        "on_change": on_change,
        "args": args,
        "wrap": True,  # by itself, Streamlit has some rows scroll without a sign of it
    }
    if always_named:
        del settings["default"]
    widget: Callable[..., _Option | None] = st.pills if pills else st.segmented_control
    if in_address:
        by_text = {format_func(option): option for option in options}
        settings |= {"fallback": first, "allows": among(by_text), "read": by_text.__getitem__}
        chosen = bound(widget, label, options, key=key, **settings)
    else:
        chosen = widget(label, options, key=key, **settings)
    return first if chosen is None else chosen


def optional_choice(
    label: str,
    options: Sequence[_Option],
    key: str,
    *,
    on_change: Callable[..., None] | None = None,
) -> _Option | None:
    """Show a row of options and return the chosen one, None as long as none is."""
    by_text = {str(option): option for option in options}
    chosen: _Option | None = bound(
        st.segmented_control,
        label,
        options,
        key=key,
        fallback=None,
        allows=among(by_text),
        read=by_text.__getitem__,
        on_change=on_change,
        wrap=True,
    )
    return chosen


def several(
    label: str, options: Sequence[_Option], key: str, *, default: Sequence[_Option]
) -> list[_Option]:
    """Show options of which any number can be chosen, and return those that are."""
    by_text = {str(option): option for option in options}
    chosen: list[_Option] = bound(
        st.pills,
        label,
        options,
        key=key,
        selection_mode="multi",
        default=list(default),
        fallback=list(default),
        allows=among(by_text),
        read=by_text.__getitem__,
        several=True,
        wrap=True,
    )
    return chosen


def several_of(label: str, options: Mapping[str, _Option], key: str, *, help: str) -> list[_Option]:
    """Show a field to choose any of many options from, none at first, and return those.

    Parameters
    ----------
    label : str
    options : mapping of str to object
        What is shown, and is the option's value in the address -> the option.
    key : str
    help : str
    """
    chosen: list[str] = bound(
        st.multiselect,
        label,
        list(options),
        key=key,
        fallback=[],
        allows=among(options),
        several=True,
        help=help,
    )
    return [options[each] for each in chosen]


def picked(
    label: str, options: Sequence[_Option], key: str, *, disabled: bool = False
) -> list[_Option]:
    """Show options to pick some of, which are not in the address, and return those."""
    chosen: list[_Option] = st.pills(
        label,
        options,
        key=key,
        selection_mode="multi",
        disabled=disabled,
        wrap=True,
    )
    return chosen


def menu(
    label: str,
    options: Sequence[_Option],
    key: str,
    *,
    default: _Option | None = None,
    format_func: Callable[[Any], str] = str,
    width: Literal["stretch"] | int = "stretch",
    help: str | None = None,
) -> _Option:
    """Show a menu of options and return the chosen one; the arguments are those of `choice`."""
    first = options[0] if default is None else default
    by_text = {format_func(option): option for option in options}
    chosen: _Option = bound(
        st.selectbox,
        label,
        options,
        key=key,
        fallback=first,
        allows=among(by_text),
        read=by_text.__getitem__,
        index=options.index(first),
        format_func=format_func,
        width=width,
        help=help,
    )
    return chosen


def radio(label: str, options: Sequence[str], key: str, *, captions: Sequence[str]) -> str:
    """Show options one below the other, each with a caption, and return the chosen one."""
    chosen: str = bound(
        st.radio,
        label,
        options,
        key=key,
        fallback=options[0],
        allows=among(options),
        captions=captions,
    )
    return chosen


def value_slider(label: str, values: Sequence[float], key: str, *, value: float) -> float:
    """Show a slider with a stop for each of the values and return the chosen one."""
    by_text = {f"{each:g}": each for each in values}
    chosen: float = bound(
        st.select_slider,
        label,
        values,
        key=key,
        fallback=value,
        allows=among(by_text),
        read=by_text.__getitem__,
        value=value,
        format_func=lambda each: f"{each:g}",
    )
    return chosen


def follow_defaults(defaults: dict[str, Any], *, reset: bool = False) -> None:
    """Set widgets to defaults that depend on other settings. Call before showing them.

    A widget keeps its value when its default changes. This moves those that still show the last
    defaults, or nothing yet; what a reader or the address has chosen stays.

    Parameters
    ----------
    defaults : dict
        Key -> default of widgets that belong together: if one was chosen, all stay.
    reset : bool
        Move them whatever they show.
    """
    state = st.session_state
    before = f"{'_'.join(defaults)}_defaults"
    shown = {key: state[key] for key in defaults if key in state}
    untouched = not shown and not any(key in st.query_params for key in defaults)
    if reset or untouched or (shown == state.get(before) and shown != defaults):
        for key, value in defaults.items():
            state[key] = value
    state[before] = defaults


def slider(
    label: str,
    key: str,
    *,
    value: _Number,
    minimum: _Number,
    maximum: _Number,
    step: _Number | None = None,
    format: str | None = None,
) -> _Number:
    """Show a slider and return its value, limited in Python as well."""
    chosen: _Number = bound(
        st.slider,
        label,
        minimum,
        maximum,
        value,
        key=key,
        fallback=value,
        allows=number_within(minimum, maximum),
        read=lambda text: type(value)(float(text)),
        step=step,
        format=format,
    )
    return min(max(chosen, minimum), maximum)


def switch(label: str, key: str, *, value: bool = False) -> bool:
    """Show a switch and return whether it is on."""
    on: bool = bound(
        st.toggle,
        label,
        key=key,
        fallback=value,
        allows=is_switch,
        read=read_switch,
        value=value,
    )
    return on


class HiddenFold(nullcontext[None]):
    """A fold that is not shown, and so not to be filled."""

    open = False


def fold(label: str, key: str, *, icon: str) -> "ExpanderContainer | HiddenFold":
    """Return an expander, closed at first; `.open` tells whether to fill it."""
    if is_hidden(key):
        return HiddenFold()
    part: ExpanderContainer = bound(
        st.expander,
        label,
        key=key,
        fallback=False,
        allows=is_switch,
        read=read_switch,
        icon=icon,
        on_change="rerun",
    )
    return part


@contextmanager
def controls_fold(label: str, key: str) -> Iterator[None]:
    """Show an expander, closed at first, and create its controls when it is first opened.

    Until then they are only read, see `bound.only_read`: a page is there sooner, and answers
    sooner, without the widgets that are out of sight.

    Parameters
    ----------
    label : str
    key : str
        Of the expander; it is not in the address.
    """
    part = st.expander(label, key=key, on_change="rerun")
    with part, only_read(when=not part.open):
        yield


def tabs(labels: Sequence[str], key: str) -> "Sequence[TabContainer]":
    """Return a row of tabs, the first one open; `.open` tells whether to fill one."""
    row: Sequence[TabContainer] = bound(
        st.tabs,
        labels,
        key=key,
        fallback=labels[0],
        allows=among(labels),
        on_change="rerun",
    )
    return row


def text_field(label: str, key: str, *, placeholder: str, help: str) -> str:
    """Show a field for one line of text, empty at first, and return the text."""
    typed: str = bound(
        st.text_input,
        label,
        key=key,
        fallback="",
        allows=is_short,
        persist_state="session",
        placeholder=placeholder,
        help=help,
    )
    return typed


def whole_number(
    label: str,
    key: str,
    *,
    value: int,
    minimum: int,
    maximum: int,
    hidden: bool = False,
    width: Literal["stretch"] | int = "stretch",
    help: str | None = None,
) -> int:
    """Show a field for a whole number and return it, limited in Python as well."""
    entered = bound(
        st.number_input,
        label,
        key=key,
        fallback=value,
        allows=number_within(minimum, maximum),
        read=lambda text: int(float(text)),
        min_value=minimum,
        max_value=maximum,
        # Streamlit warns if both a default and the session give a value.
        value="min" if value == minimum else value,
        step=1,
        label_visibility="collapsed" if hidden else "visible",
        width=width,
        help=help,
    )
    return int(min(max(entered, minimum), maximum))


def real_number(
    label: str,
    key: str,
    *,
    value: float,
    step: float,
    minimum: float = -MAX_MAGNITUDE,
    maximum: float = MAX_MAGNITUDE,
    disabled: bool = False,
    help: str | None = None,
) -> float:
    """Show a number field and return its value, limited in Python as well."""
    entered: float = bound(
        st.number_input,
        label,
        key=key,
        fallback=value,
        allows=number_within(minimum, maximum),
        read=float,
        min_value=minimum,
        max_value=maximum,
        value=value,
        step=step,
        format="%g",
        disabled=disabled,
        help=help,
    )
    return min(max(entered, minimum), maximum)


def optional_number(
    label: str,
    key: str,
    *,
    minimum: float,
    maximum: float,
    step: float,
    on_change: Callable[[], None] | None = None,
) -> float | None:
    """Show a number field that is empty at first and return its value, None while it is empty."""
    entered: float | None = bound(
        st.number_input,
        label,
        key=key,
        fallback=None,
        allows=number_within(minimum, maximum),
        min_value=minimum,
        max_value=maximum,
        value=None,
        step=step,
        format="%g",
        on_change=on_change,
    )
    return None if entered is None else min(max(entered, minimum), maximum)


def digit_number(key: str, *, value: int = 0, width: Literal["stretch"] | int = "stretch") -> int:
    """Show the number of one of MNIST's test images and return it."""
    most = len(test_digits()) - 1
    return whole_number("Test image", key, value=value, minimum=0, maximum=most, width=width)


def two_numbers(
    labels: tuple[str, str],
    keys: tuple[str, str],
    *,
    value: int = 0,
    minimum: int = 0,
    maximum: int | tuple[int, int],
) -> tuple[int, int]:
    """Show two number fields side by side and return their values."""
    most = (maximum, maximum) if isinstance(maximum, int) else maximum
    numbers = []
    unshown_places = all(map(is_only_read, keys))
    places: Sequence[AbstractContextManager[Any]] = (
        [nullcontext()] * 2 if unshown_places else st.columns(2, vertical_alignment="bottom")
    )
    for place, label, key, largest in zip(places, labels, keys, most, strict=True):
        with place:
            numbers.append(whole_number(label, key, value=value, minimum=minimum, maximum=largest))
    return numbers[0], numbers[1]


def apart_toggle(page: str) -> bool:
    """Show the switch that separates rows and columns, key `<page>_apart`."""
    return switch("Separate rows and columns", f"{page}_apart")


def pair_number(
    label: str, key: str, *, value: int, minimum: int, maximum: int, apart: bool = False
) -> tuple[int, int]:
    """Show one number field for both axes, or one for each, and return (rows, columns).

    Parameters
    ----------
    label : str
        Name of both numbers, for example "Stride".
    key : str
        Key of the first field; the second one has `<key>_columns`.
    value, minimum, maximum : int
        Initial value and limits of both fields.
    apart : bool
        Whether columns have their own field, from `apart_toggle`.
    """
    if not apart:
        both = whole_number(label, key, value=value, minimum=minimum, maximum=maximum)
        return both, both
    return two_numbers(
        (f"{label}, rows", f"{label}, columns"),
        (key, f"{key}_columns"),
        value=value,
        minimum=minimum,
        maximum=maximum,
    )


def padding_control(
    page: str,
    *,
    names: Sequence[PaddingName] = PADDING_NAMES,
    default: PaddingName | None = None,
) -> Padding:
    """Show the choice of padding and return it.

    Parameters
    ----------
    page : str
        Prefix of the keys: `<page>_padding`, and `<page>_top` to `<page>_right`.
    names : sequence of {"valid", "same", "full"}
        Options of the operation; custom padding of 0 to 9 pixels per side is always offered.
    default : {"valid", "same", "full"}, optional
        The option preselected; by default the first.
    """
    offered: list[PaddingName | Literal["own"]] = [*names, "own"]
    chosen = choice("Padding", offered, f"{page}_padding", default=default)
    if chosen != "own":
        return chosen
    rows, columns = (
        two_numbers(
            (first.capitalize(), second.capitalize()),
            (f"{page}_{first}", f"{page}_{second}"),
            value=1,
            maximum=MAX_BORDER,
        )
        for first, second in SIDES
    )
    return rows, columns


def pad_mode_control(page: str) -> PadMode:
    """Show the choice of padding mode, key `<page>_pad_mode`, and return it."""
    labels = PAD_MODE_LABELS
    return menu("Padding values", PAD_MODES, f"{page}_pad_mode", format_func=labels.__getitem__)


def does_not_fit(error: ValueError, *, remedy: str | None = None) -> None:
    """Show why settings cannot be combined, and what would fit.

    Parameters
    ----------
    error : ValueError
        Error of the operation; its message says what is required and what was received.
    remedy : str, optional
        Sentence on what would be allowed, if the problem is not the window.
    """
    fitting = REPEATED if isinstance(error, CopyError) else LARGER
    st.error(f"{explained(error)} {remedy or fitting}", title="This does not fit")
