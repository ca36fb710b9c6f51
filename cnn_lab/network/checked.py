"""Base of all specs: frozen models without unknown fields, and readable errors."""

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

MAX_MESSAGE = 500  # characters
MAX_QUOTED = 60  # characters of a name in a file
MAX_WRITTEN = 1e300  # beyond, a whole number cannot become a float


class Checked(BaseModel):
    """Base model that is immutable and rejects unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def from_outside(cls, text: str | bytes) -> Self:
        """Return what untrusted JSON describes.

        Raises
        ------
        ValueError
            If it is not JSON, contains an unknown field or a value out of bounds, or names a
            field twice; `plain_error` puts it into plain words.
        """
        made = cls.model_validate_json(text)
        once_each(text)  # afterwards: the first step has refused what is nested too deeply
        return made


def once_each(text: str | bytes) -> Any:
    """Return parsed JSON; raise ValueError if an object has two members of the same name.

    Parsers take the last of them, and readers the first.

    Examples
    --------
    >>> once_each('{"units": 10, "units": 11}')
    Traceback (most recent call last):
        ...
    ValueError: Each name may occur once. Received: 'units' twice
    """
    return json.loads(text, object_pairs_hook=_once)


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in members:
        if name in found:
            raise ValueError(f"Each name may occur once. Received: {name[:MAX_QUOTED]!r} twice")
        found[name] = value
    return found


def plain_error(error: Exception) -> str:
    """Return the message of an error in plain words, without pydantic's terms.

    Notes
    -----
    A message may quote a file, so it is cut after `MAX_MESSAGE` characters.
    """
    message = _plain(error)
    return message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…"


def _plain(error: Exception) -> str:
    problems: list[Any] = getattr(error, "errors", list)()
    if not problems:
        return str(error)
    first = problems[0]
    where = ".".join(str(part)[:MAX_QUOTED] for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    if plain := _PLAIN.get(first["type"]):
        message = plain.format(**first.get("ctx", {}))
        if isinstance(first["input"], int | float) and abs(first["input"]) < MAX_WRITTEN:
            message = f"{message} Received: {first['input']:g}"
    return f"{where}: {message}" if where else message


# Pydantic's messages for these describe its internals or speak of inputs and fields.
_PLAIN = {
    "missing": "This must be given.",
    "extra_forbidden": "There is no setting of this name.",
    "greater_than": "This must be above {gt:g}.",
    "greater_than_equal": "This must be at least {ge:g}.",
    "less_than": "This must be below {lt:g}.",
    "less_than_equal": "This must be at most {le:g}.",
    "int_type": "This must be a whole number.",
    "int_parsing": "This must be a whole number.",
    "int_from_float": "This must be a whole number.",
    "float_type": "This must be a number.",
    "float_parsing": "This must be a number.",
    "finite_number": "This must be a finite number.",
    "literal_error": "This must be {expected}.",
    "json_invalid": "This is not JSON: {error}.",
    "union_tag_invalid": "There is no layer type {tag!r}. The types are {expected_tags}.",
    "union_tag_not_found": "A layer must name its type.",
    "too_short": "There must be at least {min_length}.",
    "too_long": "There may be at most {max_length} items.",
}
