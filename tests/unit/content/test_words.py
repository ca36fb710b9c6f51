"""Numbers, lists and foreign text as a reader sees them, at their edges."""

import re

import pytest

from cnn_lab.content.words import (
    JOINER,
    MAX_FOREIGN,
    data_size,
    duration,
    literally,
    percent,
    significant,
)


def test_sizes_stay_short() -> None:
    assert data_size(0) == "0 B"
    assert data_size(1_234) == "1.23 kB"
    assert data_size(4_500_000_000_000) == "4.5e+03 GB"


def test_no_probability_is_a_certainty() -> None:
    assert percent(0.99949) == "99.9%"
    assert percent(0.9995) == percent(1.0) == ">99.9%"


def test_seconds_are_rounded_before_they_become_minutes() -> None:
    assert (duration(0), duration(59.4), duration(59.6)) == ("0 s", "59 s", "1 min 0 s")


def test_rounding_leaves_no_minus_at_zero() -> None:
    assert significant(-0.0) == "0"
    assert significant(999_999.9) == "1000000"


@pytest.mark.parametrize(
    "text",
    [
        "![x](http://evil.example/x.png)",
        "[x](http://evil.example)",
        "http://evil.example",
        "WWW.evil.example",
        "a@evil.example",
        ":material/bug_report:",
        "$x$ and $$x$$",
        "<b>x</b>",
        ":red[x]",
        "`x` ~~x~~ **x** _x_",
        "# x",
        "- x",
        "1. x",
        "&lt;",
        "\\",
    ],
)
def test_foreign_text_is_shown_literally(text: str) -> None:
    """R9: no sign of Markdown is left that a backslash or a joiner does not hide."""
    shown = literally(text)
    assert not re.search(r"(?<!\\)(\\\\)*([`*_{}\[\]<>$|~&]|:(?=\S))", shown)
    assert not re.search(r"://|www\.|@\w|^[-+#\d]", shown, re.IGNORECASE)
    assert re.sub(r"\\(.)", r"\1", shown.replace(JOINER, "")) == text


def test_foreign_text_is_one_line_of_limited_length() -> None:
    """R9: a long or broken text takes no more room than a paragraph."""
    assert literally("a\n\n# b\x00\x1b\u202ec") == "a  # b   c"
    assert len(literally("x" * 100_000)) == MAX_FOREIGN + 2
