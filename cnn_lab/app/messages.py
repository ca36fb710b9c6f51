"""What is wrong, in words for the people who use a page."""

import re

from cnn_lab.content.words import plain_message
from cnn_lab.network.spec import plain_error


def explained(problem: Exception | str) -> str:
    """Return what an error or its message says, as Markdown for a page.

    Every page shows the library's errors by this function. They are written for programmers: what
    must hold, and then the arguments received, some of which come from an address or a file.
    """
    message = problem if isinstance(problem, str) else str(problem)
    if isinstance(problem, ValueError):
        message = plain_error(problem)
    return literally(plain_message(message))


def literally(text: str) -> str:
    r"""Return Markdown that shows any text literally.

    Examples
    --------
    >>> print(literally("a_b [c](d)"))
    a\_b \[c\](d)
    """
    return re.sub(r"([\\`*_{}\[\]<>$#|~]|:(?=\S))", r"\\\1", text)
