"""Sections of prose and their slots."""

import pytest

from cnn_lab.content import prose


def test_prose_wants_exactly_its_slots():
    assert "1,134,426" in prose("home", "question", n_parameters="1,134,426")
    with pytest.raises(KeyError, match="has the slots"):
        prose("home", "question")
    with pytest.raises(KeyError, match="has the slots"):
        prose("pooling", "prose", extra=1)
