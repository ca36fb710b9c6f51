"""What is wrong, in words for the people who use a page."""

from cnn_lab.content.words import literally, plain_message
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
