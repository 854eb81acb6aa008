"""The key that a button sends along: whoever presses twice, or whose phone asks again, gets one thing done once.

It means something only together with whose it is: two people's phones may send the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from saoma.kit.ids import new_id

#: Longer is nothing that a page of ours sent.
_LONGEST: Final = 64


def press_key(form: Mapping[str, Any], *, whose: str = "", dish: str = "", field: str = "key") -> str:
    """The idempotency key of a press, made that person's, order's or kiosk's, and for one dish if it names one.

    A form without a key, or with an empty one, is a press of its own."""
    key = str(form.get(field, ""))[:_LONGEST] or new_id("tap")
    return ":".join(part for part in (whose, key, dish) if part)
