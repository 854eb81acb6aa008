"""The published rhythm of each way to pay, read off the sandbox's own log: first question, gaps, deadline, cancel.

Nobody pays, nothing is heard, both clocks are moved. What the pages leave open (3 to 4 seconds) is tried at both ends.
https://docs.antom.com/ac/fastfood/fastfoodintegration, https://docs.antom.com/ac/tickets/ticketintegration,
https://docs.antom.com/ac/globalbarcode/practice"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pytest

from saoma.kit.money import Money
from saoma.payments.lifecycle import Status
from tests.gateway.house import SHORT, House, Said, Shop, Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: How much later than ours the sandbox's running clock may read what happens at one moment, in seconds.
LATE: Final = 2.5


@dataclass(frozen=True)
class Published:
    """What a page says, in seconds. After a minute the gaps of pages that wait for a phone grow."""

    opens: str
    first: tuple[float, float]
    gap: tuple[float, float]
    later_gap: tuple[float, float]
    deadline: float


PAGES: Final = {
    "fast_food": Published("pay", (4.5, 5), (4.5, 5), (4.5, 5), 60),
    "ticket": Published("pay", (3, 4), (3, 4), (3, 4), 60),
    "barcode": Published("pay", (4.6, 5), (3, 5), (3, 5), 60),
    "wallet_page": Published("create", (4.5, 5), (4.5, 5), (14.5, 15), 300),
    "order_code": Published("precreate", (4.5, 5), (4.5, 5), (14.5, 15), 300),
}


async def opened(house: House, shop: Shop, policy: str) -> Watched:
    """Somebody is asked to pay, and never does."""
    if policy == "wallet_page":
        return await house.page(shop)
    if policy == "order_code":
        money = Money.parse("36.50", "USD")
        bill = await house.bill(money.minor)
        await house.meet()
        payment = await house.rooms.checkout.pay_by_order_code(
            shop.store.id, "", shop.staff, money, "Table 5", "bill", bill, {}, bill
        )
        watched = Watched(house, shop, payment.id, payment.order_number, payment.opened_at or house.clock.now())
        await watched.listen()
        return watched
    return await house.scan(shop, await house.alipay.code("pia"), policy)


@pytest.mark.parametrize("jitter", [0.0, 1.0])
@pytest.mark.parametrize("policy", PAGES)
async def test_the_sandboxs_log_shows_the_published_rhythm(house: House, policy: str, jitter: float) -> None:
    said, house.jitter = PAGES[policy], jitter
    watched = await opened(house, house.shops["RSA2"], policy)
    payment = await watched.follow()
    assert payment.status is Status.CANCELLED
    calls = await house.alipay.calls(watched.number)
    whats = [SHORT[call["service"]] for call in calls]
    assert whats[0] == said.opens and whats.count(said.opens) == 1
    if policy == "wallet_page" and "cancel" not in whats:
        # Its five minutes are Alipay's too: where its clock was first, it has closed the trade itself.
        assert watched.calls[-1].answer.endswith("TRADE_CLOSED")
        whats.append("cancel")
        watched.calls.append(Said("cancel", watched.calls[-1].after, ""))
    assert whats.count("cancel") == 1
    end = whats.index("cancel")
    assert set(whats[1:end]) == {"query"} and whats[end + 1 :] in ([], ["query"])
    # By our own clock, which stood still between the moves, the schedule is exact.
    asked = [call.after for call in watched.calls[1:end]]
    assert said.first[0] <= asked[0] <= said.first[1]
    for earlier, later in itertools.pairwise(asked):
        low, high = said.gap if earlier < 60 else said.later_gap
        assert low - 0.001 <= later - earlier <= high + 0.001 or later == said.deadline, (earlier, later)
    assert asked[-1] == said.deadline == watched.calls[end].after, "asked a last time, then cancelled"
    # And the sandbox noted it so, by a clock of its own.
    noted = [datetime.fromisoformat(call["at"]) for call in calls]
    for ours, theirs in zip([call.after for call in watched.calls], noted, strict=False):
        assert ours - LATE <= (theirs - noted[0]).total_seconds() <= ours + LATE
    await house.assert_books_agree(watched.shop)
