"""Table of the claims that pages make about numbers: section -> the tests that compute them."""

import ast
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import cnn_lab
from cnn_lab.content import _sections
from cnn_lab.data.kernels import KERNELS

Check = Callable[..., None]
Place = tuple[str, str]

PACKAGE = Path(cnn_lab.__file__).parent

KERNEL = "kernels"  # the chapter of the sentences that the named kernels carry themselves
CODE = "code"  # the chapter of the sentences in a module, such as the help of a control
TABLE: dict[Place, list[Check]] = {}


def text_of(chapter: str, section: str) -> str:
    """Return a section as one line, without the marks of emphasis and links to terms."""
    if chapter == KERNEL:
        text = KERNELS[section].does
    elif chapter == CODE:
        nodes = ast.walk(ast.parse((PACKAGE / section).read_text(encoding="utf-8")))
        constants = (node.value for node in nodes if isinstance(node, ast.Constant))
        text = " ".join(each for each in constants if isinstance(each, str))
    else:
        text = _sections(chapter)[section]
    text = re.sub(r"\[([^\]]+)\]\(glossary\?[^)]+\)", r"\1", text)
    # An asterisk between spaces is a convolution.
    return re.sub(r"\s+", " ", re.sub(r"\*+(?=\S)|(?<=\S)\*+", "", text))


def claims(chapter: str, section: str, *fragments: str) -> Callable[[Check], Check]:
    """Enter a test into the table as the check of sentences of a section.

    Parameters
    ----------
    chapter, section : str
        As in `cnn_lab.content.prose`; or "kernels" and the name of a kernel; or "code" and the
        path of a module within `cnn_lab`.
    *fragments : str
        A few words of each sentence that is checked. The test fails without them, so that
        whoever changes a claim finds its check.
    """

    def enter(check: Check) -> Check:
        TABLE.setdefault((chapter, section), []).append(check)

        @wraps(check)
        def bound(*args: Any, **kwargs: Any) -> None:
            text = text_of(chapter, section)
            for fragment in fragments:
                assert fragment in text, f"{chapter}#{section} no longer says: {fragment}"
            check(*args, **kwargs)

        return bound

    return enter
