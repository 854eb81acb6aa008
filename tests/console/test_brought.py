"""Daily files brought by hand in the console: refused in words at once, or read by a worker and compared."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from saoma.identity.guards import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.due import drive_due
from saoma.kit.storage import Storage, StorageAway
from saoma.statements import daily
from saoma.statements.sources import Source, set_source
from tests.console.make import Office, browser, office
from tests.identity import make as identity
from tests.identity.web import Browser, text_of
from tests.payments.daily import _TRADE_NAMES, PARTNER, Row

DAY = date(2026, 3, 1)


@pytest.fixture
def storage() -> Storage:
    return Storage.at("memory:")


@pytest.fixture
async def of(database: Database, clock: MovableClock, storage: Storage) -> Office:
    made = await office(database, clock, storage=storage)
    async with database.transaction() as tx:
        about = {"id": made.shop.account_id, "partner": PARTNER}
        await tx.run("UPDATE accounts SET partner = %(partner)s WHERE id = %(id)s", about)
        await set_source(tx, identity.seal(), Source(account_id=made.shop.account_id, kind="upload", since=DAY))
    return made


@pytest.fixture
async def desk(of: Office) -> AsyncIterator[Browser]:
    async with browser(of, await of.person(Role.OPERATOR, name="Olga")) as one:
        yield one


def content(partner: str = PARTNER, day: date = DAY, lines: int = 2) -> bytes:
    """A transaction file of payments that our books do not know."""
    at = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
    rows = [Row("PAYMENT", f"OWN{number}", f"TRADE{number}", 1250, at).line() for number in range(lines)]
    head = f"Partner:{partner}|Payment_time: {day}|Total_count:{lines}"
    return "\n".join([head, _TRADE_NAMES, *rows, ""]).encode()


async def brings(desk: Browser, of: Office, data: bytes, name: str = "file.txt", day: str = "") -> httpx.Response:
    await desk.get("/session")
    token = desk.client.cookies["saoma_csrf"]
    return await desk.client.post(
        f"/console/reconciliation/sources/{of.shop.account_id}/file",
        data={"_csrf_token": token, "day": day},
        files={"file": (name, data)},
    )


async def works(of: Office, storage: Storage, spool: Path) -> int:
    return await drive_due(
        of.house.db, daily.works(of.house.db, of.house.clock, identity.seal(), spool, storage), of.house.clock
    )


async def count(of: Office, sql: str) -> int:
    async with of.house.db.reading() as rows:
        return int(await rows.value(sql))


@pytest.mark.parametrize("zipped", [False, True])
async def test_a_file_brought_by_hand_is_compared_by_a_worker_and_kept_no_longer(
    of: Office, desk: Browser, storage: Storage, tmp_path: Path, *, zipped: bool
) -> None:
    data, name = content(), f"{PARTNER}_transaction_20260301.txt"
    if zipped:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, data)
        data, name = packed.getvalue(), "lines.zip"
    answer = await brings(desk, of, data, name)
    assert answer.status_code == 303, text_of(answer.text)
    run = answer.headers["location"]
    async with of.house.db.reading() as rows:
        kept = str(await rows.value("SELECT id FROM brought_files"))
    assert await storage.has(f"daily-files/{kept}")
    assert "2026-03-01" in text_of((await desk.get(run)).text)
    assert await works(of, storage, tmp_path) == 1
    page = text_of((await desk.get(run)).text)
    assert "OWN0" in page and "OWN1" in page
    assert not await storage.has(f"daily-files/{kept}")
    trail = text_of((await desk.get(f"/console/reconciliation/sources/{of.shop.account_id}")).text)
    assert "File brought by hand" in trail

    # The same once more is read, and nothing is new.
    lines = await count(of, "SELECT count(*) FROM recon_lines")
    cases = await count(of, "SELECT count(*) FROM cases")
    assert (await brings(desk, of, data, name)).headers["location"] == run
    assert await works(of, storage, tmp_path) == 1
    assert await count(of, "SELECT count(*) FROM recon_lines") == lines == 2
    assert await count(of, "SELECT count(*) FROM cases") == cases
    assert await works(of, storage, tmp_path) == 0


@pytest.mark.parametrize(
    ("data", "name", "day", "said"),
    [
        (b"", "empty.txt", "", "Choose a file first."),
        (b"hello\nworld\n", "hello.txt", "", "This is no daily file that can be read"),
        (b"PK\x03\x04 no archive", "x.zip", "", "This is no daily file that can be read"),
        (content(partner="2088000000000009"), "other.txt", "", "This is a file of 2088000000000009"),
        (content(), "f.txt", "2026-03-02", "The file is of 2026-03-01, not of 2026-03-02."),
        (content(day=date(2026, 3, 5)), "f.txt", "", "There can be no file of 2026-03-05."),
        (content(day=date(2020, 3, 5)), "f.txt", "", "There can be no file of 2020-03-05."),
        (content(), "f.txt", "the first", "Look at what you entered"),
    ],
)
async def test_what_is_no_file_of_this_account_is_refused_at_once_and_nothing_is_kept(
    of: Office, desk: Browser, data: bytes, name: str, day: str, said: str
) -> None:
    answer = await brings(desk, of, data, name, day)
    assert answer.status_code == 422
    assert said in text_of(answer.text)
    assert await count(of, "SELECT (SELECT count(*) FROM brought_files) + (SELECT count(*) FROM recon_runs)") == 0


async def test_a_file_that_breaks_off_in_the_middle_fails_its_day_and_says_where(
    of: Office, desk: Browser, storage: Storage, tmp_path: Path
) -> None:
    broken = content(lines=3).replace(b"OWN2|", b"OWN2")
    answer = await brings(desk, of, broken)
    assert answer.status_code == 303, text_of(answer.text)
    assert await works(of, storage, tmp_path) == 1
    page = text_of((await desk.get(answer.headers["location"])).text)
    assert re.search(r"line 5", page), page
    assert await count(of, "SELECT count(*) FROM recon_lines") == 0


async def test_a_file_is_not_lost_while_the_storage_is_away(
    of: Office, desk: Browser, storage: Storage, tmp_path: Path
) -> None:
    # A day that no worker would ask for again by itself.
    assert (await brings(desk, of, content(day=date(2026, 2, 10)))).status_code == 303

    class Away(Storage):
        async def get(self, key: str) -> bytes:
            raise StorageAway("This file can't be read at the moment. Try again.")

    assert await works(of, Away(None), tmp_path) == 1
    assert await count(of, "SELECT count(*) FROM recon_lines") == 0
    of.house.clock.advance(timedelta(minutes=61))
    assert await works(of, storage, tmp_path) == 1
    assert await count(of, "SELECT count(*) FROM recon_lines") == 2


async def test_who_runs_no_deployment_brings_no_file(of: Office) -> None:
    async with browser(of, await of.person(Role.MANAGER)) as manager:
        answer = await brings(manager, of, content())
    assert answer.status_code in (403, 404)
    assert await count(of, "SELECT count(*) FROM brought_files") == 0
