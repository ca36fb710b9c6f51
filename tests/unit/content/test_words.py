"""Numbers and lists as a reader sees them, at their edges."""

from cnn_lab.content.words import data_size, duration, percent, significant


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
