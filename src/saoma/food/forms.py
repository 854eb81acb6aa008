"""Reading what forms about dishes send. Pure.

A form is whatever somebody sends: nothing in it is a number until it was read as one."""

from __future__ import annotations

from saoma.kit.errors import Invalid


def quantity_in(text: str, otherwise: int) -> int:
    """A quantity of up to two digits; `otherwise` when nothing was sent. Raises `Invalid`."""
    if not text:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) <= 2):
        raise Invalid("Choose a quantity between 1 and 99.")
    return int(text)
