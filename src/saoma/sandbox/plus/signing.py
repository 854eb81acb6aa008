"""The header signature of Alipay+: what is signed, and the header that carries it. Pure.

The body is signed byte for byte as it travels, so the same JSON written another way has another signature; an answer
is signed with the address of its request (https://global.alipay.com/docs/ac/ams/digital_signature)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from saoma.alipay.signing import Signatory

ALGORITHM: Final = "RSA256"
KEY_VERSION: Final = "1"

_HEAD: Final = re.compile(r"\s*algorithm=([^,\s]+)\s*,\s*(?:keyVersion=([^,\s]*)\s*,\s*)?signature=(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class HeaderSignature:
    """A signature header, taken apart. `value` is base64; `key_version` is empty where the newest key is meant."""

    algorithm: str
    key_version: str
    value: str


def text_to_sign(address: str, client_id: str, time: str, body: bytes, method: str = "POST") -> bytes:
    """Method, blank, path with its query, one LF, then client id, time and body with dots between; no LF at the end."""
    return f"{method} {address}\n{client_id}.{time}.".encode() + body


def write_signature(signatory: Signatory, text: bytes) -> str:
    """The header over `text`."""
    value = quote(signatory.sign(text), safe="")
    return f"algorithm={ALGORITHM},keyVersion={KEY_VERSION},signature={value}"


def read_signature(header: str) -> HeaderSignature | None:
    """A header as partners send it, blanks after the commas or not; None for anything else.

    Older partners send the base64 as it is, with its plus signs and padding: both are read."""
    match = _HEAD.fullmatch(header)
    if match is None:
        return None
    return HeaderSignature(match[1], match[2] or "", unquote(match[3].strip()))
