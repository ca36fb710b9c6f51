"""Sections of prose and their slots."""

import pytest

from cnn_lab.content import prose


def test_prose_wants_exactly_its_slots():
    assert "28 × 28 numbers" in prose("home", "image", size="28 × 28")
    with pytest.raises(KeyError, match="has the slots"):
        prose("home", "image")
    with pytest.raises(KeyError, match="has the slots"):
        prose("pooling", "prose", extra=1)
