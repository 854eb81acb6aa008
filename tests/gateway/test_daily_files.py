"""Days of the local Alipay, fetched over real SFTP and reconciled with the books that real calls made.

Money moves around midnight here: what is paid on one day and undone on the next must be looked for on both."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from saoma.alipay.sftp import FilesUnreachable, SftpServer, fetch
from saoma.alipay.signing import SignType, new_rsa_key
from saoma.kit.clock import BEIJING, beijing, beijing_day
from saoma.kit.due import drive_due
from saoma.kit.money import Money
from saoma.payments import findings, ledger
from saoma.payments.lifecycle import Status
from saoma.payments.reconciliation import Run, RunStatus
from saoma.statements import daily
from saoma.statements.sources import Source, names_of, set_source
from tests.gateway import make
from tests.gateway.house import House, Shop, Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def shop(house: House, request: pytest.FixtureRequest) -> Shop:
    """A merchant of this test's own whose files come by SFTP from today on; it is noon."""
    local = beijing(house.clock.now())
    noon = datetime.combine(local.date() + timedelta(days=local.time() > time(11)), time(12), BEIJING)
    await house.move_to(noon)
    shop = await house.open_shop(request.node.name[:40], await make.account(house.alipay, SignType.RSA2))
    access = await house.alipay.control("GET", f"partners/{shop.account.partner}/sftp")
    source = Source(account_id=shop.account_id, kind="sftp", since=beijing_day(house.clock.now()), **access)
    async with house.rooms.db.transaction() as tx:
        await set_source(tx, house.rooms.seal, source)
    await house.alipay.control("DELETE", "daily-files/errors")
    return shop


async def paid(house: House, shop: Shop, amount: str = "36.50") -> Watched:
    watched = await house.scan(shop, await house.alipay.code(), amount=amount)
    assert await watched.status() is Status.SUCCEEDED
    return watched


async def refund(house: House, watched: Watched, amount: str) -> None:
    await house.rooms.payments.refund(
        watched.id, Money.parse(amount, "USD"), "cold | 冷", "stf", f"{watched.id}{amount}"
    )


async def morning_after(house: House, day: date) -> None:
    await house.move_to(datetime.combine(day + timedelta(days=1), time(10, 0, 1), BEIJING))


async def reconciled(house: House, shop: Shop, day: date, spool: Path) -> Run:
    source = await daily.source_of(house.rooms.db, shop.account_id)
    return await daily.run_day(house.rooms.db, house.clock, house.rooms.seal, spool, source, day)


async def found(house: House, run: Run) -> list[tuple[str, str]]:
    async with house.rooms.db.reading() as rows:
        return sorted((one.class_, one.kind) for one in await findings.lines(rows, run.id))


async def test_a_day_with_refunds_and_cancels_around_midnight_agrees(house: House, shop: Shop, tmp_path: Path) -> None:
    day = beijing_day(house.clock.now())
    first = await paid(house, shop)
    await refund(house, first, "6.50")
    await paid(house, shop, "12.00")
    undone = await house.scan(shop, await house.alipay.code(ending="90"), amount="8.00")
    await house.rooms.payments.give_up(undone.id, "stf")
    await undone.follow()
    await house.move_to(datetime.combine(day, time(23, 59, 50), BEIJING))
    late = await paid(house, shop, "9.99")
    await house.move_to(datetime.combine(day + timedelta(days=1), time(0, 5), BEIJING))
    await refund(house, late, "1.00")
    await refund(house, first, "30.00")
    await paid(house, shop, "1.01")
    await morning_after(house, day)
    one = await reconciled(house, shop, day, tmp_path)
    assert (one.status, await found(house, one)) == (RunStatus.DONE, [])
    await morning_after(house, day + timedelta(days=1))
    two = await reconciled(house, shop, day + timedelta(days=1), tmp_path)
    assert (two.status, await found(house, two)) == (RunStatus.DONE, [])
    for later in range(2, 6):
        await morning_after(house, day + timedelta(days=later))
        run = await reconciled(house, shop, day + timedelta(days=later), tmp_path)
        assert run.status in (RunStatus.DONE, RunStatus.NOTHING)
    async with house.rooms.db.reading() as rows:
        balances = {one.account: one.balance.minor for one in await ledger.balances(rows, shop.merchant.id)}
    assert balances["alipay_clearing"] == 0, "every cent was paid out"
    assert balances["bank"] + balances["fees"] == 3650 - 650 - 3000 + 1200 + 999 - 100 + 101


async def test_planted_errors_are_found(house: House, shop: Shop, tmp_path: Path) -> None:
    day = beijing_day(house.clock.now())
    partner = shop.account.partner
    rows = [await paid(house, shop) for _ in range(4)]
    for watched, error in zip(rows, ("drop_row", "alter_amount", "duplicate_row"), strict=False):
        wrong = {"partner": partner, "day": str(day), "error": error, "number": watched.number}
        await house.alipay.control("POST", "daily-files/errors", wrong)
    await morning_after(house, day)
    run = await reconciled(house, shop, day, tmp_path)
    classes = [name for name, _ in await found(house, run)]
    assert classes == ["amount_differs", "only_ours", "only_theirs"]
    await house.alipay.control("DELETE", "daily-files/errors")
    run = await reconciled(house, shop, day, tmp_path)
    assert await found(house, run) == [], "the true file came late"


