"""Whether Keras is installed, which pages and training with NumPy do without."""

from importlib.util import find_spec


def has_keras() -> bool:
    """Return whether Keras and TensorFlow are installed here; neither is imported."""
    return find_spec("keras") is not None and find_spec("tensorflow") is not None


def needs_keras(what: str) -> str:
    """Return a sentence for something that cannot be done here without Keras.

    Examples
    --------
    >>> needs_keras("This check").partition(",")[0]
    'This check needs Keras'
    """
    return (
        f"{what} needs Keras, which is not installed here; `pip install '.[train]'` in CNN Lab's "
        "folder adds it."
    )
