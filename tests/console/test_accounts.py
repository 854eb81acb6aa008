"""The console's accounts: keys go in and never come out, only operators get there, and going live is proven first."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from saoma.alipay.findings import CHECKS, FAULTS, UNKNOWN, Finding, Mark
from saoma.alipay.key_texts import one_line
from saoma.alipay.signing import SignType, md5_signatory, rsa_signatory, string_to_sign
from saoma.console import going_live as points
from saoma.console.going_live import BY_HAND
from saoma.console.screens import console_account_forms, console_accounts, console_signature
from saoma.identity import accounts, audit, going_live, model
from saoma.identity.guards import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict
from saoma.kit.i18n import LANGUAGES, texts
from saoma.sandbox.book.model import Partner
from saoma.settings import Settings
from tests.console.make import Office, browser, office
from tests.identity import make as identity
from tests.identity.web import Browser, text_of
from tests.sandbox import make as alipay
from tests.sandbox.make import Running

#: Nobody else's: the shops of these tests count their PIDs from 2088000000000001 on.
PID, APP = "2088100000000077", "2016100000000077"
MD5_KEY = alipay.KEY


@asynccontextmanager
async def stage(database: Database, clock: MovableClock, **given: Any) -> AsyncIterator[tuple[Office, Running]]:
    """A console, and a local Alipay that is also what answers where production should be."""
    live = Partner("2088900000000001", "2021900000000001", md5_key="p" * 32, public_key=alipay.partner_keys()[1])
    config = alipay.settings()
    config.partners += [Partner(PID, APP, md5_key=MD5_KEY, public_key=alipay.partner_keys()[1]), live]
    async with alipay.running(at=None, config=config) as running:
        roads = {"https://pay.alipay.com": running.url}
        yield await office(database, clock, roads=roads, **given), running


def fields(at: Running, **changes: str) -> dict[str, str]:
    """An account at the local Alipay, as it is typed."""
    return {
        "name": "Noodles",
        "environment": "sandbox",
        "currency": "USD",
        "sign_type": "MD5",
        "charset": "UTF-8",
        "partner": PID,
        "app_id": APP,
        "gateway_url": f"{at.url}/gateway.do",
        "openapi_url": f"{at.url}/gateway.do",
        "auth_url": f"{at.url}/oauth2/publicAppAuthorize.htm",
        "md5_key": MD5_KEY,
        "private_key": alipay.partner_keys()[0],
        "alipay_public_key": alipay.alipay_keys()[1],
        **changes,
    }


async def added(desk: Browser, typed: dict[str, str]) -> str:
    """Type it in; the new account's id."""
    answer = await desk.post("/console/accounts/new", typed)
    assert answer.status_code == 303, text_of(answer.text)
    return answer.headers["location"].rpartition("/")[2]


def marks(html: str) -> dict[str, str]:
    return dict(re.findall(r'data-check="(\w+)" data-mark="(\w+)"', html))


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    caplog.set_level(logging.DEBUG)
    yield caplog