async def test_a_worker_reconciles_by_itself_and_rings_for_a_missing_file(
    house: House, shop: Shop, tmp_path: Path
) -> None:
    day, db = beijing_day(house.clock.now()), house.rooms.db
    await paid(house, shop)
    wrong = {"partner": shop.account.partner, "day": str(day), "error": "missing"}
    await house.alipay.control("POST", "daily-files/errors", wrong)
    works = daily.works(db, house.clock, house.rooms.seal, tmp_path, house.rooms.storage)
    await house.move_to(datetime.combine(day + timedelta(days=1), time(9, 30), BEIJING))
    await daily.plan(db, house.clock)

    async def status() -> str:
        await drive_due(db, works, house.clock)
        params = {"account": shop.account_id, "day": day}
        async with db.reading() as rows:
            return str(
                await rows.value(
                    "SELECT status FROM recon_runs WHERE account_id = %(account)s AND day = %(day)s", params
                )
            )

    assert await status() == "waiting"
    await morning_after(house, day)
    assert await status() == "waiting"
    async with db.reading() as rows:
        key = {"key": f"{shop.account_id}:{day}"}
        assert await rows.value("SELECT count(*) FROM alarms WHERE rule = 'file_missing' AND key = %(key)s", key) == 1
    await house.alipay.control("DELETE", "daily-files/errors")
    await house.move_to(house.clock.now() + timedelta(hours=1, seconds=1))
    assert await status() == "done"


async def server_of(house: House, shop: Shop) -> SftpServer:
    source = await daily.source_of(house.rooms.db, shop.account_id)
    return source.server(house.rooms.seal)


async def test_a_server_with_another_host_key_is_told_nothing(house: House, shop: Shop, tmp_path: Path) -> None:
    known = await server_of(house, shop)
    import asyncssh

    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    stranger = SftpServer(known.host, known.port, known.username, other, known.password)
    with pytest.raises(FilesUnreachable, match="another host key"):
        await fetch(stranger, ["x"], tmp_path, tries=1)


async def test_a_wrong_password_is_said_plainly_and_not_repeated(house: House, shop: Shop, tmp_path: Path) -> None:
    known = await server_of(house, shop)
    wrong = SftpServer(known.host, known.port, known.username, known.host_key, "wrong")
    with pytest.raises(FilesUnreachable, match="does not let"):
        await fetch(wrong, ["x"], tmp_path, pause=60)
    assert "wrong" not in repr(wrong)


async def test_a_partner_sees_its_own_folder_and_changes_nothing(house: House, shop: Shop, tmp_path: Path) -> None:
    import asyncssh

    day = beijing_day(house.clock.now())
    await paid(house, shop)
    await morning_after(house, day)
    known = await server_of(house, shop)
    name = names_of(shop.account.partner, day)[0]
    async with (
        asyncssh.connect(
            known.host, known.port, username=known.username, password=known.password, known_hosts=None, config=[]
        ) as connection,
        connection.start_sftp_client() as client,
    ):
        assert [one for one in await client.listdir() if str(one) not in (".", "..")] == [name]
        assert [one for one in await client.listdir("/") if str(one) not in (".", "..")] == [name]
        for forbidden in (client.remove(name), client.rename(name, "x"), client.mkdir("x"), client.open("x", "wb")):
            with pytest.raises(asyncssh.SFTPError):
                await forbidden
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await client.stat("../../etc/passwd")
        other = next(iter(house.shops.values())).account.partner
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await client.stat(names_of(other, day)[0])


async def test_a_download_that_was_cut_off_is_gone_on_with(house: House, shop: Shop, tmp_path: Path) -> None:
    day = beijing_day(house.clock.now())
    await paid(house, shop)
    await morning_after(house, day)
    known = await server_of(house, shop)
    name = names_of(shop.account.partner, day)[0]
    (whole,) = await fetch(known, [name, "nothing.txt"], tmp_path)
    data = whole.read_bytes()
    half = tmp_path / f"{name}.part"
    half.write_bytes(b"#" * 40 + data[40:100])
    whole.unlink()
    (again,) = await fetch(known, [name], tmp_path)
    assert again.read_bytes() == b"#" * 40 + data[40:], "what was there was not fetched again"
    assert not half.exists()


async def test_a_key_lets_in_nobody_it_was_not_given_to(house: House, shop: Shop, tmp_path: Path) -> None:
    known = await server_of(house, shop)
    private, _ = new_rsa_key()
    with pytest.raises(FilesUnreachable):
        await fetch(SftpServer(known.host, known.port, known.username, known.host_key, "", private), ["x"], tmp_path)
