"""The composition: settings -> database -> gateways -> rooms. The only file that knows every room.

Rooms never look for each other: gateways, payables and receipt writers are handed over here, as readable dicts."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
import uvloop
from litestar import Litestar, get
from litestar.di import Provide
from litestar.response import Redirect

from saoma.alipay.acquirer import Acquirer
from saoma.alipay.acquirer_client import AcquirerClient
from saoma.alipay.client import AlipayClient, CallRecord
from saoma.alipay.codes import is_known
from saoma.alipay.direct import Direct
from saoma.api import routes as partner_api
from saoma.api.door import Door
from saoma.api.events import Events
from saoma.api.rate import Limits
from saoma.api.references import KIND as API
from saoma.api.references import References
from saoma.checkout import screens as checkout_screens
from saoma.checkout.checkout import Checkout
from saoma.checkout.shifts import Drawers
from saoma.console import screens as console
from saoma.delivery import screens as delivery_screens
from saoma.delivery.carrying import Ended
from saoma.fastfood import forgotten
from saoma.fastfood import handed_over as fastfood
from saoma.fastfood import screens as counter
from saoma.food import screens as food_screens
from saoma.food.shift_figures import voids
from saoma.gateway import Gateway
from saoma.identity import registrations
from saoma.identity import screens as identity_screens
from saoma.identity.account_check import Doctor
from saoma.identity.account_watch import keep_up
from saoma.identity.acquirers import acquirers
from saoma.identity.guards import SignInNeeded, to_sign_in
from saoma.identity.model import accounts
from saoma.identity.wallet_sign_in import Wallets
from saoma.kit.clock import Clock, machine_clock
from saoma.kit.db import Database
from saoma.kit.due import Driver, DueWork, drive_due
from saoma.kit.follow import end_with_parent
from saoma.kit.live import Live
from saoma.kit.open_files import allow_many_open_files
from saoma.kit.seal import Seal
from saoma.kit.storage import Storage
from saoma.kit.telemetry import CALL_SECONDS, CALLS, serve_metrics, start_logging, start_traces
from saoma.marketing import screens as marketing_screens
from saoma.marketing.points import Collected
from saoma.migrations import migrate
from saoma.notifications.outbox import Outbox
from saoma.notifications.postman import Postman
from saoma.notifications.webhooks import Webhooks
from saoma.online import firing
from saoma.online import handed_over as online
from saoma.online import screens as online_screens
from saoma.payments.alarms import Alarms, raise_alarm
from saoma.payments.payable import Payable
from saoma.payments.payments import Payments
from saoma.payments.ruling import Rulings
from saoma.payments.watch import Watch, beat, workers_silent
from saoma.practice import screens as practice
from saoma.practice.clearing import nightly
from saoma.practice.place import open_account
from saoma.practice.rehearsal import Customers
from saoma.practice.training import who_is_trained
from saoma.restaurant import book_rules, lingering, shares
from saoma.restaurant import screens as restaurant_screens
from saoma.restaurant.offline import TableOrders
from saoma.restaurant.receipts import receipt_lines
from saoma.restaurant.shift_figures import discounts_and_tips
from saoma.settings import Settings, read_settings
from saoma.statements import daily
from saoma.statements.sources import new_spool
from saoma.web.frame import build_app
from saoma.web.page import House

log = structlog.get_logger(__name__)

#: What people look at, room by room.
SCREENS: tuple[Any, ...] = (
    *partner_api.routers,
    *identity_screens.routers,
    *checkout_screens.routers,
    *food_screens.routers,
    *delivery_screens.routers,
    *restaurant_screens.routers,
    *counter.routers,
    *marketing_screens.routers,
    *online_screens.routers,
    *console.routers,
    *practice.routers,
)

#: Tables whose rows come due; the watch and the console look at how late they are.
DUE_TABLES: tuple[str, ...] = (
    "payments",
    "refunds",
    "sittings",
    "counter_orders",
    "online_orders",
    "alarms",
    "alarm_deliveries",
    "chores",
    "webhook_deliveries",
    "recon_runs",
    "store_registrations",
)
#: Who is told when a delivery is over, by the kind of its order.
BROUGHT: Ended = {online.KIND: online.ended}
#: What rooms above the payment core add to its audit.
AUDIT_RULES: dict[str, str] = {**book_rules.RULES, **fastfood.RULES, **online.RULES}


@dataclass
class Rooms:
    """One process's living parts, made before anything is open and opened by `running`."""

    settings: Settings
    clock: Clock
    db: Database
    live: Live
    seal: Seal
    storage: Storage
    client: AlipayClient
    acquirers: AcquirerClient
    gateways: dict[str, Gateway]
    wallets: Wallets
    payments: Payments
    checkout: Checkout
    rulings: Rulings
    alarms: Alarms
    watch: Watch
    hooks: Webhooks
    postman: Postman
    door: Door

    @classmethod
    def build(
        cls, settings: Settings, clock: Clock | None = None, more_payables: Mapping[str, Payable] | None = None
    ) -> Rooms:
        """Put the parts together; nothing is connected yet."""
        clock = clock or machine_clock(settings.clock_file)
        db = Database(settings.database_url, min_size=2, max_size=settings.pool_size)
        seal = Seal(settings.secret)
        client = AlipayClient(
            clock, connect_seconds=settings.connect_seconds, read_seconds=settings.read_seconds, on_call=count_call
        )
        gateways: dict[str, Gateway] = {}
        payables: dict[str, Payable] = {
            shares.KIND: shares.SittingBill(clock),
            fastfood.KIND: fastfood.CounterBill(clock),
            online.KIND: online.OnlineBill(clock),
            API: References(),
            **(more_payables or {}),
        }
        receipts_of = {
            shares.KIND: receipt_lines,
            fastfood.KIND: fastfood.receipt_lines,
            online.KIND: online.receipt_lines,
        }
        outbox, keep = Outbox(clock), timedelta(days=settings.keep_line_days)
        payments = Payments(
            db,
            clock,
            gateways,
            payables,
            lambda account_id: f"{settings.public_url}/alipay/notify/{account_id}",
            listeners=(Events(outbox, gateways), Drawers(clock), Collected(clock), fastfood.Stops(clock)),
        )
        return cls(
            settings=settings,
            clock=clock,
            db=db,
            live=Live(db),
            seal=seal,
            storage=Storage.at(settings.storage_url),
            client=client,
            acquirers=AcquirerClient(connect_seconds=settings.connect_seconds, on_call=count_call),
            gateways=gateways,
            wallets=client,
            payments=payments,
            checkout=Checkout(payments, db, clock, receipts_of, Customers(), needs_shift=settings.cash_needs_shift),
            rulings=Rulings(payments, settings.second_person_above),
            alarms=Alarms(db, clock, seal, loopback=settings.loopback_webhooks),
            watch=Watch(db, clock, is_known, DUE_TABLES, AUDIT_RULES, keep, nightly(db)),
            hooks=Webhooks(db, clock, seal, outbox, loopback=settings.loopback_webhooks),
            postman=Postman(db, clock, seal, loopback=settings.loopback_webhooks),
            door=Door(db, clock, Limits(settings.api_per_second)),
        )

    @asynccontextmanager
    async def running(self, *, screens: bool = True) -> AsyncIterator[None]:
        """Open everything, and close it in the right order: what is on its way comes home before the database goes."""
        async with self.db.opened():
            await open_account(self.db, self.seal, self.settings.practice_sandbox_url)
            await self.refresh_gateways()
            await self.live.start(hearing=screens)
            refreshing = asyncio.create_task(
                keep_up(self.db, self.refresh_gateways, lambda: daily.plan(self.db, self.clock))
            )
            async with self.client, self.acquirers, self.postman:
                try:
                    yield
                finally:
                    refreshing.cancel()
                    await self.payments.close()
                    await self.live.stop()

    async def refresh_gateways(self) -> None:
        """Read the gateway accounts anew: after a start, and after one was added or changed."""
        async with self.db.reading() as rows:
            found = await accounts(rows, self.seal)
            at_acquirers = await acquirers(rows, self.seal)
        self.settings.check_clock([*(one.environment for _, one in found), *(at.environment for _, at in at_acquirers)])
        for account_id, account in found:
            known = self.gateways.get(account_id)
            if not isinstance(known, Direct) or known.account != account:
                self.gateways[account_id] = Direct(account, self.client, self.clock)
        for account_id, at in at_acquirers:
            gateway = self.gateways.get(account_id)
            if not isinstance(gateway, Acquirer) or gateway.account != at:
                self.gateways[account_id] = Acquirer(at, self.acquirers, self.clock)

    async def ready(self) -> bool:
        """Whether this process knows at least one gateway account and its database answers."""
        return bool(self.gateways) and await self.db.alive()


