"""What a scene can do: ask hooks, plan faults, move both clocks, visit pages; everything is noted in the timeline.

With the hook `advance` no time is waited for: Alipay's clock stands still and both are pushed in step, from one thing
that is due to the next. Without it a scene waits in real time, and says so."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from saoma.validator.adapter import Adapter, Hello, HookFailed
from saoma.validator.asking import SETTLED
from saoma.validator.cases import TAXI
from saoma.validator.control import Control
from saoma.validator.lines import CANT_PAY, HELD, LET_GO, PAYS, PLANNED
from saoma.validator.phone import Phone
from saoma.validator.timeline import SERVICES, Call, Event, Mark, Notice, Timeline, Told

PAY: Final = "alipay.acquire.overseas.spot.pay"
QUERY: Final = "alipay.acquire.overseas.query"
CANCEL: Final = "alipay.acquire.cancel"
REFUND: Final = "alipay.acquire.overseas.spot.refund"
#: What an integration that does not say when it is due next is pushed by, in seconds.
_STEP: Final = 1.0
_EVER: Final = datetime.min.replace(tzinfo=UTC)
_OPEN: Final = ("", "waiting", "asks")


class Unfit(Exception):
    """This scene can't be staged here; `key` is the reason."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


class Stage:
    """One case while it is played. `begin` empties it for the next."""

    def __init__(
        self, control: Control, adapter: Adapter, hello: Hello, *, silence: float = 6, buyer: str = "alice",
        solution: str = "", waiting: Callable[[str], None] = lambda text: None,
    ) -> None:  # fmt: skip
        self.control = control
        self.hello = hello
        self.silence = silence
        self.buyer = buyer
        self.solution = solution
        self._adapter = adapter
        self._waiting = waiting
        self._noted: list[Event] = []
        self._known: set[str] = set()
        self._since: datetime | None = None
        self._still: datetime | None = None
        self._held = False
        self._numbers: list[str] = []
        self._others: list[Control] = []
        self.facts: dict[str, str] = {}
        #: a hook that is not offered, where the case can do without
        self.missed = ""
        self.clocked = "advance" in hello.hooks

    async def begin(self) -> None:
        """Forget the last case: what belongs to it is not this one's."""
        before = self.control.calls() if self._since is None else self.control.calls_since(self._since)
        self._known |= {call.number for call in await before} - {""}
        await self.control.behave()
        await self.hold(held=False)
        if self.clocked:
            # what is still under way would meet the faults that are meant for this case
            await self._pushed(SETTLED, None)
        self._noted, self._numbers, self._others, self.facts, self.missed = [], [], [], {}, ""
        self._since = await self.now()

    async def now(self) -> datetime:
        """What Alipay's clock says; while it stands still, nobody has to be asked."""
        return self._still or await self.control.now()

    async def timeline(self) -> Timeline:
        """What happened since."""
        mine: list[Event] = [*self._noted]
        for control in (self.control, *self._others):
            mine += [call for call in await control.calls_since(self._since or _EVER) if self._is_of_now(call)]
        orders = dict.fromkeys([*self._numbers, *(call.number for call in mine if isinstance(call, Call))])
        for number in orders:
            if number:
                mine += await self.control.notices(number)
        place = {id(event): index for index, event in enumerate(mine)}
        mine.sort(key=lambda event: (event.at, _rank(event), place[id(event)]))
        until = await self.now()
        return Timeline(tuple(mine), until, driven=True, hooks=frozenset(self.hello.hooks), facts=dict(self.facts))

    def _is_of_now(self, call: Call) -> bool:
        return call.number not in self._known

    # --- hooks -------------------------------------------------------------------------------------------------------

    async def ask(self, hook: str, **body: Any) -> dict[str, Any]:
        """Call a hook and note what it says. Raises `Unfit` where it failed, after noting that."""
        if hook not in self.hello.hooks:
            raise Unfit("no-hook", hooks=f"/{hook}")
        try:
            said = await self._adapter.call(hook, body)
        except HookFailed as why:
            self._noted.append(Told(await self.now(), hook, body, {}, str(why)))
            raise Unfit("hook-failed", why=f"/{hook}: {why}") from None
        told = Told(await self.now(), hook, body, said)
        self._noted.append(told)
        if told.number and told.number not in self._numbers:
            self._numbers.append(told.number)
        return said

    async def pay(self, *, needed: bool = True, **more: Any) -> str:
        """A payment begins; its order number. Raises `Unfit` where none was taken though it is `needed`."""
        body = {"amount": "12.50", "currency": self.hello.currency, "method": "barcode", "solution": self.solution}
        if self.solution == TAXI:
            # a taxi asks for it where it is missing; that is a case of its own
            body["vehicle"] = "B 12345"
        said = await self.ask("pay", **(body | more))
        if needed and not said.get("order"):
            raise Unfit("no-order", why=str(said.get("message") or said.get("status") or "-"))
        return str(said.get("order", ""))

    async def paid(self, digits: str = "00") -> str:
        """An order that is paid, by whichever way there is; its number. `digits` end the code, where one is scanned."""
        if self.hello.barcode:
            order = await self.pay(code=self.code(digits))
        else:
            order = await self.waiting_order()
            await self.buyer_pays(order)
        await self.rest(40, order)
        return order

    async def waiting_order(self) -> str:
        """An order that waits for its buyer; its number."""
        if self.hello.barcode:
            return await self.pay(code=self.code("91"))
        order, _ = await self.order_on_page()
        return order

    async def order_on_page(self) -> tuple[str, Phone]:
        """A phone with Alipay opens the page and orders; the order's number and the phone."""
        said = await self.ask("page")
        async with Phone.of(self, "Alipay") as phone:
            await phone.visit(str(said.get("url", "")))
            order = await self.pay(method="wallet_page", cookies=phone.cookies, page=said.get("url", ""))
            last = self._noted[-1]
            address = last.answered.get("page_url") if isinstance(last, Told) else None
            if address:
                await phone.visit(str(address), "Alipay, paying", scripts=True)
            return order, phone

    async def standing(self, order: str) -> str:
        """Where the integration thinks an order stands, noted."""
        return str((await self.ask("query", order=order)).get("status", ""))

    async def cancel(self, order: str) -> None:
        """The cashier cancels; where there is no such hook, the deadline does."""
        if "cancel" in self.hello.hooks:
            await self.ask("cancel", order=order)
        else:
            self.missed = "/cancel"
            await self.rest(75, order)

    # --- Alipay's side ------------------------------------------------------------------------------------------------

    def code(self, ending: str) -> str:
        """A payment code whose last two digits ask for something."""
        return f"28{secrets.randbelow(10**14):014d}{ending}"

    async def mark(self, words: str, number: str = "", **values: object) -> None:
        """Note what was done."""
        told = {name: str(value) for name, value in values.items()}
        self._noted.append(Mark(await self.now(), words, number, told))

    def note(self, event: Event) -> None:
        """Note what was seen."""
        self._noted.append(event)

    async def plan(self, service: str, fault: str, times: int = 1) -> None:
        """Let the next calls of a service go wrong."""
        await self.control.plan(service, fault, times, self.silence)
        await self.mark(PLANNED, service=SERVICES[service], fault=fault, times=times)

    async def buyer_pays(self, order: str) -> None:
        """The buyer confirms in the wallet."""
        path = f"trades/{order}/pay?partner={self.control.partner}"
        paid = await self.control.ask("POST", path, {"buyer_id": ""}, missing=True)
        await self.mark(PAYS if paid else CANT_PAY, order)
        if paid and not self._held:
            await self.delivered(order)

    async def delivered(self, order: str) -> None:
        """Let what is to be told about an order arrive: it travels by itself, also while the clock stands."""
        for _ in range(100):
            said = await self.control.ask("GET", f"notifications/{order}")
            if all(notice["deliveries"] for notice in said["notifications"]):
                return
            await asyncio.sleep(0.01)

    async def hold(self, *, held: bool = True) -> None:
        """Notifications are lost for now, or sent after all."""
        if held != self._held:
            await self.control.ask("POST", "notifications/hold", {"held": held})
            await self.mark(HELD if held else LET_GO)
            self._held = held

    async def resend(self, order: str) -> None:
        """Alipay tells everything about an order once more."""
        said = await self.control.ask("POST", f"notifications/{order}/resend", missing=True)
        if said is None:
            raise Unfit("no-notice")

    async def forge(self, order: str, kind: str, changes: dict[str, str], about: str = "", *, spoiled: bool) -> None:
        """A lie is told, copied from the last notification of an order."""
        said = await self.control.forge(order, changes, spoiled=spoiled)
        at = datetime.fromisoformat(said["at"])
        words = changes.get("trade_status", "TRADE_SUCCESS")
        self._noted.append(Notice(at, about or order, kind, said["status"], said["answer"], words))

    async def other_partner(self, partner: str) -> None:
        """Read the calls of another partner too."""
        self._others.append(Control(self.control.url, partner, self.control.session))

    # --- time ---------------------------------------------------------------------------------------------------------

    async def rest(self, seconds: float, order: str = "", until: Callable[[], Awaitable[bool]] | None = None) -> None:
        """Let time pass: in steps of what is due next, or really, then no longer than `order` is open."""
        if self.clocked:
            await self._pushed(seconds, until)
        else:
            await self._waited(seconds, order, until)

    async def _pushed(self, seconds: float, until: Callable[[], Awaitable[bool]] | None) -> None:
        left, due = seconds, await self._advance(0)
        while left > 0.0005:
            step = left if due is None else min(max(due, 0.001), left)
            self._still = await self.control.push(step)
            due = await self._advance(step)
            left -= step
            if until is not None and await until():
                return

    async def _advance(self, seconds: float) -> float | None:
        """Push the integration's clock; in how many seconds something is due, None for never."""
        try:
            said = await self._adapter.call("advance", {"seconds": seconds})
        except HookFailed as why:
            self._noted.append(Told(await self.now(), "advance", {"seconds": seconds}, {}, str(why)))
            raise Unfit("hook-failed", why=f"/advance: {why}") from None
        due = said.get("next_in", _STEP)
        if due is not None and not isinstance(due, int | float):
            raise Unfit("hook-failed", why=f"/advance: next_in is {due!r}")
        return due

    async def _waited(self, seconds: float, order: str, until: Callable[[], Awaitable[bool]] | None) -> None:
        self._waiting(f"waits up to {seconds:.0f} s")
        end = asyncio.get_running_loop().time() + min(seconds, 400)
        while asyncio.get_running_loop().time() < end:
            await asyncio.sleep(1)
            if until is not None and await until():
                break
            if order and until is None and await self._quietly(order) not in _OPEN:
                await asyncio.sleep(2)
                break
        self._waiting("")

    async def _quietly(self, order: str) -> str:
        try:
            return str((await self._adapter.call("query", {"order": order})).get("status", ""))
        except HookFailed:
            return ""

    async def to_moment(self, moment: datetime) -> None:
        """Move both clocks to a moment. Raises `Unfit` without the hook."""
        if not self.clocked:
            raise Unfit("no-hook", hooks="/advance")
        left = moment - await self.now()
        if left > timedelta():
            await self.rest(left.total_seconds())


def _rank(event: Event) -> int:
    # what is noted at one moment of a standing clock: first what was done, then calls, then what was said about them
    order: dict[type, int] = {Mark: 0, Call: 1, Notice: 2, Told: 3}
    return order.get(type(event), 2)
