"""Who orders how on a day with every channel, drawn from the real orders by a seed: the same day for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from saoma.demo.orders import Order


class Channel(StrEnum):
    """Where an order comes from."""

    TABLE = "table"
    COUNTER = "counter"
    KIOSK = "kiosk"
    PREORDER = "preorder"
    DELIVERY = "delivery"


class Way(StrEnum):
    """How it is paid."""

    WALLET = "wallet"
    BARCODE = "barcode"
    ORDER_CODE = "order_code"
    CASH = "cash"
    SPLIT = "split"
    TWO_METHODS = "two_methods"
    AT_COUNTER = "at_counter"


_CHANNELS = {Channel.TABLE: 40, Channel.COUNTER: 24, Channel.KIOSK: 16, Channel.PREORDER: 12, Channel.DELIVERY: 8}
_WAYS = {
    Channel.TABLE: (Way.WALLET, Way.BARCODE, Way.CASH, Way.SPLIT, Way.SPLIT, Way.TWO_METHODS),
    Channel.COUNTER: (Way.BARCODE, Way.BARCODE, Way.ORDER_CODE, Way.CASH),
    Channel.KIOSK: (Way.BARCODE, Way.ORDER_CODE, Way.AT_COUNTER),
    Channel.PREORDER: (Way.WALLET,),
    Channel.DELIVERY: (Way.WALLET,),
}
#: Of a hundred orders so many are refunded in part, and so many meet a dish that has just sold out.
_REFUNDED, _SOLD_OUT = 6, 4


@dataclass(frozen=True, slots=True)
class Visit:
    """One order of the day. `people` share a split bill; `tip` is percent on top of what they pay."""

    order: Order
    channel: Channel
    way: Way
    people: int = 1
    tip: int = 0
    refunded: bool = False
    meets_sold_out: bool = False


def plan(orders: Sequence[Order], seed: int) -> list[Visit]:
    """The day: every order once, and every channel among the first five."""
    visits = []
    channels, weights = list(_CHANNELS), list(_CHANNELS.values())
    for number, order in enumerate(orders):
        dice = random.Random(f"{seed}:{order.number}")
        # The first of each kind comes early, so that a short day has them all.
        channel = channels[number] if number < len(channels) else dice.choices(channels, weights)[0]
        way = dice.choice(_WAYS[channel])
        visits.append(
            Visit(
                order=order,
                channel=channel,
                way=way,
                people=dice.randint(2, 4) if way is Way.SPLIT else 1,
                tip=dice.choice((0, 0, 10)) if way in (Way.WALLET, Way.SPLIT) and channel is Channel.TABLE else 0,
                refunded=dice.randrange(100) < _REFUNDED,
                meets_sold_out=dice.randrange(100) < _SOLD_OUT,
            )
        )
    return visits
