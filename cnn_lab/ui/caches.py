"""Expensive things that sessions share, each with a bound and a small key."""

import streamlit as st

from cnn_lab.data import Split, load_mnist
from cnn_lab.network import ModelFileError, Network
from cnn_lab.training.job import UnknownRunError
from cnn_lab.training.store import run_path

RUN_PREFIX = "run-"


@st.cache_resource(max_entries=16, show_spinner=False)
def network(name: str) -> Network:
    """Return a shipped network ("paper", "fast") or a finished run ("run-<id>").

    Raises
    ------
    ModelFileError
        If there is none of that name (any more).
    """
    if name.startswith(RUN_PREFIX):
        try:
            return Network.load(run_path(name.removeprefix(RUN_PREFIX)))
        except UnknownRunError as error:
            raise ModelFileError(str(error)) from error
    return Network.load(name)


@st.cache_resource(max_entries=1, show_spinner=False)
def test_digits() -> Split:
    """Return MNIST's 10,000 test images, as bytes."""
    return load_mnist().test
