"""Where a person may be sent after signing in: paths of this same site and nothing else. Pure.

Browsers read `/\\\\host` and `//host` as another site, and drop tabs and line ends inside an address."""

from __future__ import annotations

from urllib.parse import urlsplit

_LONGEST = 2000


def safe_path(text: str | None, otherwise: str = "/") -> str:
    """`text` if it is a root-relative path of this site, `otherwise` if it is anything else."""
    if not text or len(text) > _LONGEST or not text.startswith("/") or text.startswith("//"):
        return otherwise
    if "\\" in text or any(ord(letter) <= 32 or ord(letter) == 127 for letter in text):
        return otherwise
    try:
        parts = urlsplit(text)
    except ValueError:
        return otherwise
    return otherwise if parts.scheme or parts.netloc else text