def count_call(record: CallRecord) -> None:
    """Count and time one call to Alipay; log what did not go well."""
    CALLS.labels(record.service, record.outcome).inc()
    CALL_SECONDS.labels(record.service).observe(record.milliseconds / 1000)
    if record.outcome != "answered":
        log.warning(
            "alipay.call",
            service=record.service,
            order=record.order_number,
            outcome=record.outcome,
            code=record.code,
            milliseconds=round(record.milliseconds),
        )


@get("/", include_in_schema=False, sync_to_thread=False)
def front_door() -> Redirect:
    """Whoever comes without a table code is staff."""
    return Redirect("/staff")


def compose(rooms: Rooms, *, more: Sequence[Any] = (), screens: Sequence[Any] = SCREENS) -> Litestar:
    """The web application over `rooms`; `more` adds handlers, and `screens` says which it has at all."""

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with rooms.running():
            pulse = asyncio.create_task(_pulse(rooms, "app"))
            try:
                yield
            finally:
                pulse.cancel()

    settings = rooms.settings
    # Asked for anew by each request: whoever exchanges a part of `rooms` exchanges it everywhere.
    given: dict[str, Callable[[], Any]] = {
        "db": lambda: rooms.db,
        "clock": lambda: rooms.clock,
        "settings": lambda: rooms.settings,
        "seal": lambda: rooms.seal,
        "storage": lambda: rooms.storage,
        "payments": lambda: rooms.payments,
        "checkout": lambda: rooms.checkout,
        "rulings": lambda: rooms.rulings,
        "alarms": lambda: rooms.alarms,
        "watch": lambda: rooms.watch,
        "wallets": lambda: rooms.wallets,
        "acquirers": lambda: rooms.acquirers,
        "live": lambda: rooms.live,
        "hooks": lambda: rooms.hooks,
        "door": lambda: rooms.door,
        "practised": lambda: who_is_trained,
        "shift_figures": lambda: (voids, discounts_and_tips),
        "brought_orders": lambda: BROUGHT,
        "ordered_ahead": online.Seating,
        "board_calls": lambda: {online.KIND: online.called},
        "replayers": lambda: {"table": TableOrders(), "counter": fastfood.CounterOrders()},
        "doctor": lambda: Doctor(rooms.db, rooms.seal, rooms.clock, rooms.settings.public_url),
    }
    return build_app(
        [front_door, *screens, *more],
        house=House(
            secret=settings.secret,
            clock=rooms.clock,
            secure=settings.public_url.startswith("https://"),
            behind_proxy=settings.trusted_proxy,
            live_mark=lambda: rooms.live.mark,
        ),
        db=rooms.db,
        live=rooms.live,
        checks={"database": lambda: rooms.db.alive()},
        dependencies={name: Provide(part, sync_to_thread=False) for name, part in given.items()},
        lifespan=[lifespan],
        exception_handlers={SignInNeeded: to_sign_in},
    )


