"""How each case of the solutions is staged; see `scenes`."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from saoma.kit.clock import beijing
from saoma.validator.lines import PLANTED, TYPES
from saoma.validator.phone import Phone
from saoma.validator.scenes import Scene, cancel_in_vain
from saoma.validator.stage import CANCEL, QUERY, REFUND, Stage, Unfit


async def _s1(stage: Stage) -> None:
    page = await _page(stage)
    for agent in ("Alipay", "AlipayHK", "WeChat", "browser"):
        async with Phone.of(stage, agent) as phone:
            await phone.visit(page, follow=False)


async def _s2(stage: Stage) -> None:
    page = await _page(stage)
    async with Phone.of(stage, "Alipay") as phone:
        await phone.visit(page)
        await phone.visit(page, "Alipay again")


async def _page(stage: Stage) -> str:
    return str((await stage.ask("page")).get("url", ""))


async def _s3(stage: Stage) -> None:
    order, _ = await stage.order_on_page()
    await stage.standing(order)


async def _s4(stage: Stage) -> None:
    order, _ = await stage.order_on_page()
    await stage.ask("reported", order=order, result_code="9000")
    await stage.rest(3)
    await stage.standing(order)
    await stage.buyer_pays(order)
    await stage.rest(20, order)
    await stage.standing(order)


async def _s5(stage: Stage) -> None:
    await stage.hold()
    order = await stage.paid("90")
    if stage.clocked:
        await stage.rest(3600)
    await stage.hold(held=False)
    await stage.resend(order)
    await stage.standing(order)


async def _s6(stage: Stage) -> None:
    for ending in ("00", "93"):
        order = await stage.pay(code=stage.code(ending))
        await stage.rest(10, order)
        await stage.standing(order)


async def _s7(stage: Stage) -> None:
    await stage.hold()
    for ending, seconds in (("90", 60), ("91", 190)):
        order = await stage.pay(code=stage.code(ending))
        await stage.rest(seconds, order)
        await stage.standing(order)


async def _s8(stage: Stage) -> None:
    order = await stage.pay(code=stage.code("91"), solution="fast_food")
    await stage.rest(190, order)
    await stage.standing(order)


async def _s9(stage: Stage) -> None:
    for ending in ("00", "90"):
        order = await stage.pay(code=stage.code(ending), solution="ticket")
        await stage.rest(30)
        await stage.standing(order)


async def _s10(stage: Stage) -> None:
    order = await stage.pay(code=stage.code("91"), solution=stage.solution or "ticket")
    await stage.plan(CANCEL, "system_error_before")
    await stage.cancel(order)
    await stage.rest(60, order)
    await stage.standing(order)
    lost = await stage.pay(code=stage.code("95"), solution=stage.solution or "ticket")
    await cancel_in_vain(stage, lost, 5400)


async def _s11(stage: Stage) -> None:
    await stage.plan(QUERY, "system_error_before")
    await stage.plan(QUERY, "silence_before")
    order = await stage.waiting_order()
    await stage.rest(12)
    await stage.buyer_pays(order)
    await stage.rest(40, order)
    await stage.plan(REFUND, "system_error_before")
    await stage.ask("refund", order=order, amount="2.50")
    await stage.rest(60)
    await stage.control.behave()
    hopeless = await stage.paid()
    stage.facts["hopeless"] = hopeless
    await stage.plan(REFUND, "system_error_before", 1000)
    await stage.ask("refund", order=hopeless, amount="2.50")

    async def rang() -> bool:
        return bool((await stage.ask("query", order=hopeless)).get("alarm"))

    await stage.rest(36 * 3600, until=rang)
    await stage.control.behave()


async def _s12(stage: Stage) -> None:
    for ending in ("92", "93", "94"):
        order = await stage.pay(code=stage.code(ending))
        await stage.rest(5, order)
        await stage.standing(order)


async def _s13(stage: Stage) -> None:
    await stage.ask("register")
    await stage.rest(180 if stage.clocked else 2)
    if stage.hello.barcode:
        await stage.pay(code=stage.code("00"))
    else:
        await stage.order_on_page()


async def _s14(stage: Stage) -> None:
    if stage.hello.barcode:
        for vehicle in ("", "B 12345"):
            await stage.pay(code=stage.code("00"), solution="taxi", vehicle=vehicle, needed=False)
    else:
        raise Unfit("no-barcode")


async def _s15(stage: Stage) -> None:
    order = await stage.paid()
    address = str((await stage.ask("confirmation", order=order)).get("url", ""))
    async with Phone.of(stage, "driver") as phone:
        await phone.visit(address)
        await stage.rest(2)
        await phone.visit(address)


async def _s16(stage: Stage) -> None:
    said = await stage.ask("shop_code")
    address = str(said.get("code_url", ""))
    if not address:
        return
    token = address.rstrip("/").rpartition("/")[2].partition("?")[0].partition("=")[2] or address.rpartition("/")[2]
    stage.facts["typed"] = "18.80"
    paid = await stage.control.ask(
        "POST", f"shop-codes/{token}/pay", {"buyer_id": stage.buyer, "amount": "18.80"}, missing=True
    )
    if paid is None:
        raise Unfit("hook-failed", why=f"/shop_code: {address} is no code of this Alipay")
    await stage.mark(TYPES, paid["out_trade_no"], amount="18.80")
    await stage.delivered(paid["out_trade_no"])
    await stage.rest(5)
    await stage.standing(paid["out_trade_no"])


async def _s17(stage: Stage) -> None:
    if not stage.clocked:
        raise Unfit("no-hook", hooks="/advance")
    order = await stage.paid()
    day = beijing(await stage.control.now()).date()
    morning = datetime.combine(day + timedelta(days=1), datetime.min.time(), beijing(await stage.control.now()).tzinfo)
    await stage.to_moment(morning + timedelta(hours=9, minutes=30))
    planted = {
        "partner": stage.control.partner, "day": day.isoformat(), "error": "alter_amount", "kind": "transaction",
        "number": order,
    }  # fmt: skip
    await stage.control.ask("POST", "daily-files/errors", planted)
    await stage.mark(PLANTED, order)
    await stage.ask("reconcile", day=day.isoformat())
    await stage.control.ask("DELETE", "daily-files/errors")


async def _s18(_stage: Stage) -> None:
    """Nothing is staged: it is about the other cases."""


async def _s19(stage: Stage) -> None:
    partner = f"2088{secrets.randbelow(10**12):012d}"
    key = secrets.token_hex(16)
    known = {"partner": partner, "app_id": f"2016{partner[4:]}", "sign_type": stage.hello.sign_type, "md5_key": key}
    if stage.hello.public_key:
        known["public_key"] = stage.hello.public_key
    said = await stage.control.ask("POST", "partners", known | {"currency": stage.hello.currency})
    await _one_payment(stage)
    await stage.ask(
        "switch", partner=partner, md5_key=key, app_id=known["app_id"], sign_type=stage.hello.sign_type,
        alipay_public_key=said["alipay_public_key"], gateway=f"{stage.control.url}/gateway.do",
    )  # fmt: skip
    await stage.other_partner(partner)
    try:
        await _one_payment(stage)
    finally:
        await stage.ask("switch", back=True)


async def _one_payment(stage: Stage) -> None:
    if stage.hello.barcode:
        await stage.pay(code=stage.code("00"))
    else:
        await stage.order_on_page()
    await stage.rest(6)


#: The scene of every case of the solutions.
SOLUTIONS: Final[dict[str, Scene]] = {
    "S1": _s1, "S2": _s2, "S3": _s3, "S4": _s4, "S5": _s5, "S6": _s6, "S7": _s7, "S8": _s8, "S9": _s9, "S10": _s10,
    "S11": _s11, "S12": _s12, "S13": _s13, "S14": _s14, "S15": _s15, "S16": _s16, "S17": _s17, "S18": _s18,
    "S19": _s19,
}  # fmt: skip
