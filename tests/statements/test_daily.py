"""Where files come from, which days are due, and what the command prints and answers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import zipfile
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from saoma.alipay.sftp import FilesUnreachable
from saoma.gateway import StatementUnreadable
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.due import drive_due
from saoma.kit.errors import Invalid
from saoma.kit.seal import Seal
from saoma.kit.storage import Storage
from saoma.settings import Settings
from saoma.statements import daily
from saoma.statements.command import run_reconcile
from saoma.statements.sources import Source, collect, daily_file, names_of, set_source, sources
from tests.payments.daily import ACCOUNT, PARTNER, Day, file_of, trades_file

SECRET = "a secret of thirty-two characters"
SEAL = Seal(SECRET)
STORAGE = Storage.at("memory:")
_ACCOUNT = """
INSERT INTO accounts (id, name, partner, sign_type, gateway_url, openapi_url, auth_url, environment, currency)
VALUES (%(id)s, 'Day', %(partner)s, 'MD5', 'u', 'u', 'u', 'sandbox', 'USD')
"""


async def with_folder(db: Database, folder: Path, since: date = date(2026, 3, 1)) -> None:
    """An account whose files lie in a folder."""
    async with db.transaction() as tx:
        await tx.run(_ACCOUNT, {"id": ACCOUNT, "partner": PARTNER})
        source = Source(account_id=ACCOUNT, kind="folder", folder=str(folder), since=since, fee_rate=Decimal("0.012"))
        await set_source(tx, SEAL, source)


def put(folder: Path, day: Day) -> Path:
    """Alipay's file of that day lies there."""
    path = folder / f"{PARTNER}_transaction_{day.day:%Y%m%d}.txt"
    lines = [row.line() for row in day.rows]
    head = f"Partner:{PARTNER}|Payment_time: {day.day}|Total_count:{len(lines)}"
    names = (
        "Partner_transaction_id|Transaction_id|Transaction_amount|Charge_amount|Currency|Payment_time|"
        "Transaction_type|Remark|Secondary_merchant_industry|Secondary_merchant_name|Operator_name|Order_scene|"
        "Trans_currency|Trans_amount|Trans_forex_rate"
    )
    path.write_text("\n".join([head, names, *lines, ""]))
    return path


async def statuses(db: Database) -> list[str]:
    async with db.reading() as rows:
        found = await rows.connection.execute("SELECT day, status FROM recon_runs ORDER BY day")
        return [f"{row['day']:%d} {row['status']}" for row in await found.fetchall()]


async def test_missed_days_are_caught_up_with(database: Database, clock: MovableClock, tmp_path: Path) -> None:
    await with_folder(database, tmp_path, since=date(2026, 2, 27))
    day = Day(database, date(2026, 2, 28))
    await day.payment()
    put(tmp_path, day)
    assert await daily.plan(database, clock) == 3
    assert await daily.plan(database, clock) == 0
    await drive_due(database, daily.works(database, clock, SEAL, tmp_path / "spool", STORAGE), clock)
    assert await statuses(database) == ["27 nothing", "28 done", "01 nothing"]


async def test_nothing_is_asked_before_ten_the_morning_after(
    database: Database, clock: MovableClock, tmp_path: Path
) -> None:
    await with_folder(database, tmp_path, since=date(2026, 3, 2))
    works = daily.works(database, clock, SEAL, tmp_path / "spool", STORAGE)
    clock.advance(timedelta(hours=21))
    await daily.plan(database, clock)
    assert await drive_due(database, works, clock) == 0, "it is nine in Beijing"
    clock.advance(timedelta(hours=1))
    assert await drive_due(database, works, clock) == 1


async def test_a_handler_that_runs_twice_at_once_adds_nothing(
    database: Database, clock: MovableClock, tmp_path: Path
) -> None:
    await with_folder(database, tmp_path)
    day = Day(database, date(2026, 3, 1))
    for _ in range(3):
        await day.payment()
    await day.payment(ours=False)
    put(tmp_path, day)
    await daily.plan(database, clock)
    (work,) = daily.works(database, clock, SEAL, tmp_path / "spool", STORAGE)
    async with database.reading() as rows:
        run_id = await rows.value("SELECT id FROM recon_runs")
    await asyncio.gather(work.handle(run_id), work.handle(run_id), work.handle(run_id))
    await work.handle(run_id)
    async with database.reading() as rows:
        assert await rows.value("SELECT count(*) FROM recon_lines") == 4
        assert await rows.value("SELECT count(*) FROM recon_findings") == 1
        assert await rows.value("SELECT count(*) FROM cases") == 1


