"""Reading what forms send at a counter. Pure.

A form is whatever somebody sends: nothing in it is a number or a channel until it was read as one."""

from __future__ import annotations

from saoma.fastfood.model import Channel
from saoma.kit.errors import Invalid


def channel_in(text: str) -> Channel:
    """Eaten here or taken away; a kiosk's orders are made by a kiosk. Raises `Invalid`."""
    for channel in (Channel.COUNTER, Channel.TAKEAWAY):
        if text in ("", channel.value):
            return channel
    raise Invalid("Choose whether it is eaten here or taken away.")
