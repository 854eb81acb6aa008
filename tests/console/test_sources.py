"""Where daily files come from, kept in the console: tried against a real SFTP server, every trouble in a sentence.

The server is the local Alipay's own; what stands in for others is a socket that answers wrongly or not at all."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from saoma.alipay.sftp import FilesUnreachable, Trouble
from saoma.alipay.sftp_look import fingerprint
from saoma.console import source_words
from saoma.console.screens import console_sources
from saoma.identity import audit
from saoma.identity.guards import Role
from saoma.kit.clock import MovableClock, beijing_day
from saoma.kit.db import Database
from saoma.kit.i18n import LANGUAGES, texts
from saoma.sandbox.files.sftp import SftpAccess
from saoma.statements import daily, keeping
from saoma.statements.sources import names_of, sources
from tests.console.make import Office, browser, office
from tests.identity import make as identity
from tests.identity.web import Browser, text_of
from tests.sandbox import make as alipay
from tests.sandbox.make import Running

HERE = "/console/reconciliation/sources"
DOORS = ("edit", "try", "host-key", "file", "stop", "resume")


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    """A local Alipay with SFTP."""
    async with alipay.running(at=None, config=alipay.settings(sftp_port=0)) as one:
        yield one


@pytest.fixture
async def of(database: Database, clock: MovableClock) -> Office:
    made = await office(database, clock)
    async with database.reading() as rows:
        about = {"id": made.shop.account_id, "partner": alipay.PARTNER}
        await rows.run("UPDATE accounts SET partner = %(partner)s WHERE id = %(id)s", about)
    return made


def access(at: Running) -> SftpAccess:
    door = at.sandbox.sftp
    assert door is not None
    return door.access(alipay.PARTNER)


def fields(at: SftpAccess, **changes: Any) -> dict[str, str]:
    """The form, as it is typed."""
    typed = {"kind": "sftp", "host": at.host, "port": at.port, "username": at.username, "password": at.password}
    typed |= {"folder": "", "private_key": "", "since": "2026-03-01", "fee": "1.2", "grace_days": "4"}
    return {name: str(value) for name, value in (typed | {"refund_fee": "returned"} | changes).items()}


async def keeps(desk: Browser, of: Office, typed: dict[str, str], **accept: str) -> str:
    """Save it; the page that follows."""
    path = f"{HERE}/{of.shop.account_id}"
    answer = await desk.post(f"{path}/edit", typed)
    assert answer.status_code == 303, text_of(answer.text)
    page = (await desk.get(path)).text
    if accept.get("accept"):
        shown = re.search(r'data-testid="offered-print">([^<]+)<', page)
        assert shown is not None
        answer = await desk.post(f"{path}/host-key", {"fingerprint": shown[1], "compared": "on"})
        assert answer.status_code == 303, text_of(answer.text)
        page = (await desk.get(path)).text
    return page


def trouble(page: str) -> str:
    found = re.search(r'data-testid="look"\s+data-trouble="(\w*)"', page)
    assert found is not None, text_of(page)
    return found[1]


async def test_a_source_is_kept_its_key_accepted_and_its_files_seen(of: Office, running: Running) -> None:
    at = access(running)
    await running.call(alipay.pay_fields())
    async with browser(of, await of.person(Role.OPERATOR, name="Olga")) as desk:
        assert "Nobody said yet" in text_of((await desk.get(HERE)).text)
        page = await keeps(desk, of, fields(at))
        assert trouble(page) == Trouble.HOST_KEY_UNKNOWN and fingerprint(at.host_key) in page
        path = f"{HERE}/{of.shop.account_id}"
        for wrong in ({"fingerprint": fingerprint(at.host_key)}, {"fingerprint": "SHA256:else", "compared": "on"}):
            assert (await desk.post(f"{path}/host-key", wrong)).status_code in (409, 422)
        page = await keeps(desk, of, fields(at, password=""), accept="yes")
        assert trouble(page) == "" and "no file of this account is there yet" in text_of(page)
        await running.advance(hours=40)  # whatever the hour is in Beijing now: past ten of the next morning
        page = (await desk.get(path)).text if (await desk.post(f"{path}/try")).status_code == 303 else ""
        assert trouble(page) == "" and re.search(r"\d files? (is|are) there", text_of(page)), text_of(page)
        assert f"{alipay.PARTNER}_" in page
        told = text_of((await desk.get(HERE)).text)
        assert "in order" in told and at.host in told
    async with of.house.db.reading() as rows:
        trail = [entry.what for entry in await audit.trail(rows, of.shop.account_id)]
        (kept,) = await sources(rows, of.shop.account_id)
    assert trail[-1] == "source_added" and trail.count("source_host_key_accepted") == 1
    assert kept.host_key == " ".join(at.host_key.split()[:2]) and str(kept.fee_rate) == "0.012000"


async def test_no_page_row_or_answer_ever_tells_a_secret(of: Office, running: Running) -> None:
    at = access(running)
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    async with browser(of, await of.person(Role.OPERATOR)) as desk:
        seen = await keeps(desk, of, fields(at, private_key=key), accept="yes")
        path = f"{HERE}/{of.shop.account_id}"
        wrong = await desk.post(f"{path}/edit", fields(at, private_key=key, host="not a host"))
        assert wrong.status_code == 422 and "not a host" in wrong.text
        seen += wrong.text
        for where in (HERE, path, f"{path}/edit", "/console/reconciliation"):
            seen += (await desk.get(where)).text
    async with of.house.db.reading() as rows:
        for table in ("statement_sources", "statement_looks", "audit", "live_events"):
            seen += str(await rows.value(f"SELECT coalesce(json_agg(t), '[]')::text FROM {table} AS t"))
        (kept,) = await sources(rows, of.shop.account_id)
    assert at.password not in seen and key.splitlines()[2] not in seen
    opened = kept.server(identity.seal())
    assert (opened.password, opened.private_key) == (at.password, key)


async def silent_server() -> asyncio.Server:
    """Accepts, and never says a word."""
    return await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.1", 0)


async def web_server() -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nServer: SECRET-BANNER\r\n\r\n")
        await writer.drain()
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


async def test_each_trouble_is_told_in_a_sentence(
    of: Office, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = access(running)
    monkeypatch.setattr("saoma.alipay.sftp._CONNECT", 0.5)
    monkeypatch.setattr("saoma.alipay.sftp_look._LIMIT", 0.8)
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = free.getsockname()[1]
    async with (
        browser(of, await of.person(Role.OPERATOR)) as desk,
        await silent_server() as mute,
        await web_server() as web,
    ):
        muted, spoken = (server.sockets[0].getsockname()[1] for server in (mute, web))
        for wish, code, words in (
            ({"host": "no-such-host.invalid"}, Trouble.NAME_UNKNOWN, "Nobody knows the name no-such-host.invalid"),
            ({"port": closed}, Trouble.REFUSED, f"nothing listens at port {closed}"),
            ({"port": muted}, Trouble.SILENT, f"does not answer at port {muted}"),
            ({"port": spoken}, Trouble.NOT_SSH, "it is no SFTP server"),
        ):
            page = await keeps(desk, of, fields(at, **wish))
            assert (trouble(page), words in text_of(page)) == (code, True), text_of(page)
            assert "SECRET-BANNER" not in page, "what other servers say is not for the console"
        await keeps(desk, of, fields(at), accept="yes")
        page = await keeps(desk, of, fields(at, password="wrong"))
        assert trouble(page) == Trouble.LOGIN_REFUSED and f"does not let {at.username} in" in text_of(page)
        page = await keeps(desk, of, fields(at, folder="elsewhere"))
        assert trouble(page) == Trouble.FOLDER_MISSING and "There is no folder elsewhere" in text_of(page)
        async with of.house.db.reading() as rows:
            other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
            await rows.run("UPDATE statement_sources SET host_key = %(key)s", {"key": other})
        page = await keeps(desk, of, fields(at))
        assert trouble(page) == Trouble.HOST_KEY_DIFFERS
        assert fingerprint(at.host_key) in page and fingerprint(other) in page, "both are there to be compared"
        assert "Nothing was sent there" in text_of(page)
        assert trouble(await keeps(desk, of, fields(at), accept="yes")) == ""


async def test_a_kept_password_is_not_sent_to_another_server(of: Office, running: Running) -> None:
    at = access(running)
    async with browser(of, await of.person(Role.OPERATOR)) as desk:
        await keeps(desk, of, fields(at), accept="yes")
        path = f"{HERE}/{of.shop.account_id}"
        for moved in ({"host": "localhost"}, {"port": 2222}):
            answer = await desk.post(f"{path}/edit", fields(at, password="", **moved))
            assert answer.status_code == 422 and "Enter the password again" in text_of(answer.text)
        page = await keeps(desk, of, fields(at, host="localhost"))
        assert trouble(page) == Trouble.HOST_KEY_UNKNOWN, "another server's host key is accepted anew"


WRONG: tuple[dict[str, str], ...] = (
    *({"host": host} for host in ("169.254.169.254", "100.100.100.200", "0.0.0.0", "224.0.0.1", "[fd00:ec2::254]")),
    *({"host": host} for host in ("", "sftp://x.example", "a b", "x.example/y", "u@x.example", "-oProxyCommand=x")),
    *({"port": port} for port in ("25", "0", "65536", "x")),
    *({"username": ""}, {"username": "a\nb"}, {"password": ""}, {"private_key": "nonsense"}),
    *({"fee": fee} for fee in ("100", "-1", "x", "NaN")),
    *({"since": "x"}, {"grace_days": "61"}, {"refund_fee": "x"}, {"kind": "acquirer"}, {"kind": "ftp"}),
    *({"kind": "folder", "folder": folder} for folder in ("", "relative", "/a/../etc")),
)


async def test_what_could_not_work_is_refused_and_changes_nothing(of: Office) -> None:
    at = SftpAccess("sftp.example", 22, "2088", "pw", "k")
    async with browser(of, await of.person(Role.OPERATOR)) as desk:
        for wish in WRONG:
            answer = await desk.post(f"{HERE}/{of.shop.account_id}/edit", fields(at, **wish))
            assert answer.status_code == 422 and 'data-testid="refusal"' in answer.text, wish
    async with of.house.db.reading() as rows:
        assert await rows.value("SELECT count(*) FROM statement_sources") == 0


async def test_a_name_that_leads_to_a_cloud_is_not_called(of: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def told(host: Any, port: Any, **_: Any) -> Any:
        return [(2, 1, 6, "", ("10.0.0.5", port)), (2, 1, 6, "", ("169.254.169.254", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", told)
    async with browser(of, await of.person(Role.OPERATOR)) as desk:
        page = await keeps(desk, of, fields(SftpAccess("rebind.example", 22, "u", "pw", "k")))
    assert trouble(page) == Trouble.NOT_ALLOWED


async def test_a_folder_is_looked_into(of: Office, tmp_path: Path) -> None:
    async with browser(of, await of.person(Role.OPERATOR)) as desk:
        typed = {"kind": "folder", "folder": str(tmp_path / "missing"), "since": "2026-03-01"}
        assert trouble(await keeps(desk, of, typed)) == Trouble.FOLDER_MISSING
        page = await keeps(desk, of, typed | {"folder": str(tmp_path)})
        assert trouble(page) == "" and "no file of this account" in text_of(page)
        day = beijing_day(of.house.clock.now())
        for back in (2, 1):
            (tmp_path / names_of(alipay.PARTNER, day - timedelta(days=back))[0]).write_text("x")
        (tmp_path / "passwd").write_text("x")
        page = await keeps(desk, of, typed | {"folder": str(tmp_path)})
    assert "2 files are there" in text_of(page) and names_of(alipay.PARTNER, day - timedelta(days=1))[0] in page
    assert "passwd" not in page


async def test_a_stopped_source_is_left_alone_until_it_is_resumed(of: Office, tmp_path: Path) -> None:
    db, clock, path = of.house.db, of.house.clock, f"{HERE}/{of.shop.account_id}"
    since = beijing_day(clock.now()) - timedelta(days=2)
    async with browser(of, await of.person(Role.OPERATOR)) as desk:
        await keeps(desk, of, {"kind": "folder", "folder": str(tmp_path), "since": since.isoformat()})
        assert (await desk.post(f"{path}/stop", {"reason": " "})).status_code == 422
        assert (await desk.post(f"{path}/stop", {"reason": "contract ended"})).status_code == 303
        assert 'data-testid="stopped"' in (await desk.get(path)).text
        assert await daily.plan(db, clock) == 0
        source = await daily.source_of(db, of.shop.account_id)
        with pytest.raises(FilesUnreachable, match="stopped"):
            await daily.run_day(db, clock, identity.seal(), tmp_path, source, since)
        assert (await desk.post(f"{path}/resume", {})).status_code == 303
        assert await daily.plan(db, clock) == 2


async def test_an_acquirers_statement_can_be_stopped_and_tells_its_trouble(of: Office) -> None:
    async with of.house.db.transaction() as tx:
        about = {"id": of.shop.account_id, "key": identity.seal().seal("sk_x")}
        await tx.run("UPDATE accounts SET channel = 'acquirer' WHERE id = %(id)s", about)
        sql = "INSERT INTO acquirers (account_id, url, api_key, store) VALUES (%(id)s, %(url)s, %(key)s, 's')"
        await tx.run(sql, about | {"url": "http://127.0.0.1:9"})
    path = f"{HERE}/{of.shop.account_id}"
    async with browser(of, await of.person(Role.OPERATOR)) as desk:
        assert (await desk.post(f"{path}/try")).status_code == 303
        assert trouble((await desk.get(path)).text) == Trouble.REFUSED
        assert (await desk.post(f"{path}/stop", {"reason": "x y"})).status_code == 303
        assert await daily.plan(of.house.db, of.house.clock) == 0
        assert (await desk.post(f"{path}/edit", {"kind": "sftp", "since": "2026-03-01"})).status_code == 422
        typed = {"kind": "acquirer", "since": "2026-03-01", "fee": "", "grace_days": "9"}
        assert (await desk.post(f"{path}/edit", typed)).status_code == 303
    async with of.house.db.reading() as rows:
        kept = await keeping.source(rows, of.shop.account_id)
    assert kept is not None and (kept.grace_days, kept.stopped_at is not None) == (9, True)


async def test_only_operators_come_near_a_source(of: Office) -> None:
    path = f"{HERE}/{of.shop.account_id}"
    for role in (Role.OWNER, Role.MANAGER, Role.CASHIER):
        async with browser(of, await of.person(role)) as desk:
            for where in (HERE, path, f"{path}/edit"):
                assert (await desk.get(where)).status_code == 403
            for door in DOORS:
                assert (await desk.post(f"{path}/{door}", {"reason": "x"})).status_code == 403
    posts = [each for each in console_sources.router.routes if "POST" in each.methods]
    assert len(posts) == len(DOORS)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_trouble_has_its_words(lang: str) -> None:
    values = {"host": "h", "port": "22", "username": "u", "folder": "f"}
    assert set(source_words.TROUBLE) == set(Trouble)
    for kind in ("sftp", "acquirer"):
        for code in Trouble:
            for sentence in source_words.trouble(kind, code):
                said = texts(lang)(sentence, **values)
                assert said != sentence.format(**values) or lang == "en"
    for word in (*source_words.TRAIL.values(), "A folder", "By hand"):
        assert texts(lang)(word) != word or lang == "en"