async def test_secrets_are_sealed_at_rest(database: Database, tmp_path: Path) -> None:
    await with_folder(database, tmp_path)
    source = Source(
        account_id=ACCOUNT, kind="sftp", host="h", username="u", host_key="k", password="pst", since=date(2026, 3, 1)
    )
    async with database.transaction() as tx:
        await set_source(tx, SEAL, source)
        (kept,) = await sources(tx)
    assert "pst" not in kept.password and kept.server(SEAL).password == "pst"
    with pytest.raises(Invalid):
        async with database.transaction() as tx:
            await set_source(tx, SEAL, Source(account_id=ACCOUNT, kind="sftp", since=date(2026, 3, 1)))


def zipped(folder: Path, *members: tuple[str, bytes]) -> Path:
    path = folder / "bill.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def test_an_archive_is_read_by_its_file_of_lines(tmp_path: Path) -> None:
    whole = trades_file(date(2026, 3, 2), [])
    data = b"".join(line for line in [b"Partner:%s|Payment_time: 2026-03-02|Total_count:0\n" % PARTNER.encode()])
    path = zipped(tmp_path, ("2088_业务明细.csv", data), ("2088_业务明细(汇总).csv", b"sums"))
    with pytest.raises(StatementUnreadable, match="column names"):
        daily_file(path, tmp_path / "spool").open()
    assert whole.open().total_count == 0


@pytest.mark.parametrize("members", [(), (("a.csv", b"1"), ("b.csv", b"2"))])
def test_an_archive_of_something_else_is_refused(tmp_path: Path, members: tuple[tuple[str, bytes], ...]) -> None:
    with pytest.raises(StatementUnreadable, match="files of lines"):
        daily_file(zipped(tmp_path, *members), tmp_path / "spool")


def test_an_archive_can_write_nowhere_else(tmp_path: Path) -> None:
    made = daily_file(zipped(tmp_path, ("../../escaped.csv", b"x")), tmp_path / "spool")
    assert made.name == "bill.unpacked.csv" and not (tmp_path.parent / "escaped.csv").exists()


def test_the_digest_is_of_the_content() -> None:
    assert file_of(b"a", "x").digest == file_of(b"a", "y").digest != file_of(b"b", "x").digest


def test_the_command_prints_a_table_and_answers_by_its_exit_code(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = date(2026, 3, 2)
    settings = Settings(database_url=database_url, secret=SECRET)

    async def prepare(*, theirs_only: bool) -> Path:
        db = await Database.open(database_url)
        made = Day(db, day)
        if theirs_only:
            made._count = 50
            await made.payment(4321, ours=False)
        else:
            await with_folder(db, tmp_path)
        for _ in range(2):
            await made.payment()
        path = put(tmp_path, made)
        await db.close()
        return path

    asyncio.run(prepare(theirs_only=False))
    assert run_reconcile(settings, day, None, "") == 0
    said = capsys.readouterr().out
    assert f"{PARTNER} {day}: done" in said and "only theirs" in said.replace("\n", " ")
    file = asyncio.run(prepare(theirs_only=True))
    assert run_reconcile(settings, day, file, PARTNER) == 1
    said = capsys.readouterr().out
    assert "43.21 USD" in said
    broken = tmp_path / "broken.txt"
    broken.write_text("nonsense")
    assert run_reconcile(settings, day, broken, "") == 1
    assert "broken.txt line 1" in capsys.readouterr().out
    with pytest.raises(Invalid):
        run_reconcile(settings, day, None, "nobody")


_SPOOL_ON_A_FULL_DISK = """
import resource, tempfile
from saoma.statements.sources import new_spool
tempfile.tempdir = None
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
print(new_spool())
"""


def test_a_full_disk_stops_no_worker_from_starting() -> None:
    asked = subprocess.run([sys.executable, "-c", _SPOOL_ON_A_FULL_DISK], capture_output=True, text=True, check=False)
    assert (asked.returncode, asked.stdout.strip()) == (0, "saoma-files"), asked.stderr


async def test_a_file_that_finds_no_room_here_is_fetched_again_later(database: Database, tmp_path: Path) -> None:
    await with_folder(database, tmp_path)
    source = await daily.source_of(database, ACCOUNT)
    name = names_of(source.partner, date(2026, 3, 1))[-1]
    with zipfile.ZipFile(Path(source.folder) / name, "w") as archive:
        archive.writestr("lines.txt", "x")
    in_the_way = tmp_path / "spool"
    in_the_way.write_text("no folder can be made here")
    with pytest.raises(FilesUnreachable, match="can't be kept here"):
        await collect(source, SEAL, date(2026, 3, 1), in_the_way)


def test_a_database_that_does_not_answer_is_one_clear_line() -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "saoma.cli", "reconcile", "--date", "2026-03-01"],
        env={**os.environ, "SAOMA_DATABASE_URL": "postgresql://saoma@127.0.0.1:1/saoma", "SAOMA_SECRET": SECRET},
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 1
    assert asked.stderr.startswith("saoma: the database does not answer") and "Traceback" not in asked.stderr
