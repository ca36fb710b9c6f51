"""The ground that every spec stands on: frozen, complete, and errors that a reader understands."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Checked(BaseModel):
    """Data that cannot change once it is checked, and that has no field nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def plain_error(error: ValueError) -> str:
    """Return the sentence of an error for a reader who knows nothing of pydantic."""
    problems: list[Any] = getattr(error, "errors", list)()
    if not problems:
        return str(error)
    first = problems[0]
    where = ".".join(str(part) for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    if plain := _PLAIN.get(first["type"]):
        message = plain.format(**first.get("ctx", {}))
    return f"{where}: {message}" if where else message


# Pydantic's own words for these speak of its workings.
_PLAIN = {
    "union_tag_invalid": "There is no layer type {tag!r}. Available: {expected_tags}.",
    "union_tag_not_found": "A layer must name its type.",
    "too_long": "There may be at most {max_length} items.",
}
