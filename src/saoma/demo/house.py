"""`saoma demo`: the whole house on one machine, from nothing to `ready`, and down again with Ctrl-C.

A second run finds everything as it was left; `--fresh` starts over. The folder holds all of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import time
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from rich.console import Console

from saoma.demo import acquirer, cast
from saoma.demo.cast import DemoFile, read_demo, write_demo
from saoma.demo.processes import Child, Supervisor, port_is_taken, saoma
from saoma.demo.start_page import write_start_page
from saoma.kit.db import Database
from saoma.kit.errors import Refused, SaomaError
from saoma.kit.postgres import EmbeddedPostgres
from saoma.kit.storage import Storage
from saoma.migrations import migrate

#: Where the real orders lie beside a checkout, when they are there.
REAL_ORDERS = Path("../shared/data/chipotle-orders.tsv")


class DemoRefused(Refused):
    """The demo can't start like this; the text says what to do."""


def run_demo(
    *, port: int, sandbox_port: int, data_dir: Path, fresh: bool, open_browser: bool, acquirer_port: int = 0
) -> None:
    """Run the demo until Ctrl-C, with a second deployment as acquirer on `acquirer_port` unless that is 0.

    Raises `SaomaError` with one clear line when it can't start."""
    if len({port, sandbox_port, acquirer_port}) < 3 or acquirer_port == sandbox_port + 1:
        raise DemoRefused("app, local Alipay (two in a row: web and SFTP) and acquirer need ports of their own")
    demo = Demo(port, sandbox_port, data_dir.resolve(), fresh=fresh, acquirer_port=acquirer_port)
    asyncio.run(demo.run(open_browser=open_browser))


@dataclass(frozen=True, kw_only=True)
class Ways:
    """How the processes of a drill reach each other; as it stands, directly. A quiet demo needs none of this.

    `front` is where others reach the app, `database` tells which way leads to the server at an address, `settings` are
    more of the app's and the worker's; nobody looks at the dishes' `pictures`, which take longest to make."""

    front: str = ""
    database: Callable[[str], str] = str
    settings: Mapping[str, str] = field(default_factory=dict)
    pictures: bool = True