async def test_what_was_entered_is_sealed_and_no_page_log_or_row_ever_tells_it(
    database: Database, clock: MovableClock, heard: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    api_key, hook = "sk_" + "s" * 43, "whsec_this_is_told_once"
    private = one_line(alipay.partner_keys()[0])
    secrets = [MD5_KEY, private[40:80], private[-60:-20], api_key, hook]
    async with stage(database, clock) as (of, running):
        operator = await of.person(Role.OPERATOR)
        async with browser(of, operator) as desk:
            direct = await added(desk, fields(running))
            at = {"channel": "acquirer", "name": "Acquirer", "currency": "USD", "environment": "sandbox"}
            at |= {"url": running.url, "store": "sto_1", "api_key": api_key, "webhook_secret": hook}
            acquirer = await added(desk, at)
            wrong = fields(running, partner="nonsense", pair="")
            told = [await desk.post("/console/accounts/new", wrong)]
            told += [await desk.post(f"/console/accounts/{one}/doctor") for one in (direct, acquirer)]
            told += [await desk.post(f"/console/accounts/{direct}/keys", {"sign_type": "MD5", "md5_key": "z" * 32})]
            for one in (direct, acquirer):
                for path in ("", "/edit", "/keys", "/production", "/doctor"):
                    told.append(await desk.get(f"/console/accounts/{one}{path}"))
            for path in ("/console/accounts", "/console", "/console/signature", "/console/staff"):
                told.append(await desk.get(path))
            told.append(await desk.post("/console/signature", {"message": "partner=1&sign=" + "a" * 32}))
    assert all(answer.status_code in (200, 303, 422) for answer in told), [answer.status_code for answer in told]
    seen = "\n".join(answer.text + str(answer.headers) for answer in told) + heard.text + "".join(capsys.readouterr())
    async with database.reading() as rows:
        for table in ("accounts", "acquirers", "key_pairs", "audit", "examinations", "live_events"):
            seen += str(await rows.value(f"SELECT coalesce(json_agg(t), '[]')::text FROM {table} AS t"))
    assert [secret[:8] for secret in secrets if secret in seen] == []
    assert one_line(alipay.partner_keys()[1])[40:80] in seen, "our public half is there to be copied"


async def test_only_operators_come_near_an_account(database: Database, clock: MovableClock) -> None:
    of = await office(database, clock)
    here = f"/console/accounts/{of.shop.account_id}"
    for role in (Role.OWNER, Role.MANAGER, Role.CASHIER):
        person = await of.person(role)
        async with browser(of, person) as desk:
            for path in ("/console/accounts", "/console/accounts/new", here, f"{here}/edit", f"{here}/keys"):
                assert (await desk.get(path)).status_code == 403
            for path in ("/new", "/pairs"):
                assert (await desk.post(f"/console/accounts{path}", {})).status_code == 403
            doors = ("edit", "keys", "stop", "resume", "doctor", "production", "go-live", "go-back", "points/contract")
            for path in doors:
                assert (await desk.post(f"{here}/{path}", {"reason": "x", "note": "xyz"})).status_code == 403
            assert (await desk.post("/console/signature", {"message": "a=1"})).status_code == 403
    async with database.reading() as rows:
        assert await rows.value("SELECT count(*) FROM audit WHERE what LIKE 'account%'") == 0


async def test_the_doctor_works_line_by_line_and_names_what_is_wrong(database: Database, clock: MovableClock) -> None:
    async with stage(database, clock) as (of, running), browser(of, await of.person(Role.OPERATOR)) as desk:
        account_id = await added(desk, fields(running))
        assert marks((await desk.get(f"/console/accounts/{account_id}")).text) == {}
        answer = await desk.post(f"/console/accounts/{account_id}/doctor", {}, **{"HX-Request": "true"})
        assert set(marks(answer.text).values()) == {"well"} and "All is in order" in answer.text
        async with database.reading() as rows:
            told = await rows.value(
                "SELECT count(*) FROM live_events WHERE topic = %(topic)s", {"topic": f"account:{account_id}"}
            )
        assert told == len(marks(answer.text)) + 2, "one for each line, the beginning and the end"
        running.sandbox.partners.add(Partner(PID, APP, md5_key="n" * 32))
        page = (await desk.post(f"/console/accounts/{account_id}/doctor", {}, **{"HX-Request": "true"})).text
        assert marks(page)["signature"] == "wrong"
        assert "Alipay has another MD5 key for this PID." in text_of(page)


async def test_other_keys_are_examined_first_and_kept_if_they_work_or_somebody_insists(
    database: Database, clock: MovableClock
) -> None:
    async with stage(database, clock) as (of, running), browser(of, await of.person(Role.OPERATOR)) as desk:
        account_id = await added(desk, fields(running))
        path = f"/console/accounts/{account_id}/keys"
        refused = await desk.post(path, {"sign_type": "MD5", "md5_key": "n" * 32})
        assert refused.status_code == 422 and 'data-testid="objection"' in refused.text
        other = Partner(PID, APP, md5_key="n" * 32, public_key=alipay.partner_keys()[1])
        running.sandbox.partners.add(other)
        assert (await desk.post(path, {"sign_type": "MD5", "md5_key": " n" + "n" * 31})).status_code == 303
        async with database.reading() as rows:
            kept = await model.account(rows, identity.seal(), account_id)
            trail = [entry.what for entry in await audit.trail(rows, account_id)]
        assert (kept.md5_key, kept.former_key) == ("n" * 32, MD5_KEY)
        assert trail == ["account_keys_replaced", "account_added"]
        insisted = {"sign_type": "MD5", "md5_key": "q" * 32, "insist": "on", "leaked": "on"}
        assert (await desk.post(path, insisted)).status_code == 303
        async with database.reading() as rows:
            kept = await model.account(rows, identity.seal(), account_id)
        assert (kept.md5_key, kept.former_key) == ("q" * 32, "")


async def test_a_pair_is_made_shown_and_used_by_choosing_it(database: Database, clock: MovableClock) -> None:
    async with stage(database, clock) as (of, running), browser(of, await of.person(Role.OPERATOR)) as desk:
        await desk.post("/console/accounts/pairs", {})
        async with database.reading() as rows:
            (pair,) = await accounts.spare_pairs(rows)
        page = (await desk.get("/console/accounts")).text
        assert one_line(pair.public_key) in page and pair.fingerprint in page
        typed = fields(running, sign_type="RSA2", md5_key="", private_key="", pair=pair.id)
        account_id = await added(desk, typed)
        running.sandbox.partners.add(Partner(PID, APP, sign_type="RSA2", public_key=pair.public_key))
        answer = await desk.post(f"/console/accounts/{account_id}/doctor", {}, **{"HX-Request": "true"})
        assert set(marks(answer.text).values()) == {"well"}
        again = await desk.post("/console/accounts/new", typed | {"partner": "2088000000000055"})
        assert again.status_code == 404


async def test_a_stopped_account_says_so_and_wants_a_reason(database: Database, clock: MovableClock) -> None:
    of = await office(database, clock)
    here = f"/console/accounts/{of.shop.account_id}"
    async with browser(of, await of.person(Role.OPERATOR)) as desk:
        assert (await desk.post(f"{here}/stop", {"reason": " "})).status_code == 422
        assert (await desk.post(f"{here}/stop", {"reason": "keys leaked"})).status_code == 303
        assert 'data-testid="stopped"' in (await desk.get(here)).text
        with pytest.raises(Conflict):
            async with database.reading() as rows:
                await model.shop_of(rows, of.shop.store.id)
        assert (await desk.post(f"{here}/resume", {})).status_code == 303
        assert "keys leaked" in text_of((await desk.get(here)).text)


# --- going live -------------------------------------------------------------------------------------------------------


def production(**changes: str) -> dict[str, str]:
    return {
        "gateway_url": "https://pay.alipay.com/gateway.do",
        "openapi_url": "https://pay.alipay.com/gateway.do",
        "auth_url": "https://openauth.alipay.com/oauth2/publicAppAuthorize.htm",
        "partner": "2088900000000001",
        "app_id": "2021900000000001",
        "md5_key": "p" * 32,
        "private_key": "",
        "alipay_public_key": "",
        **changes,
    }


def done(html: str) -> dict[str, str]:
    return dict(re.findall(r'data-point="(\w+)" data-done="(\w+)"', html))


async def test_an_account_goes_live_when_all_is_proven_and_each_person_has_said_so(
    database: Database, clock: MovableClock
) -> None:
    settings = {"public_url": "https://pay.example.com", "second_person_to_go_live": True}
    async with stage(database, clock, settings=of_settings(database, **settings)) as (of, running):
        ann, bob = await of.person(Role.OPERATOR, name="Ann"), await of.person(Role.OPERATOR, name="Bob")
        async with browser(of, ann) as desk, browser(of, bob) as other:
            sandbox = await added(desk, fields(running, private_key="", alipay_public_key="", app_id=""))
            shop = await identity.shop(database, account_id=sandbox)
            refused = await desk.post(f"/console/accounts/{sandbox}/production", production(md5_key=MD5_KEY, app_id=""))
            assert refused.status_code == 422 and "keys of its own" in text_of(refused.text)
            answer = await desk.post(f"/console/accounts/{sandbox}/production", production(app_id=""))
            assert answer.status_code == 303, text_of(answer.text)
            live = answer.headers["location"].rpartition("/")[2]
            here = f"/console/accounts/{live}"

            # Nothing is proven yet but what can be seen at once, and the switch is refused.
            before = done((await desk.get(here)).text)
            assert {name for name, yes in before.items() if yes == "yes"} == {"own_keys", "https", "names"}
            assert (await desk.post(f"{here}/go-live", {})).status_code == 409
            page = (await desk.get(here)).text
            assert marks(page)["signature"] == "well" and done(page)["doctor"] == "yes" and done(page)["clock"] == "yes"

            # A machine's point can't be ticked; a person's wants words.
            assert (await desk.post(f"{here}/points/files", {"note": "done"})).status_code == 422
            assert (await desk.post(f"{here}/points/contract", {"note": ""})).status_code == 422
            for point in BY_HAND:
                assert (await desk.post(f"{here}/points/{point}", {"note": "seen today"})).status_code == 303
            await rehearse(database, sandbox, live, shop)
            assert set(done((await desk.get(here)).text).values()) == {"yes"}

            # One asks, the same can't agree, another does.
            assert (await desk.post(f"{here}/go-live", {})).status_code == 303
            assert (await desk.post(f"{here}/go-live", {})).status_code == 403
            async with database.reading() as rows:
                assert (await model.shop_of(rows, shop.store.id))[0] == sandbox
            assert (await other.post(f"{here}/go-live", {})).status_code == 303
            async with database.reading() as rows:
                assert (await model.shop_of(rows, shop.store.id))[0] == live
                kept = await rows.value("SELECT account_id FROM payments WHERE id = 'pay_open'")
            assert kept == sandbox, "what was begun stays with the keys it was begun with"
            assert 'data-testid="is-live"' in (await desk.get(here)).text
            assert (await desk.post(f"{here}/go-back", {"reason": "fees"})).status_code == 303
            async with database.reading() as rows:
                assert (await model.shop_of(rows, shop.store.id))[0] == sandbox
                trail = [entry.what for entry in await audit.trail(rows, live)]
            assert trail[:3] == ["went_back", "went_live", "going_live_asked"]


def of_settings(database: Database, **given: Any) -> Any:
    return Settings(database_url=database.url, secret=identity.SECRET, **given)


async def rehearse(database: Database, sandbox: str, live: str, shop: identity.Shop) -> None:
    """What a good week in the sandbox leaves behind, and a payment that is still open."""
    async with database.transaction() as tx:
        for name, status, amount, refunded in (
            ("pay_a", "succeeded", 100, 40),
            ("pay_b", "succeeded", 100, 100),
            ("pay_c", "cancelled", 100, 0),
            ("pay_open", "pending", 100, 0),
        ):
            await insert_payment(tx, name, sandbox, shop, status, amount, refunded)
        await tx.run(
            "INSERT INTO notices_seen (account_id, notice_id, payment_id, at) VALUES (%(a)s, 'n', 'pay_a', now())",
            {"a": sandbox},
        )
        await tx.run(
            "INSERT INTO statement_sources (account_id, kind, since) VALUES (%(a)s, 'upload', current_date)",
            {"a": live},
        )
        await tx.run("INSERT INTO alarm_targets (id, name, url) VALUES ('t', 'Ann', 'sealed')")
        await tx.run(
            """INSERT INTO alarms (id, rule, key, level, text, first_at, last_at)
               VALUES ('a', 'test', 'k', 1, 'x', now(), now())"""
        )
        await tx.run(
            """INSERT INTO alarm_deliveries (id, alarm_id, target_id, round, at, sent_at)
               VALUES ('d', 'a', 't', 1, now(), now())"""
        )


async def insert_payment(
    tx: Any, name: str, account: str, shop: identity.Shop, status: str, amount: int, refunded: int
) -> None:
    ended = status != "pending"
    await tx.run(
        """INSERT INTO payments (id, merchant_id, store_id, account_id, order_number, method, status, amount, currency,
               subject, payable_kind, payable_id, part, policy, shop, opened_by, key, fingerprint, refunded,
               refund_reserved, booked, created_at, give_up_at, due_at, final_at)
           VALUES (%(id)s, %(merchant)s, %(store)s, %(account)s, %(id)s, 'barcode', %(status)s, %(amount)s, 'USD', 'x',
               'bill', 'b', '{}', 'barcode', '{}', 'x', %(id)s, 'f', %(refunded)s, %(refunded)s, %(booked)s, now(),
               now(), CASE WHEN %(ended)s THEN NULL ELSE now() END, CASE WHEN %(ended)s THEN now() END)""",
        {
            "id": name,
            "merchant": shop.merchant.id,
            "store": shop.store.id,
            "account": account,
            "status": status,
            "amount": amount,
            "refunded": refunded,
            "booked": status == "succeeded",
            "ended": ended,
        },
    )


def test_the_list_believes_only_what_is_proven() -> None:
    account = identity.account(partner="2088100000000001")
    nothing = points.Facts(
        **{name: False for name in points.Facts.__struct_fields__ if name not in COUNTS},
        **dict.fromkeys(COUNTS[1:], 0),
        test_names=["Test kitchen"],
    )
    open_points = points.before(account, account, nothing, [], "http://shop.test", {})
    assert not any(point.done for point in open_points)
    shaky = [Finding("signature", Mark.WELL), Finding("answer", Mark.UNKNOWN), Finding("clock", Mark.WELL)]
    by_name = {point.name: point for point in points.before(account, account, nothing, shaky, "", {})}
    assert not by_name["doctor"].done and by_name["clock"].done
    assert "Test kitchen" in by_name["names"].note


COUNTS = ("test_names", "targets", "still_open", "printed_codes")


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://pay.example.com", True),
        ("http://pay.example.com", False),
        ("https://localhost", False),
        ("https://shop.test", False),
        ("https://10.0.0.8", False),
        ("https://8.8.8.8", True),
        ("https://kitchen.localhost", False),
        ("", False),
    ],
)
def test_an_address_is_public_when_alipay_could_reach_it(url: str, *, public: bool) -> None:
    assert points.is_public(url) is public


