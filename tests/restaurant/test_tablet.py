"""The tablet over HTTP, in the hands of somebody who may not take money: the bill explained, and whom to ask."""

from __future__ import annotations

from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.restaurant.screens import tablet
from tests.restaurant import make
from tests.restaurant.make import ANNA, app, restaurant, till

WORDS = {
    "en": "Your role takes no payments. Hand the tablet to a cashier.",
    "zh": "你的岗位不能收款，请把平板交给收银员。",
}
PAYS = ("how-whole", "how-dishes", "how-even", "how-amount", "charge", "show-code", "scan")


async def test_a_waiter_reads_a_sentence_instead_of_buttons_to_pay_whatever_is_asked(
    database: Database, clock: MovableClock
) -> None:
    house = await restaurant(database, clock)
    sitting, anna = await house.sit(ANNA)
    await house.eats(sitting, anna, "beef", "tea")
    server, path = app(house, more=[tablet.router]), f"/tablet/bills/{sitting.id}"
    async with till(server, house, Role.WAITER) as waiter:
        assert make.testids((await waiter.get("/tablet")).text, "tablet-tile") == 1
        for lang, sentence in WORDS.items():
            # Also where a cashier's address is opened once more.
            for asked in ("", "?how=whole", "?how=whole&tip=0"):
                shown = (await waiter.get(path + asked, lang=lang)).text
                assert sentence in shown and "bill-left" in shown
                assert [name for name in PAYS if make.testids(shown, name)] == []
        refused = await waiter.post(f"{path}/pay", {"how": "whole", "tip": "0", "by": "code"}, htmx=False)
        assert refused.status_code == 403
    assert not house.alipay.calls
    async with till(server, house, Role.CASHIER) as cashier:
        shown = (await cashier.get(path)).text
        assert WORDS["en"] not in shown and make.testids(shown, "how-whole") == 1
