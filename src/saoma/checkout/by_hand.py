"""What a till's form says of money that staff took themselves. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saoma.gateway import BY_STAFF, Method
from saoma.kit.errors import Invalid
from saoma.kit.money import Money


def by_hand(form: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Method, what was given (None: exactly the amount) and reference, as `Checkout.take_by_staff` wants them.

    Raises `Invalid` for a method that staff don't take, and for what is no amount."""
    named = str(form.get("method", ""))
    if named not in {method.value for method in BY_STAFF}:
        raise Invalid("Choose cash, card terminal or account.")
    typed = str(form.get("given", "")).strip()
    given = Money.parse(typed, currency) if typed else None
    return {"method": Method(named), "given": given, "reference": str(form.get("reference", ""))}