async def test_a_refused_form_leaves_people_on_the_page_they_came_from(database: Database, clock: MovableClock) -> None:
    of = await office(database, clock)
    here = f"/console/accounts/{of.shop.account_id}"
    async with browser(of, await of.person(Role.OPERATOR)) as desk:
        for form, came_from in ((f"{here}/stop", here), ("/console/alarms/silence", "/console/alarms")):
            refused = await desk.post(form, {"reason": ""}, Referer=f"{desk.client.base_url.join(came_from)}?tab=1")
            assert refused.status_code == 422
            assert f'href="{came_from}?tab=1&amp;lang=zh"' in refused.text, "another language, the same page"
            for address in set(re.findall(r'(?:href|hx-get)="(/console[^"]*)"', refused.text)):
                assert (await desk.get(html.unescape(address))).status_code == 200, address
            foreign = await desk.post(form, {"reason": ""}, Referer=f"http://elsewhere.test{came_from}/x")
            assert f"{came_from}/x" not in foreign.text


# --- whose signature --------------------------------------------------------------------------------------------------


async def test_a_pasted_message_tells_whose_signature_it_is_and_what_was_done_wrong(
    database: Database, clock: MovableClock
) -> None:
    of = await office(database, clock)
    said = {"service": "x", "partner": PID, "subject": "测试", "_input_charset": "GBK"}
    text = string_to_sign(said)
    async with browser(of, await of.person(Role.OPERATOR)) as desk:

        async def ask(sign: str, key: str, sign_type: str = "MD5") -> tuple[str, str]:
            body = {"message": f"{text}&sign_type={sign_type}", "sign": sign, "key": key}
            page = (await desk.post("/console/signature", body)).text
            found = re.search(r'data-verdict="(\w+)"', page)
            assert found, text_of(page)
            return found[1], ",".join(re.findall(r'data-word="(\w+)"', page))

        good = md5_signatory(MD5_KEY).sign(text.encode("gbk"))
        assert await ask(good, MD5_KEY) == ("right", "")
        assert await ask(md5_signatory(MD5_KEY).sign(text.encode()), MD5_KEY) == ("odd", "other_charset")
        assert await ask(good, f"{MD5_KEY}\n") == ("odd", "md5_blank")
        assert await ask(good.upper(), MD5_KEY) == ("odd", "capitals")
        assert await ask(good, "z" * 32) == ("no_key", "")
        private, public = alipay.partner_keys()
        rsa = rsa_signatory(SignType.RSA2, private, None).sign(text.encode("gbk"))
        assert await ask(rsa, public, "RSA2") == ("right", "")
        assert await ask(rsa, public, "RSA") == ("odd", "other_sign_type")
        assert await ask(rsa.replace("+", " "), public, "RSA2") in (("odd", "sign_plus_lost"), ("right", ""))
        other = rsa_signatory(SignType.RSA2, private, None).sign(b"something else")
        assert await ask(other, public, "RSA2") == ("other_text", "")
        assert (await desk.post("/console/signature", {"message": ""})).status_code == 422


