"""Notifications: what the partner is told without asking, signed, again and again until it says `success`.

Retries follow the published gaps on the sandbox's own clock, so pushing that clock makes the due ones go out at
once. What is said, how it is signed and what counts as a yes is each gateway's own `Dialect`."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from saoma.alipay.wire import parse_form
from saoma.kit.errors import NotFound
from saoma.sandbox.book.model import Refund, Trade
from saoma.sandbox.book.store import Heard
from saoma.sandbox.book.trades import Book
from saoma.sandbox.faults.faults import NOTIFICATION, Fault, FaultKind, Faults

if TYPE_CHECKING:
    import aiohttp

#: After the first try; the eighth is the last (https://docs.antom.com/ac/wap_hk/asyncnotif).
GAPS: Final = tuple(timedelta(minutes=minutes) for minutes in (2, 10, 10, 60, 120, 360, 900))
#: How long a partner may take to answer, in seconds.
_PATIENCE: Final = 15
_AT_ONCE: Final = 16
#: How many bytes of an answer are read.
_WORDS: Final = 1000
_LONGEST_NAP: Final = 1.0


class Delivery(msgspec.Struct):
    """One try: when, and what came back (a status and the first words, or why nothing did)."""

    at: datetime
    status: int
    answer: str


class Notice(msgspec.Struct, omit_defaults=True):
    """One event to tell. `fields` are unsigned; every try carries the same `id`. `next_at` None: no more tries."""

    id: str
    partner: str
    out_trade_no: str
    url: str
    fields: dict[str, str]
    sign_type: str
    charset: str
    next_at: datetime | None
    tries: int = 0
    api: str = ""
    acknowledged: bool = False
    deliveries: list[Delivery] = []
    #: The try whose fate was drawn already, and whether it waits for a later notification to go first.
    fated: int = 0
    behind: bool = False


class Dialect(Protocol):
    """How the partners of a gateway are told: the message (None: no word), its form, and what is a yes."""

    def pass_time(self) -> None:
        """Note what fell due, before due messages are sent."""

    def fields(self, trade: Trade, action: str, refund: Refund | None) -> dict[str, str] | None:
        """What happened, unsigned."""

    def posted(self, notice: Notice, *, spoiled: bool) -> tuple[bytes, dict[str, str]]:
        """Body and headers as they are posted now."""

    def is_acknowledged(self, delivery: Delivery) -> bool:
        """Whether the partner has understood."""


class Notices:
    """All notifications; `run` sends the due ones for as long as the sandbox lives."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._notices: dict[str, Notice] = {}
        self._of_order: dict[str, list[Notice]] = {}
        self._queue: list[tuple[datetime, str]] = []
        self._going_out: set[str] = set()
        self._behind: list[Notice] = []
        self._tasks: set[asyncio.Task[Delivery]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._wake = asyncio.Event()
        self._held = book.store.one("hold", NOTIFICATION, bool) or False
        #: What is planned to go wrong with tries.
        self.faults: Faults | None = None
        #: By the gateway that a trade was asked for by; each puts its own here.
        self.dialects: dict[str, Dialect] = {}
        #: The times between tries, where they are others.
        self.gaps: dict[str, tuple[timedelta, ...]] = {}
        for notice in book.store.read("notice", Notice):
            self._know(notice)
        book.tell = self.write

    # --- writing ---------------------------------------------------------------------------------------------------

    def write(self, trade: Trade, action: str, refund: Refund | None) -> None:
        """Note what happened to a trade, to be told as soon as the present step is committed."""
        url = (refund.notify_url if refund else "") or trade.notify_url
        fields = self.dialects[trade.api].fields(trade, action, refund) if url else None
        if fields is None:
            return
        notice = Notice(
            id=secrets.token_hex(17),
            partner=trade.partner,
            out_trade_no=trade.out_trade_no,
            url=url,
            fields=fields,
            sign_type=trade.sign_type,
            charset=trade.charset,
            next_at=self._book.clock.now(),
            api=trade.api,
        )
        self._know(notice)
        self._keep(notice)
        self._wake.set()

    # --- reading ---------------------------------------------------------------------------------------------------

    def of_order(self, number: str) -> list[Notice]:
        """Every notification about an order, by either side's number, oldest first."""
        trade = self._book.by_trade_no.get(number)
        return list(self._of_order.get(trade.out_trade_no if trade else number, []))

    def is_genuine(self, partner: str, notify_id: str) -> str:
        """notify_verify's word: `true` for one of ours, for this partner, not yet answered with `success`."""
        notice = self._notices.get(notify_id)
        if notice is None or notice.partner != partner:
            return "false"
        return self._book.choices.acknowledged_notice if notice.acknowledged else "true"

    # --- sending ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send what is due and let time pass in the book, until cancelled."""
        while True:
            self._book.pass_time()
            await self.send_due(patience=0)
            self._wake.clear()
            nap = _LONGEST_NAP
            told = self._queue[0][0] if self._queue and not self._held else None
            if ends := [at for at in (told, self._book.next_due()) if at]:
                until = (min(ends) - self._book.clock.now()).total_seconds()
                nap = min(max(until, 0.01), _LONGEST_NAP)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), nap)

    async def send_due(self, *, patience: float | None = None) -> int:
        """Send everything that is due and wait for the answers, at most `patience` seconds; also for those that went
        out just before. Returns how many were sent."""
        for dialect in self.dialects.values():
            dialect.pass_time()
        now = self._book.clock.now()
        sent = 0
        while not self._held and self._queue and self._queue[0][0] <= now:
            at, notice_id = heapq.heappop(self._queue)
            notice = self._notices[notice_id]
            if notice.next_at == at and notice_id not in self._going_out:
                fault = self._fate(notice)
                if fault is not None and self._put_off(notice, fault, now):
                    continue
                self._going_out.add(notice_id)
                task = asyncio.create_task(self._try(notice, again=True, fault=fault))
                sent += 1
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        if self._tasks and patience != 0:
            await asyncio.wait(self._tasks, timeout=patience)
        return sent

    async def resend(self, number: str) -> list[Delivery]:
        """Send every notification of an order once more, now, whatever was answered before; the schedule stays."""
        return [await self._try(notice, again=False) for notice in self.of_order(number)]

    async def forge(self, number: str, changes: Mapping[str, str], *, spoiled: bool) -> Delivery:
        """Send a notification that tells something else than the last genuine one, under an id of its own: signed
        well, or with a spoiled signature. It is kept nowhere. Raises `NotFound` where there is none to copy."""
        known = self.of_order(number)
        if not known:
            raise NotFound("Nothing was ever to be told about this order.")
        return await self._lie(known[-1], changes, spoiled=spoiled)

    async def _lie(self, last: Notice, changes: Mapping[str, str], *, spoiled: bool) -> Delivery:
        told = msgspec.structs.replace(last, id=secrets.token_hex(17), fields={**last.fields, **changes})
        lies = [*(f"{name}={value}" for name, value in changes.items()), *(["sign"] if spoiled else [])]
        return await self._post(told, spoiled=spoiled, lies=", ".join(lies) or "notify_id")

    def hold(self, *, held: bool) -> None:
        """Send nothing for now, whatever is due; or go on. A sandbox that was killed keeps to it."""
        self._held = held
        self._book.store.keep("hold", NOTIFICATION, held)
        self._wake.set()

    def wake(self) -> None:
        """Look again at what is due."""
        self._wake.set()

    async def close(self) -> None:
        """Stop sending; what was not answered is due again after a restart."""
        for task in list(self._tasks):
            task.cancel()
        if self._session is not None:
            await self._session.close()

    def _fate(self, notice: Notice) -> Fault | None:
        """What is planned to go wrong with this try; each is asked for once."""
        if self.faults is None or notice.fated > notice.tries:
            return None
        notice.fated = notice.tries + 1
        return self.faults.take(NOTIFICATION, notice.partner, notice.out_trade_no)

    def _put_off(self, notice: Notice, fault: Fault, now: datetime) -> bool:
        """Let a try wait, where that is its fate."""
        match fault.fault:
            case FaultKind.HELD if fault.until is not None:
                notice.next_at = fault.until
            case FaultKind.DELAY | FaultKind.REORDERED:
                notice.next_at = now + timedelta(seconds=fault.seconds)
                if fault.fault is FaultKind.REORDERED:
                    notice.behind = True
                    self._behind.append(notice)
            case _:
                return False
        self._keep(notice)
        self._queue_up(notice)
        return True

    def _let_go(self, told: Notice) -> None:
        """Send what was to come after a later one of the same partner."""
        for notice in [one for one in self._behind if one.partner == told.partner]:
            self._behind.remove(notice)
            if notice is not told and notice.behind:
                notice.behind, notice.next_at = False, self._book.clock.now()
                self._keep(notice)
                self._queue_up(notice)
                self._wake.set()

    async def _delivered(self, notice: Notice, fault: Fault | None) -> Delivery:
        match fault.fault if fault else None:
            case FaultKind.LOST:
                return Delivery(self._book.clock.now(), 0, "[lost] as planned")
            case FaultKind.DOUBLED:
                first, second = await self._post(notice), await self._post(notice)
                # one yes is enough, also from a partner that says no to what it knows
                return first if self._understood(notice, first) else second
            case FaultKind.FORGED if fault is not None:
                await self._lie(notice, fault.changes, spoiled=fault.spoil_signature)
            case FaultKind.BAD_SIGNATURE:
                return await self._post(notice, spoiled=True, lies="sign")
            case _:
                pass
        return await self._post(notice)

    async def _try(self, notice: Notice, *, again: bool, fault: Fault | None = None) -> Delivery:
        try:
            async with self._places:
                delivery = await self._delivered(notice, fault)
        finally:
            self._going_out.discard(notice.id)
        with self._book.store.writing():
            notice.deliveries = [*notice.deliveries, delivery][-20:]
            if self._understood(notice, delivery):
                notice.acknowledged, notice.next_at = True, None
            elif again and notice.next_at is not None:
                notice.tries += 1
                gaps = self.gaps.get(notice.api, GAPS)
                gap = gaps[notice.tries - 1] if notice.tries <= len(gaps) else None
                notice.next_at = self._book.clock.now() + gap if gap else None
                self._queue_up(notice)
            notice.behind = False
            self._keep(notice)
            if delivery.status:
                self._let_go(notice)
        return delivery

    async def _post(self, notice: Notice, *, spoiled: bool = False, lies: str = "") -> Delivery:
        # loaded with the first notification: it takes a good part of the time to start
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_PATIENCE), cookie_jar=aiohttp.DummyCookieJar()
            )
        at = self._book.clock.now()
        body, head = self.posted(notice, spoiled=spoiled)
        came = {"lies": lies, "try": str(notice.tries + 1)}
        said: str | None
        try:
            async with self._session.post(notice.url, data=body, headers=head, allow_redirects=False) as answer:
                said = (await _first_words(answer.content)).decode("utf-8", "replace")
                delivery = Delivery(at, answer.status, said if answer.status == 200 else f"[{answer.status}] {said}")
                came |= {"status": str(answer.status), "where": answer.headers.get("Location", "")}
        except (aiohttp.ClientError, TimeoutError, ValueError) as trouble:
            said, came["trouble"] = None, f"{type(trouble).__name__} {trouble}"[:200]
            delivery = Delivery(at, 0, f"[{type(trouble).__name__}] {trouble}"[:200])
        if self._understood(notice, delivery):
            came["yes"] = "yes"
        told = Heard("POST", notice.url, {name.lower(): value for name, value in head.items()}, body, came)
        with self._book.store.hearing(told):
            self._book.store.log(
                at.isoformat(), _service(notice), notice.partner, notice.out_trade_no, _told(notice, told), said,
                outward=True,
            )  # fmt: skip
        return delivery

    def posted(self, notice: Notice, *, spoiled: bool = False) -> tuple[bytes, dict[str, str]]:
        """Body and headers of a try as it would be made now."""
        return self.dialects[notice.api].posted(notice, spoiled=spoiled)

    def _understood(self, notice: Notice, delivery: Delivery) -> bool:
        return self.dialects[notice.api].is_acknowledged(delivery)

    def _know(self, notice: Notice) -> None:
        self._notices[notice.id] = notice
        self._of_order.setdefault(notice.out_trade_no, []).append(notice)
        self._queue_up(notice)
        if notice.behind:
            self._behind.append(notice)

    def _queue_up(self, notice: Notice) -> None:
        if notice.next_at is not None:
            heapq.heappush(self._queue, (notice.next_at, notice.id))

    def _keep(self, notice: Notice) -> None:
        self._book.store.keep("notice", notice.id, notice)


async def _first_words(answer: aiohttp.StreamReader) -> bytes:
    # a server may send even seven letters in pieces, and a page may begin with them
    words = b""
    while len(words) < _WORDS and (piece := await answer.read(_WORDS - len(words))):
        words += piece
    return words


def _service(notice: Notice) -> str:
    """What the call log calls it: the kind of message."""
    if "body" in notice.fields and "notify_type" not in notice.fields:
        return "notifyRefund" if '"REFUND_RESULT"' in notice.fields["body"] else "notifyPayment"
    return f"notify {notice.fields.get('notify_type', '')}".strip()


def _told(notice: Notice, told: Heard) -> dict[str, str]:
    """What was posted, for the call log: a form's fields, or the body as it is."""
    if told.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return parse_form(told.body, notice.charset)
    return {"body": told.body.decode(errors="replace")}
