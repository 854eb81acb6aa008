"""The address form as it comes back from a phone, read for whoever takes the order.

Only reading: nothing is kept here, and every refusal is a sentence for the person who typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from saoma.delivery.model import Address, Contact, address, contact
from saoma.delivery.quoting import must_quote
from saoma.delivery.zones import Point, Quote
from saoma.kit.db import Rows
from saoma.kit.errors import Invalid
from saoma.kit.money import Money


@dataclass(frozen=True, slots=True)
class Asked:
    """Where somebody wants it, whom to call, and what that costs."""

    address: Address
    contact: Contact
    quote: Quote


async def asked(rows: Rows, store_id: str, form: Mapping[str, Any], basket: Money) -> Asked:
    """What the form of `delivery/address.html` says. The phone's place, if it came along, decides the zone.

    Raises `Invalid` for anything that could not be delivered to."""

    def said(name: str) -> str:
        return str(form.get(name, ""))

    point = None
    if said("latitude") and said("longitude"):
        point = Point.read(said("latitude"), said("longitude"))
    where = point or said("zone")
    if not where:
        raise Invalid("Pick the area you are in.")
    where_to = address(said("street"), said("door"), said("note"), point)
    whom = contact(said("name"), said("phone"))
    return Asked(where_to, whom, await must_quote(rows, store_id, where, basket))