def _begin(process: str) -> Settings:
    settings = read_settings()
    start_logging(level=settings.log_level, json=settings.log_json, process=process)
    if settings.trace_endpoint:
        start_traces(settings.trace_endpoint, process)
    allow_many_open_files()
    return settings


def create() -> Litestar:
    """The application of one server process, from its SAOMA_ settings."""
    end_with_parent()
    return compose(Rooms.build(_begin("app")))


def serve(*, host: str, port: int, workers: int) -> None:
    """Migrate if need be, then answer requests until told to stop."""
    from granian.constants import Interfaces
    from granian.server import Server

    settings = read_settings()
    migrate(settings.database_url)
    Server(
        "saoma.app:create",
        address=host,
        port=port,
        workers=workers,
        interface=Interfaces.ASGI,
        factory=True,
        websockets=False,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        backlog=2048,
    ).serve()


def work() -> None:
    """Drive due work until SIGTERM or Ctrl-C."""
    settings = _begin("worker")
    if settings.worker_metrics:
        serve_metrics(settings.worker_metrics)
    migrate(settings.database_url)
    uvloop.run(_work(Rooms.build(settings)))


def works(rooms: Rooms) -> list[DueWork]:
    """All that a worker drives."""
    return [
        *rooms.payments.works(),
        *lingering.works(rooms.db, rooms.clock),
        *firing.works(rooms.db, rooms.payments, rooms.clock),
        *forgotten.works(rooms.db, rooms.clock),
        *rooms.alarms.works(),
        *rooms.watch.works(),
        *rooms.postman.works(),
        *registrations.works(rooms.db, rooms.clock, rooms.seal, rooms.client),
        *daily.works(rooms.db, rooms.clock, rooms.seal, new_spool(), rooms.storage),
    ]


async def _work(rooms: Rooms) -> None:
    async with rooms.running(screens=False):
        driver = Driver(rooms.db, works(rooms), rooms.clock)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, driver.stop)
        log.info("worker.ready", pid=os.getpid())
        pulse = asyncio.create_task(_pulse(rooms, "worker"))
        await driver.run()
        pulse.cancel()


async def _pulse(rooms: Rooms, kind: str) -> None:
    """Say every few seconds that this process lives. The app's processes also notice when no worker does, and then
    deliver that alarm themselves, for nobody else is left to."""
    process, begun = f"{kind}-{socket.gethostname()}-{os.getpid()}", rooms.clock.now()
    while True:
        try:
            now = rooms.clock.now()
            async with rooms.db.reading() as rows:
                await beat(rows, process, kind, now)
                silent = kind == "app" and await workers_silent(rows, now, begun)
                if silent:
                    await raise_alarm(rows, "workers_silent", "workers", "no worker has been heard of", now=now)
            if silent:
                await drive_due(rooms.db, rooms.alarms.works(), rooms.clock)
        except Exception:
            log.exception("pulse.failed")
        await asyncio.sleep(10)
