"""How each case of the wire is staged: what is asked of the integration, what goes wrong, how long it is watched.

A scene decides nothing: what came of it is judged from the timeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from saoma.validator.judging import WHOLE_CODE
from saoma.validator.stage import CANCEL, PAY, QUERY, REFUND, Stage

Scene = Callable[[Stage], Awaitable[None]]


async def _v1(stage: Stage) -> None:
    await _paid_with(stage, stage.code("00"), 15)


async def _v2(stage: Stage) -> None:
    await _paid_with(stage, WHOLE_CODE + stage.code("00")[-8:], 5)


async def _v3(stage: Stage) -> None:
    await stage.hold()
    await _paid_with(stage, stage.code("90"), 90)


async def _v4(stage: Stage) -> None:
    await _paid_with(stage, stage.code("91"), 190)


async def _v5(stage: Stage) -> None:
    await stage.hold()
    await _paid_with(stage, stage.code("96"), 90)


async def _v6(stage: Stage) -> None:
    await _paid_with(stage, stage.code("95"), 190)


async def _v7(stage: Stage) -> None:
    await stage.hold()
    await stage.plan(PAY, "silence_after")
    await _paid_with(stage, stage.code("00"), 90)


async def _paid_with(stage: Stage, code: str, seconds: float) -> None:
    order = await stage.pay(code=code)
    await stage.rest(seconds, order)
    await stage.standing(order)


async def _v8(stage: Stage) -> None:
    order = await stage.pay(code=stage.code("91"))
    await stage.plan(CANCEL, "system_error_before", 2)
    await stage.cancel(order)
    await stage.rest(150, order)
    await stage.standing(order)


async def _v9(stage: Stage) -> None:
    # nothing was created, so no trade runs out by itself and ends the matter
    order = await stage.pay(code=stage.code("95"))
    await cancel_in_vain(stage, order, 5400)


async def cancel_in_vain(stage: Stage, order: str, seconds: float) -> None:
    """The order is cancelled, and no cancel ever works."""
    stage.facts["never-cancelled"] = order
    await stage.plan(CANCEL, "system_error_before", 1000)
    await stage.cancel(order)
    await stage.rest(seconds, order)
    await stage.standing(order)
    await stage.control.behave()


async def _v10(stage: Stage) -> None:
    order = await stage.pay(code=stage.code("91"))
    await stage.plan(CANCEL, "refused")
    await stage.cancel(order)
    await stage.rest(100, order)
    await stage.standing(order)


async def _v11(stage: Stage) -> None:
    order = await stage.paid()
    await stage.plan(REFUND, "silence_after")
    await stage.ask("refund", order=order, amount="2.50")
    await stage.rest(60)
    await stage.standing(order)


async def _v12(stage: Stage) -> None:
    await stage.hold()
    await stage.plan(QUERY, "bad_signature")
    order = await stage.pay(code=stage.code("99"))
    await stage.standing(order)
    await stage.rest(90, order)
    await stage.standing(order)
    other = await stage.pay(code=stage.code("91"))
    await stage.plan(CANCEL, "bad_signature")
    await stage.cancel(other)
    await stage.rest(60, other)
    await stage.standing(other)


async def _v13(stage: Stage) -> None:
    order = await stage.paid()
    other = await stage.waiting_order()
    await stage.resend(order)
    await stage.forge(order, "older", {"trade_status": "WAIT_BUYER_PAY"}, spoiled=False)
    trade = await stage.control.trade(other)
    told = {"out_trade_no": other, "trade_no": trade.get("trade_no", "")}
    await stage.forge(order, "wrong amount", told | {"total_fee": "0.01", "price": "0.01"}, other, spoiled=False)
    await stage.standing(other)
    await stage.forge(order, "spoiled", told, other, spoiled=True)
    await stage.standing(other)
    await stage.standing(order)


async def _v14(stage: Stage) -> None:
    await _paid_with(stage, stage.code("93"), 5)


#: The scene of every case of the wire.
WIRE: Final[dict[str, Scene]] = {
    "V1": _v1, "V2": _v2, "V3": _v3, "V4": _v4, "V5": _v5, "V6": _v6, "V7": _v7,
    "V8": _v8, "V9": _v9, "V10": _v10, "V11": _v11, "V12": _v12, "V13": _v13, "V14": _v14,
}  # fmt: skip
