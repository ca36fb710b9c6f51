"""What AppTest has no names for: a page's text, address, stages and tables of numbers."""

import base64
import json
import re
from html import unescape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from cnn_lab.content.words import JOINER


def said(page: AppTest) -> str:
    """All text that the page shows, on one line."""
    text = " ".join(e.value for kind in (page.markdown, page.subheader, page.latex) for e in kind)
    quoting = (page.caption, page.warning, page.error, page.info)
    quoted = (_unescaped(e.value) for kind in quoting for e in kind)
    return " ".join(" ".join([text, *quoted]).split())


def errors(page: AppTest) -> list[str]:
    """The errors that the page shows."""
    return [_unescaped(error.value) for error in page.error]


def figures(page: AppTest) -> dict[str, str]:
    """The figures that the page shows in a row, by their names."""
    (shown,) = [html.proto.body for html in page.get("html") if "<dl" in html.proto.body]
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", shown))


def address(page: AppTest, name: str) -> str | None:
    """The value of a parameter in the page's address, None if it is not there."""
    value = page.query_params.get(name)
    return value[0] if isinstance(value, list) else value


def stages(page: AppTest) -> list[Any]:
    """Every stage that the page shows; not the player, which each brings along."""
    components = page.get("bidi_component")
    return [each for each in components if each.proto.component_name == "cnn_lab_stage"]


def player_of_frames(page: AppTest) -> dict[str, Any] | None:
    """What the page has sent its player of frames; None if it shows none."""
    for each in page.get("bidi_component"):
        if each.proto.component_name == "cnn_lab_frames":
            sent: dict[str, Any] = json.loads(each.proto.json)
            return sent
    return None


def levels(picture: dict[str, Any]) -> NDArray[np.uint8]:
    """The brightness of a player's picture, frame by frame: shape (frames, rows, columns)."""
    size = (-1, picture["rows"], picture["columns"])
    return np.frombuffer(base64.b64decode(picture["bytes"]), np.uint8).reshape(size)


def grids(page: AppTest, trace: int = 0) -> dict[str, NDArray[np.float64]]:
    """The numbers of a trace on the page's stage, a matrix for each of its grids."""
    (shown,) = stages(page)
    wire = json.loads(shown.proto.json)["traces"][trace]
    return {grid["key"]: _numbers(grid) for grid in wire["grids"]}


def _numbers(grid: dict[str, Any]) -> NDArray[np.float64]:
    packed = grid["values"]
    raw = np.frombuffer(base64.b64decode(packed["base64"]), f"<{packed['type']}")
    return (raw / 10 ** packed.get("decimals", 0)).reshape(grid["rows"], grid["columns"])


def drawn_curves(page: AppTest) -> dict[str, Any]:
    """The curves on the Training page, see `cnn_lab.charts.curves`."""
    (found,) = (
        each for each in page.get("bidi_component") if each.proto.component_name == "cnn_lab_curves"
    )
    data: dict[str, Any] = json.loads(found.proto.json)
    return data


def tables(page: AppTest) -> list[dict[str, list[str]]]:
    """The columns of each table of numbers, by their heads."""
    texts = [html.proto.body for html in page.get("html") if 'class="numbers"' in html.proto.body]
    return [_columns(text) for text in texts]


def _unescaped(text: str) -> str:
    """Undo what `cnn_lab.content.words.literally` does."""
    return re.sub(r"\\([\\`*_{}\[\]<>$|~:&])", r"\1", text.replace(JOINER, ""))


def _columns(text: str) -> dict[str, list[str]]:
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in text.split("<tr>")[1:]]
    return {name: list(column) for name, *column in zip(*map(_plain, rows), strict=True)}


def _plain(row: list[str]) -> list[str]:
    return [unescape(text) for text in row]


def give_answer(page: AppTest, key: str, text: str) -> None:
    """Answer the question of this key: write the text into its field, and check it.

    A text of several numbers goes into the fields for each if there are several; for a choice it
    is the letter.
    """
    names = (f"{key}_answer", *(f"{key}_answer_{number}" for number in (2, 3, 4)))
    fields = [each for each in page.text_input if each.key in names]
    if fields:
        words = re.findall(r"[−-]?\d\S*|[a-z]\w+", text) if len(fields) > 1 else [text]
        for field, word in zip(fields, [*words, *([""] * len(fields))], strict=False):
            field.set_value(word)
    else:
        page.radio(key=names[0]).set_value(text)
    page.button(key=f"{key}_check").click().run()
