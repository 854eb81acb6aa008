"""Food that a guest ordered before coming: what their phone may see of it at the table, and bringing it there.

Who may is decided by whoever keeps those orders, from the phone's session and the buyer Alipay named; never by what
somebody says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from saoma.kit.db import Rows, Transaction


class AheadOrder(Protocol):
    """One order to be eaten here, promised or being made."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def label(self) -> str:
        """The number as it is called."""

    @property
    def path(self) -> str:
        """Its own page."""

    @property
    def slot_at(self) -> datetime:
        """When it was ordered for."""

    @property
    def dishes(self) -> int:
        """How many pieces."""

    @property
    def table_name(self) -> str:
        """Where it is brought; empty until somebody has said so."""


@runtime_checkable
class AheadOrders(Protocol):
    """Knows the orders made ahead; handed over by the composition."""

    async def of_phone(
        self, rows: Rows, session: Mapping[str, Any], store_id: str, buyer_id: str, now: datetime
    ) -> Sequence[AheadOrder]:
        """The orders for about now that this phone placed, or this buyer (if known) placed or paid."""

    async def bring(self, tx: Transaction, order_id: str, table: str, now: datetime) -> None:
        """Their customer sits at this table. Again changes nothing. Raises `Conflict` for an order that is over."""