async def test_a_key_of_several_accounts_names_each_of_them(database: Database, clock: MovableClock) -> None:
    of = await office(database, clock)
    private, public = alipay.partner_keys()
    shapes = {"East": private, "West": one_line(private), "Other": ""}
    async with database.transaction() as tx:
        for number, (name, key) in enumerate(shapes.items()):
            made = identity.account(partner=f"20881000000005{number:02}", md5_key=f"{name}{'k' * 27}")
            made = replace(made, private_key=key)
            await model.add_account(tx, identity.seal(), made, name=name)
    text = string_to_sign({"service": "x", "partner": PID})
    async with browser(of, await of.person(Role.OPERATOR)) as desk:

        async def owners(sign: str, pasted: str = "") -> str:
            page = (await desk.post("/console/signature", {"message": text, "sign": sign, "key": pasted})).text
            found = re.search(r'data-testid="owners">(.*?)</dd>', page, re.DOTALL)
            return text_of(found[1]) if found else ""

        ours = rsa_signatory(SignType.RSA2, private, None).sign(text.encode())
        named = await owners(ours)
        assert "East (2088100000000500), Saoma" in named and "West (2088100000000501), Saoma" in named
        assert "Other" not in named
        both = await owners(ours, public)
        assert "the key you pasted" in both and "West" in both
        md5 = await owners(md5_signatory(f"West{'k' * 27}").sign(text.encode()))
        assert md5.strip() == "West (2088100000000501), MD5"


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_every_page_about_accounts_is_there_in_both_languages(
    database: Database, clock: MovableClock, lang: str
) -> None:
    of = await office(database, clock)
    here = f"/console/accounts/{of.shop.account_id}"
    async with browser(of, await of.person(Role.OPERATOR), lang) as desk:
        for path in ("", "/new", "/new?channel=acquirer"):
            assert (await desk.get(f"/console/accounts{path}")).status_code == 200
        for path in ("", "/edit", "/keys", "/production", "/doctor"):
            assert (await desk.get(here + path)).status_code == 200
        assert ("谁的签名" in (await desk.get("/console/signature")).text) is (lang == "zh")


def test_every_finding_oddity_and_point_is_there_in_chinese() -> None:
    zh = texts("zh")
    said = {text for pair in CHECKS.values() for text in pair} | set(UNKNOWN.values())
    said |= {text for words in FAULTS.values() for text in (words.what, words.todo)}
    said |= {text for pair in BY_HAND.values() for text in pair} | set(console_accounts.WHAT.values())
    said |= {text for pair in console_account_forms.FORMS.values() for text in pair}
    said |= set(console_signature.ODDITIES.values()) | set(console_signature.VERDICTS.values())
    assert [text for text in sorted(said) if zh(text) == text and text not in ("Webhook",)] == []


def test_operators_are_told_where_everything_comes_from() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "accounts.md").read_text(encoding="utf-8")
    words = (
        "PID",
        "APPID",
        "callback",
        "/alipay/callback",
        "/alipay/notify/",
        "/acquirer/notify/",
        "SFTP",
        "keys show",
    )
    for word in words:
        assert word in page, word
    for address in (*going_live.SANDBOX.values(), *going_live.PRODUCTION.values()):
        assert f"`{address}`" in page
