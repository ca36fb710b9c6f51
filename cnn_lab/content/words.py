"""Numbers, sizes and lists as a reader sees them."""

import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np

NOTHING = "–"
MINUS = "−"
JOINER = "\u2060"  # has no width, and nothing may be broken at it
MAX_FOREIGN = 1_000  # characters of a text from outside
_SMALL, _LARGE = 1e-4, 1e6  # outside of which a number is written with a power of ten
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_SETTING = re.compile(r"^\w+(\.\w+)*: ")
_ARGUMENT, _CODE = re.compile(r"^[\w.]+="), re.compile(r"[=()\[\]{}'\"]")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def counted(n: int, noun: str) -> str:
    """Return a number with its noun, whose plural ends in "s".

    Examples
    --------
    >>> counted(1, "epoch"), counted(0, "epoch"), counted(1200, "image")
    ('1 epoch', '0 epochs', '1,200 images')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def data_size(n_bytes: float) -> str:
    """Return a number of bytes to three digits, in units of 1,000.

    Examples
    --------
    >>> data_size(512), data_size(4_537_704), data_size(1_250_000_000)
    ('512 B', '4.54 MB', '1.25 GB')
    """
    for unit in ("B", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} GB"


def duration(seconds: float) -> str:
    """Return a duration in seconds, and from a minute on in minutes and seconds.

    Examples
    --------
    >>> duration(8.4), duration(90), duration(605)
    ('8 s', '1 min 30 s', '10 min 5 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def inert(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula.

    Examples
    --------
    >>> inert("=1+1"), inert("Input")
    ("'=1+1", 'Input')
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def listed(words: Sequence[str]) -> str:
    """Return words as a list within a sentence.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def literally(text: str) -> str:
    r"""Return Markdown that shows text from outside as it is, on one line and cut off if long.

    No address, file or other process can show a link, a picture, a formula or an icon by it.

    Examples
    --------
    >>> print(literally("a_b [c](d)\x07"))
    a\_b \[c\](d)
    >>> literally("http://x.org").replace(JOINER, "")
    'http\\://x.org'

    Notes
    -----
    A backslash keeps a sign from being Markdown. Addresses, icons and emoji are found later, in
    what is then plain text; an invisible sign of no width inside them hides them.
    """
    shown = "".join(letter if letter.isprintable() else " " for letter in text).strip()
    if len(shown) > MAX_FOREIGN:
        shown = f"{shown[:MAX_FOREIGN]} …"
    escaped = re.sub(r"([\\`*_{}\[\]<>$|~&]|:(?=\S))", r"\\\1", shown)
    hidden = re.sub(r":(?=\S)|@|www", rf"\g<0>{JOINER}", escaped, flags=re.IGNORECASE)
    return re.sub(r"^(?=[-+#\d])", JOINER, hidden)  # neither a list nor a heading


def or_dash(value: float | None, form: Callable[[float], str]) -> str:
    """Return a number as a function writes it, or a dash where there is none.

    Examples
    --------
    >>> or_dash(75.0, duration), or_dash(None, duration)
    ('1 min 15 s', '–')
    """
    return NOTHING if value is None else form(value)


def plain_message(message: str) -> str:
    """Return a message of the library for people: what must hold, without names of arguments.

    The library's messages end with the arguments received. A single value is kept if it reads as
    words; what can be seen on the page anyway, in a programmer's notation, is left out. Some begin
    with the setting that is wrong.

    Examples
    --------
    >>> plain_message("A picture may have at most 10 MB. Received: 12.5 MB")
    'A picture may have at most 10 MB. Here: 12.5 MB.'
    >>> plain_message("`epochs` must be at most 50. Received: epochs=60")
    'epochs must be at most 50. Here: 60.'
    >>> plain_message("The window must fit. Received: length=2, padding=(0, 0)")
    'The window must fit.'
    >>> plain_message("training.learning_rate: This must be above 0. Received: 0")
    'Training, learning rate: This must be above 0. Here: 0.'
    """
    sentence, _, received = message.replace("`", "").partition(" Received: ")
    sentence = sentence if not sentence or sentence[-1] in ".?!…" else f"{sentence}."
    sentence = _SETTING.sub(_title, sentence)
    value = _ARGUMENT.sub("", received.strip().removesuffix("."))
    if not value or _CODE.search(value):
        return sentence
    return f"{sentence} Here: {value}."


def _title(path: re.Match[str]) -> str:
    words = path[0].replace("_", " ").replace(".", ", ")
    return words[0].upper() + words[1:]


def percent(probability: float) -> str:
    """Return a probability with one decimal, and never as a certainty.

    Examples
    --------
    >>> percent(0.98249), percent(0.99996), percent(0.0)
    ('98.2%', '>99.9%', '0.0%')
    """
    return ">99.9%" if probability >= 0.9995 else f"{probability:.1%}"


def shape_words(lengths: Iterable[int]) -> str:
    """Return the lengths of an array's axes.

    Examples
    --------
    >>> shape_words((28, 28, 1)), shape_words((1152,))
    ('28 × 28 × 1', '1,152')
    """
    return " × ".join(f"{length:,}" for length in lengths)


def significant(value: float, digits: int = 4) -> str:
    """Return a number to a few significant digits, with a typographic minus.

    Examples
    --------
    >>> significant(-0.123456), significant(12.0), significant(0.0), significant(1.76e-14)
    ('−0.1235', '12', '0', '1.76 × 10⁻¹⁴')
    """
    mantissa, exponent = _mantissa_and_exponent(value, digits)
    text = f"{mantissa} × 10{str(exponent).translate(_RAISED)}" if exponent else mantissa
    return text.replace("-", MINUS)


def significant_latex(value: float, digits: int = 4) -> str:
    r"""Return what `significant` does for a formula.

    Examples
    --------
    >>> significant_latex(-0.123456), significant_latex(1.76e-14)
    ('-0.1235', '1.76 \\cdot 10^{-14}')
    """
    mantissa, exponent = _mantissa_and_exponent(value, digits)
    return rf"{mantissa} \cdot 10^{{{exponent}}}" if exponent else mantissa


def _mantissa_and_exponent(value: float, digits: int) -> tuple[str, int]:
    if value and not _SMALL <= abs(value) < _LARGE:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return np.format_float_positional(float(mantissa), trim="-"), int(exponent)
    rounded = float(f"{value:.{digits}g}") + 0.0
    return np.format_float_positional(rounded, trim="-"), 0
