"""Base of all specs: frozen models without unknown fields, and readable errors."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Checked(BaseModel):
    """Base model that is immutable and rejects unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def plain_error(error: ValueError) -> str:
    """Return the message of an error in plain words, without pydantic's terms."""
    problems: list[Any] = getattr(error, "errors", list)()
    if not problems:
        return str(error)
    first = problems[0]
    where = ".".join(str(part) for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    if plain := _PLAIN.get(first["type"]):
        message = plain.format(**first.get("ctx", {}))
    return f"{where}: {message}" if where else message


# Pydantic's messages for these describe its internals.
_PLAIN = {
    "union_tag_invalid": "There is no layer type {tag!r}. Available: {expected_tags}.",
    "union_tag_not_found": "A layer must name its type.",
    "too_long": "There may be at most {max_length} items.",
}
