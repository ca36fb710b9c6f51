"""Network as text: JSON for a file, and a short token for an address."""

import base64
import binascii
import json
import re
import zlib

from cnn_lab.network.checked import plain_error
from cnn_lab.network.spec.draft import Draft
from cnn_lab.network.spec.network import NetworkSpec

MAX_CHARACTERS = 8_000
MAX_BYTES = 65_536
_RAW = -15  # deflate's largest window, without zlib's frame
_ALPHABET = re.compile(r"[A-Za-z0-9_-]+")


class TokenError(ValueError):
    """Raised when a text does not describe a network; the message says what is wrong."""


def to_token(network: NetworkSpec | Draft) -> str:
    """Return a network as letters, digits, "-" and "_", about 350 characters for the paper's.

    Notes
    -----
    JSON without Keras's defaults, deflated [1]_, in URL-safe base 64 without
    padding [2]_.

    References
    ----------
    .. [1] RFC 1951.
    .. [2] RFC 4648, section 5.
    """
    short = {
        "name": network.name,
        "input_shape": network.input_shape,
        "layers": [
            {"type": layer.type} | layer.model_dump(mode="json", exclude_defaults=True)
            for layer in network.layers
        ],
    }
    deflate = zlib.compressobj(9, zlib.DEFLATED, _RAW)
    text = json.dumps(short, separators=(",", ":")).encode("ascii")
    packed = deflate.compress(text) + deflate.flush()
    return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def from_token(text: str) -> NetworkSpec:
    """Return the network of a token.

    Parameters
    ----------
    text : str
        Untrusted: its length, its unpacked size and its contents are checked.

    Raises
    ------
    TokenError
        If it is not a valid token, or its layers do not fit together; with a message.
    """
    draft = draft_from_token(text)
    try:
        return draft.network()
    except ValueError as error:
        raise TokenError(plain_error(error)) from error


def draft_from_token(text: str) -> Draft:
    """Return the draft of a token, even if its layers do not fit together.

    Raises
    ------
    TokenError
        If it is not a token of valid layers.
    """
    if len(text) > MAX_CHARACTERS:
        raise TokenError(
            f"A network in an address may have at most {MAX_CHARACTERS:,} characters. "
            f"Received: {len(text):,}"
        )
    if not _ALPHABET.fullmatch(text):
        raise TokenError("A network in an address consists of letters, digits, - and _ only.")
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        inflate = zlib.decompressobj(_RAW)
        unpacked = inflate.decompress(packed, MAX_BYTES + 1)
    except (binascii.Error, zlib.error) as error:
        raise TokenError("The network in the address is damaged: it cannot be unpacked.") from error
    if len(unpacked) <= MAX_BYTES and not inflate.eof:
        raise TokenError("The network in the address is cut off: its end is missing.")
    return draft_from_json(unpacked)


def to_json(network: NetworkSpec | Draft) -> str:
    """Return a network as indented JSON with every setting written out."""
    return network.model_dump_json(indent=2)


def draft_from_json(text: str | bytes) -> Draft:
    """Return the draft of a JSON text, even if its layers do not fit together.

    Parameters
    ----------
    text : str or bytes
        Untrusted; at most 65,536 bytes.

    Raises
    ------
    TokenError
        If it is too long, not JSON, or contains an unknown layer or field or a number out of
        bounds; with a message.
    """
    data = text.encode(errors="replace") if isinstance(text, str) else text
    if len(data) > MAX_BYTES:
        raise TokenError(f"A network may have at most {MAX_BYTES:,} bytes of JSON.")
    try:
        return Draft.from_outside(data)
    except ValueError as error:
        raise TokenError(plain_error(error)) from error