class Demo:
    """The whole house in `folder`, its processes under a supervisor."""

    def __init__(
        self,
        port: int,
        sandbox_port: int,
        folder: Path,
        *,
        fresh: bool,
        ways: Ways | None = None,
        acquirer_port: int = 0,
    ) -> None:
        self._ways = ways or Ways()
        self._port = port
        self._sandbox_port = sandbox_port
        self._folder = folder
        self._fresh = fresh
        self._acquirer_port = acquirer_port
        self._console = Console(highlight=False)
        self._server: EmbeddedPostgres | None = None

    async def run(self, *, open_browser: bool) -> None:
        """Start everything, and stop it when told to by a signal. Raises `DemoRefused`, `DidNotStart`."""
        if not self._fresh:
            self._remember_acquirer()
        for taken in (self._port, self._sandbox_port, self._acquirer_port):
            if taken and port_is_taken(taken):
                raise DemoRefused(
                    f"port {taken} is in use: stop what listens there, or choose others with --port, --sandbox-port"
                    " and --acquirer-port"
                )
        # only now: another demo may be running in this folder
        if self._fresh:
            self._forget()
        self._folder.mkdir(parents=True, exist_ok=True)
        supervisor = Supervisor(self._folder)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        try:
            starting = asyncio.create_task(self.start(supervisor))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
                return
            demo = starting.result()
            self._tell(demo)
            if open_browser and self._console.is_terminal:
                with contextlib.suppress(webbrowser.Error):
                    webbrowser.open(demo.start_page)
            await stopping
            self._console.print("\nStopping …")
        finally:
            await self.stop(supervisor)

    async def stop(self, supervisor: Supervisor) -> None:
        """Stop every process, the database last."""
        await supervisor.stop()
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)

    def _forget(self) -> None:
        """Remove what an earlier demo left; anything else in the folder is not ours to remove."""
        ours = ("demo.json", "pg", "storage", "sandbox", "start.html", "start.zh.html", "pids", "replay", "acquirer")
        with contextlib.suppress(SaomaError):
            EmbeddedPostgres(self._folder / "pg").stop() if (self._folder / "pg").exists() else None
        for name in ours:
            path = self._folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        for log in self._folder.glob("*.log"):
            log.unlink()

    def _remember_acquirer(self) -> None:
        """A demo that has an acquirer keeps it, also when it is started without being asked for one."""
        known = read_demo(acquirer.folder_of(self._folder))
        if known is None:
            return
        port = int(known.app_url.rpartition(":")[2])
        if self._acquirer_port not in (0, port):
            raise DemoRefused(
                f"this folder's acquirer lives at {known.app_url}: use --acquirer-port {port}, another --data-dir, or"
                " --fresh"
            )
        self._acquirer_port = port

    @contextlib.contextmanager
    def _step(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        with self._console.status(f"{what} …"):
            yield
        self._console.print(f"[green]✓[/green] {what} [dim]{time.monotonic() - began:.1f} s[/dim]")

    async def start(self, supervisor: Supervisor) -> DemoFile:
        """Start every process and fill an empty house. Raises as `run`."""
        known = read_demo(self._folder)
        with self._step("Database"):
            url = os.environ.get("SAOMA_DATABASE_URL", "")
            if not url:
                self._server = EmbeddedPostgres(self._folder / "pg")
                await asyncio.to_thread(self._server.start)
                url = await asyncio.to_thread(self._server.make_database, "saoma")
                supervisor.keep("postgres", self._server.pid, self._server.start)
            elif known is not None and known.database_url != url:
                raise DemoRefused(
                    "this folder's demo keeps its data in another database: use that, or another --data-dir"
                )
            await self._migrate(url)
            if self._acquirer_port:
                there_url = await self._acquirers_database()
        app_url, sandbox_url = f"http://127.0.0.1:{self._port}", f"http://127.0.0.1:{self._sandbox_port}"
        if known is not None and (known.app_url, known.sandbox_url) != (app_url, sandbox_url):
            raise DemoRefused(
                f"this folder's demo lives at {known.app_url} and {known.sandbox_url}: use the same ports, "
                "another --data-dir, or --fresh"
            )
        with self._step("Local Alipay"):
            await supervisor.start(self._sandbox(app_url))
        db = await Database.open(url, max_size=4)
        storage = Storage.at(str(self._folder / "storage"))
        try:
            if known is None:
                async with db.reading() as rows:
                    if await rows.value("SELECT EXISTS (SELECT FROM merchants)"):
                        raise DemoRefused("this database holds merchants already: give the demo an empty one")
                demo = DemoFile(
                    app_url=app_url, sandbox_url=sandbox_url, database_url=url, secret=secrets.token_urlsafe(48)
                )
                with self._step("Two restaurants, their people, tables and menus"):
                    await cast.fill_sandbox(demo)
                    data = REAL_ORDERS if await asyncio.to_thread(REAL_ORDERS.exists) else None
                    walls = storage if self._ways.pictures else None
                    await cast.fill_house(demo, db, walls, cast.restaurants(data))
            else:
                demo = msgspec.structs.replace(known, database_url=url)
            if self._acquirer_port:
                # our app starts after this, so that it knows the new account from the beginning
                demo.acquirer = await self._acquire(supervisor, demo, there_url, db, storage)
            links = await cast.sign_in_links(demo, db)
        finally:
            await db.close()
        settings = {
            "SAOMA_DATABASE_URL": self._ways.database(url),
            "SAOMA_SECRET": demo.secret,
            "SAOMA_PUBLIC_URL": self._ways.front or app_url,
            "SAOMA_LOOPBACK_WEBHOOKS": "1",
            # Everybody in the demo is at one address, and a replayed day's few phones order for hundreds.
            "SAOMA_AHEAD_PER_HOUR": "10000",
            "SAOMA_PRACTICE_SANDBOX_URL": sandbox_url,
            "SAOMA_STORAGE_URL": str(self._folder / "storage"),
            **self._ways.settings,
        }
        with self._step("App and worker"):
            await asyncio.gather(
                supervisor.start(
                    Child("app", saoma("serve", "--port", str(self._port)), f"{app_url}/readyz", settings)
                ),
                supervisor.start(Child("worker", saoma("worker"), "", settings)),
            )
        demo.start_page = write_start_page(self._folder / "start.html", demo, links)
        write_demo(self._folder, demo)
        return demo

    async def _acquirers_database(self) -> str:
        """In the embedded server, also where our own is in a server of somebody's."""
        if self._server is None:
            self._server = EmbeddedPostgres(self._folder / "pg")
            await asyncio.to_thread(self._server.start)
        url = await asyncio.to_thread(self._server.make_database, "acquirer")
        await asyncio.to_thread(migrate, url)
        return url

    async def _acquire(
        self, supervisor: Supervisor, demo: DemoFile, url: str, ours: Database, storage: Storage
    ) -> DemoFile:
        """Start the acquirer; the first time, fill it and connect the tea house to it."""
        folder = acquirer.folder_of(self._folder)
        folder.mkdir(exist_ok=True)
        db = await Database.open(url, max_size=2)
        try:
            there = read_demo(folder)
            if there is None:
                there = acquirer.new_file(f"http://127.0.0.1:{self._acquirer_port}", demo.sandbox_url, url)
                await acquirer.fill_acquirer(there, db)
                write_demo(folder, there)
            there.database_url = url
            links = await cast.sign_in_links(there, db)
        finally:
            await db.close()
        with self._step("Acquirer: a deployment of its own"):
            app, worker = acquirer.children(there, folder, self._acquirer_port)
            await asyncio.gather(supervisor.start(app), supervisor.start(worker))
            if demo.acquirer is None:
                await acquirer.connect(demo, there, ours, storage)
        there.start_page = acquirer.door_of(there, links)
        write_demo(folder, there)
        return there

    async def _migrate(self, url: str) -> None:
        try:
            await asyncio.to_thread(migrate, url)
        except Exception as error:
            if self._server is not None:
                raise
            why = str(error).partition("\n")[0]
            raise DemoRefused(f"the database that SAOMA_DATABASE_URL names can't be used: {why}") from None

    def _sandbox(self, app_url: str) -> Child:
        folder = self._folder / "sandbox"
        folder.mkdir(exist_ok=True)
        config = folder / "sandbox.json"
        config.write_bytes(
            msgspec.json.encode(
                {
                    "state": str(folder / "book.sqlite"),
                    "public_url": f"http://127.0.0.1:{self._sandbox_port}",
                    "partner_origins": [app_url, *self._acquirer_origin()],
                    # next to the web's port, and the same after every start: the source of daily files is kept
                    "sftp_port": self._sandbox_port + 1 if self._sandbox_port < 65535 else None,
                }
            )
        )
        words = saoma("sandbox", "--port", str(self._sandbox_port), "--config", str(config))
        return Child("sandbox", words, f"http://127.0.0.1:{self._sandbox_port}/readyz")

    def _acquirer_origin(self) -> list[str]:
        return [f"http://127.0.0.1:{self._acquirer_port}"] if self._acquirer_port else []

    def _tell(self, demo: DemoFile) -> None:
        tell = self._console.print
        tell(f"\n  Start here    {demo.start_page}", soft_wrap=True)
        tell(f"  The app       {demo.app_url}")
        tell(f"  Local Alipay  {demo.sandbox_url}/wallet")
        if demo.acquirer is not None:
            tell(f"  The acquirer  {demo.acquirer.app_url}")
        tell(f"  Everything    {self._folder}", soft_wrap=True)
        tell("\nready", style="bold green")
        tell("Ctrl-C stops it all; your data stays.", style="dim")
