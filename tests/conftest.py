"""What every test may ask for: a fresh database from a migrated template, a clock that stands still.

One PostgreSQL serves a whole run, also one split over several workers."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.postgres import EmbeddedPostgres
from saoma.migrations import fingerprint, migrate
from tests import kept, seating
from tests.shelf import Shelf

# A busy machine is no fault of the code: examples have no deadline each, tests have one in all.
settings.register_profile("saoma", deadline=None)
settings.load_profile("saoma")


class TogetherOrAlone(LoadScopeScheduling):
    """Shares tests out to workers one by one, but keeps together what shares one demo, one browser or one deployment.

    xdist's own marker for that, `xdist_group`, groups nothing under this version of pytest. And it counts all that it
    ever shared out after each test: here what is over is forgotten, or ten thousand tests take longer with each."""

    TOGETHER = (
        "tests/web/test_parts_page.py",
        "tests/sandbox/wallet/",
        "tests/clients/",
        "tests/quickstart/",
        "tests/validator/",
        "tests/gateway/",
        "tests/hostile/",
        "tests/house/",
    )
    #: These wait more than they work. One worker plays them, file by file, while the others have everything else: two
    #: demos at once would starve each other. The rough day is with them for the same reason.
    PLAYED = ("tests/journeys/", "tests/demo/test_rough.py")
    #: Another worker takes over some of what is left of them when it has nothing else, if it is worth a second demo.
    WORTH_A_DEMO = 4

    _player: WorkerController | None = None
    _in_order = False

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(self.PLAYED):
            return nodeid.partition("::")[0]
        return next((each for each in self.TOGETHER if nodeid.startswith(each)), nodeid)

    def _reschedule(self, node: WorkerController) -> None:
        """More work for a worker, or the end of it."""
        helps = node is not self._player and self._player in self.nodes
        few = 0 < len(self.workqueue) < self.WORTH_A_DEMO
        if helps and few and not node.shutting_down and self._scope_for(node).startswith(self.PLAYED):
            node.shutdown()
        else:
            super()._reschedule(node)

    def _assign_work_unit(self, node: WorkerController) -> None:
        scope = self._scope_for(node)
        if scope.startswith(self.PLAYED) and self._player not in self.nodes:
            self._player = node
        self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)

    def _scope_for(self, node: WorkerController) -> str:
        """The player's next file, or the longest of what the others have to do."""
        if not self._in_order:
            self._in_order = True
            for scope in sorted(
                self.workqueue, key=lambda one: (not one.startswith(self.PLAYED), one not in self.TOGETHER)
            ):
                self.workqueue.move_to_end(scope)
        first: str = next(iter(self.workqueue))
        if node is self._player or self._player not in self.nodes:
            return first
        return next((scope for scope in self.workqueue if not scope.startswith(self.PLAYED)), first)

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """A test is over; its scope is forgotten with its last test."""
        scope = self._split_scope(self.registered_collections[node][item_index])
        super().mark_test_complete(node, item_index, duration)
        if all(self.assigned_work[node][scope].values()):
            del self.assigned_work[node][scope]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TogetherOrAlone:
    """Which worker gets which test."""
    return TogetherOrAlone(config, log)


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A program that a test ran within this process has set up logs as programs do; the next test has its own."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()


@pytest.fixture(autouse=True)
def seats() -> Iterator[None]:
    """Applications built for one test serve the next with its own parts."""
    with seating.one_test():
        yield


@pytest.fixture
def clock() -> MovableClock:
    """A clock that stands at noon in Beijing until it is moved."""
    return MovableClock(datetime(2026, 3, 2, 4, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A running server, kept between runs, shared by the workers of one run and stopped by the last."""
    folder = Path(os.environ.get("SAOMA_TEST_POSTGRES", Path(tempfile.gettempdir()) / f"saoma-tests-{os.getuid()}"))
    folder.mkdir(parents=True, exist_ok=True)
    server = EmbeddedPostgres(folder, durable=False, connections=300)
    with (folder / "users").open("a") as users:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            server.start()
        fcntl.flock(users, fcntl.LOCK_SH)
        yield server
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        server.stop()


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database to copy from; made anew when a migration changes."""
    name = f"template_{fingerprint()}"
    with (postgres.folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = postgres.folder / f"{name}.ready"
        if not ready.exists():
            postgres.drop_database(name)
            url = postgres.make_database(name)
            migrate(url)
            ready.touch()
            for old in postgres.folder.glob("template_*.ready"):
                if time.time() - old.stat().st_mtime > 24 * 3600:
                    postgres.drop_database(old.stem)
                    old.unlink(missing_ok=True)
    return name


@pytest.fixture(scope="session")
def shelf(postgres: EmbeddedPostgres, template: str) -> Iterator[Shelf]:
    """The databases of this process of the run."""
    made = Shelf(postgres, template)
    yield made
    made.close()


@pytest.fixture
def database_url(shelf: Shelf) -> Iterator[str]:
    """The address of a database of this test's own, migrated and empty."""
    name, address = shelf.take()
    yield address
    shelf.give_back(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database of this test's own, migrated and empty."""
    db = kept.keep(Database(database_url, max_size=8))
    await db.start()
    yield db
    await db.close()
