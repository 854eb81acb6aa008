"""Signing in by password, by link and by PIN; what each attack on it meets."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from saoma.identity import model, passwords
from saoma.identity.links import Links, pairing_path, sign_in_path
from saoma.identity.roles import Role
from saoma.identity.screens import home, pairing, sign_in
from saoma.identity.sign_in import SignIn, Wrong
from saoma.identity.tries import TooManyTries
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from tests.identity import make, web

ROUTERS = [sign_in.router, home.router, pairing.router]


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> AsyncIterator[SimpleNamespace]:
    """A shop with a cashier who has a password and a PIN, and two browsers."""
    shop = await make.shop(database)
    cashier = await make.staff(database, shop, login="mei", password=make.PASSWORD, pin=make.PIN)
    async with web.browsers(web.app(ROUTERS, database, clock), 2) as (browser, other):
        yield SimpleNamespace(
            db=database,
            clock=clock,
            shop=shop,
            cashier=cashier,
            browser=browser,
            other=other,
            links=Links(make.seal(), clock),
        )


async def sign_in_as_mei(browser: web.Browser, **more: str) -> Any:
    return await browser.post("/sign-in", {"login": "mei", "password": make.PASSWORD, **more})


async def test_the_right_password_leads_to_the_persons_screens(house: SimpleNamespace) -> None:
    answer = await sign_in_as_mei(house.browser)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/staff"
    page = web.text_of((await house.browser.get("/staff")).text)
    assert "Mei Lin" in page
    assert "Till" in page
    assert "Kitchen" not in page


async def test_after_signing_in_one_is_where_one_wanted_to_be(house: SimpleNamespace) -> None:
    answer = await house.browser.get("/staff?tab=1")
    assert answer.headers["location"] == "/sign-in?next=%2Fstaff%3Ftab%3D1"
    answer = await sign_in_as_mei(house.browser, next="/staff?tab=1")
    assert answer.headers["location"] == "/staff?tab=1"


@pytest.mark.parametrize("evil", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_open_redirect_after_sign_in_is_refused(house: SimpleNamespace, evil: str) -> None:
    assert evil not in (await house.browser.get(f"/sign-in?next={evil}")).text
    answer = await sign_in_as_mei(house.browser, next=evil)
    assert answer.headers["location"] == "/staff"


@pytest.mark.parametrize("planted", ["of my own making", "a" * 64, ""])
async def test_session_fixation_an_id_planted_before_is_worth_nothing_after(
    house: SimpleNamespace, planted: str
) -> None:
    await house.other.plant(left="behind")
    planted = planted or house.other.session_id
    for browser in (house.browser, house.other):
        browser.client.cookies.clear()
        browser.client.cookies.set("saoma_session", planted, domain="shop.test", path="/")
    await sign_in_as_mei(house.browser)
    assert house.browser.session_id != planted
    assert (await house.browser.get("/staff")).status_code == 200
    assert (await house.other.get("/staff")).status_code == 303
    assert "left" not in await house.other.session()


async def test_signing_in_leaves_nothing_of_whoever_was_here_before(house: SimpleNamespace) -> None:
    await house.browser.plant(staff_id="stf_before", buyer_id="2088000000000001", lang="zh")
    before = house.browser.session_id
    await sign_in_as_mei(house.browser)
    assert await house.browser.session() == {"staff_id": house.cashier.id, "lang": "zh"}
    assert house.browser.session_id != before


async def test_signing_out_ends_the_session_everywhere_it_was_copied_to(house: SimpleNamespace) -> None:
    await sign_in_as_mei(house.browser)
    copied = house.browser.session_id
    await house.browser.post("/sign-out")
    house.other.client.cookies.set("saoma_session", copied, domain="shop.test")
    for browser in (house.browser, house.other):
        assert (await browser.get("/staff")).status_code == 303


async def test_csrf_a_form_of_another_site_signs_nobody_in(house: SimpleNamespace) -> None:
    await house.browser.get("/sign-in")
    forged = await house.browser.client.post("/sign-in", data={"login": "mei", "password": make.PASSWORD})
    assert forged.status_code == 403
    assert "staff_id" not in await house.browser.session()


async def test_csrf_a_form_of_another_site_signs_nobody_out(house: SimpleNamespace) -> None:
    await sign_in_as_mei(house.browser)
    assert (await house.browser.client.post("/sign-out")).status_code == 403
    assert (await house.browser.get("/staff")).status_code == 200


async def test_a_wrong_login_and_a_wrong_password_look_the_same(house: SimpleNamespace) -> None:
    wrong_login = await house.browser.post("/sign-in", {"login": "nobody", "password": make.PASSWORD})
    wrong_password = await house.browser.post("/sign-in", {"login": "mei", "password": "wrong and long"})
    assert wrong_login.status_code == wrong_password.status_code == 401
    assert wrong_login.text.replace("nobody", "mei") == wrong_password.text
    assert make.PASSWORD not in wrong_login.text


async def test_an_unknown_login_takes_as_long_as_a_known_one() -> None:
    known = await passwords.hash_password("something long")

    async def seconds(stored: str) -> float:
        began = time.perf_counter()
        assert not await passwords.is_right(stored, "a guess")
        return time.perf_counter() - began

    await seconds("")
    quickest = {stored: min([await seconds(stored) for _ in range(3)]) for stored in ("", known)}
    assert quickest[""] > 0.5 * quickest[known]


async def test_nobody_signs_in_with_the_password_of_nobody(house: SimpleNamespace) -> None:
    await make.staff(house.db, house.shop, login="without")
    judge = SignIn(house.db, house.clock)
    assert await judge.by_password("without", "nobody signs in with this", "here") == Wrong()
    assert await judge.by_password("without", "", "here") == Wrong()


async def test_guessing_is_stopped_and_the_right_password_waits_as_well(house: SimpleNamespace) -> None:
    for _ in range(5):
        assert (await house.browser.post("/sign-in", {"login": "mei", "password": "a guess"})).status_code == 401
    stopped = await sign_in_as_mei(house.browser)
    assert stopped.status_code == 429
    assert "Wait 15 min" in web.text_of(stopped.text)
    house.clock.advance(timedelta(minutes=15))
    assert (await sign_in_as_mei(house.browser)).status_code == 303


@pytest.mark.parametrize("behind_proxy", [True, False])
async def test_behind_a_proxy_a_guesser_shuts_out_only_the_own_address(
    house: SimpleNamespace,
    behind_proxy: bool,  # noqa: FBT001
) -> None:
    app = web.app(ROUTERS, house.db, house.clock)
    app.state.house = replace(app.state.house, behind_proxy=behind_proxy)
    tries = SignIn(house.db, house.clock)._tries
    for _ in range(60):
        await tries.count("place:203.0.113.9" if behind_proxy else "place:127.0.0.1", 60, timedelta(minutes=15))
    honest = {"login": "mei", "password": make.PASSWORD}
    async with web.browsers(app) as (browser,):
        elsewhere = await browser.post("/sign-in", honest, **{"X-Forwarded-For": "1.2.3.4, 203.0.113.10"})
        there = await browser.post("/sign-in", honest, **{"X-Forwarded-For": "1.2.3.4, 203.0.113.9"})
    assert elsewhere.status_code == (303 if behind_proxy else 429)
    assert there.status_code == 429


async def test_guesses_made_at_once_are_counted_one_by_one(house: SimpleNamespace) -> None:
    judge = SignIn(house.db, house.clock)

    async def guess(number: int) -> bool:
        try:
            return await judge.by_password("mei", f"guess {number}", "one place") == Wrong()
        except TooManyTries:
            return False

    assert sum(await asyncio.gather(*(guess(number) for number in range(12)))) == 5


async def test_the_same_login_from_many_places_is_stopped_too(house: SimpleNamespace) -> None:
    tries = SignIn(house.db, house.clock)._tries
    name = "login:" + hashlib.sha256(b"mei").hexdigest()[:32]
    for _ in range(30):
        await tries.count(name, 30, timedelta(minutes=15))
    with pytest.raises(TooManyTries):
        await SignIn(house.db, house.clock).by_password("mei", make.PASSWORD, "a new place")


async def test_a_right_password_makes_earlier_slips_forgotten(house: SimpleNamespace) -> None:
    for _ in range(3):
        for _ in range(4):
            await house.browser.post("/sign-in", {"login": "mei", "password": "a slip"})
        assert (await sign_in_as_mei(house.browser)).status_code == 303


async def test_a_whole_shop_may_sign_in_from_one_address_all_day(house: SimpleNamespace) -> None:
    judge = SignIn(house.db, house.clock)
    for _ in range(59):
        await judge._tries.count("place:the shop", 60, timedelta(minutes=15))
    for _ in range(3):
        assert await judge.by_password("mei", make.PASSWORD, "the shop") != Wrong()


async def test_who_signs_in_rightly_now_and_then_gets_no_more_guesses_at_others(house: SimpleNamespace) -> None:
    judge = SignIn(house.db, house.clock)
    for _ in range(59):
        await judge._tries.count("place:one place", 60, timedelta(minutes=15))
    await judge.by_password("mei", make.PASSWORD, "one place")
    assert await judge.by_password("other", "a guess", "one place") == Wrong()
    with pytest.raises(TooManyTries):
        await judge.by_password("another", "a guess", "one place")


async def test_whoever_is_dismissed_is_out_at_the_next_click(house: SimpleNamespace) -> None:
    await sign_in_as_mei(house.browser)
    async with house.db.transaction() as tx:
        await model.dismiss(tx, house.cashier.id)
    assert (await house.browser.get("/staff")).status_code == 303
    assert (await sign_in_as_mei(house.browser)).status_code == 401


async def test_a_link_signs_in_by_its_button_and_not_by_being_fetched(house: SimpleNamespace) -> None:
    path = sign_in_path(house.links, house.cashier.id, timedelta(hours=1))
    shown = await house.browser.get(path)
    assert "Go on as Mei Lin" in web.text_of(shown.text)
    assert "staff_id" not in await house.browser.session()
    assert (await house.browser.post(path)).headers["location"] == "/staff"
    assert (await house.browser.get("/staff")).status_code == 200


async def test_a_link_that_has_ended_says_so_and_signs_nobody_in(house: SimpleNamespace) -> None:
    path = sign_in_path(house.links, house.cashier.id, timedelta(hours=1))
    house.clock.advance(timedelta(hours=1))
    assert (await house.browser.get(path)).status_code == 422
    answer = await house.browser.post(path)
    assert answer.status_code == 422
    assert "This link has ended" in web.text_of(answer.text)
    assert "staff_id" not in await house.browser.session()


async def test_a_single_use_link_replayed_signs_nobody_in(house: SimpleNamespace) -> None:
    path = sign_in_path(house.links, house.cashier.id, timedelta(hours=1), once=True)
    assert (await house.browser.post(path)).status_code == 303
    assert (await house.other.post(path)).status_code == 409
    assert "staff_id" not in await house.other.session()


async def test_a_colleague_takes_over_the_till_by_pin(house: SimpleNamespace) -> None:
    colleague = await make.staff(house.db, house.shop, name="Bo Wen", pin="1357")
    await sign_in_as_mei(house.browser)
    assert "Bo Wen" in web.text_of((await house.browser.get("/switch")).text)
    wrong = await house.browser.post("/switch", {"staff_id": colleague.id, "pin": "0000"})
    assert wrong.status_code == 401
    assert (await house.browser.session())["staff_id"] == house.cashier.id
    right = await house.browser.post("/switch", {"staff_id": colleague.id, "pin": "1357", "next": "/till"})
    assert right.headers["location"] == "/till"
    assert (await house.browser.session())["staff_id"] == colleague.id


async def test_a_pin_opens_nothing_at_another_merchants_till(house: SimpleNamespace) -> None:
    other = await make.shop(house.db, name="Burrito Bar")
    stranger = await make.staff(house.db, other, Role.OWNER, name="Ana", pin="1357")
    await sign_in_as_mei(house.browser)
    assert "Ana" not in web.text_of((await house.browser.get("/switch")).text)
    answer = await house.browser.post("/switch", {"staff_id": stranger.id, "pin": "1357"})
    assert answer.status_code == 401


async def test_a_pin_is_not_guessed_in_time(house: SimpleNamespace) -> None:
    colleague = await make.staff(house.db, house.shop, pin="1357")
    await sign_in_as_mei(house.browser)
    for number in range(5):
        await house.browser.post("/switch", {"staff_id": colleague.id, "pin": f"000{number}"})
    assert (await house.browser.post("/switch", {"staff_id": colleague.id, "pin": "1357"})).status_code == 429


async def test_a_pin_alone_signs_nobody_in(house: SimpleNamespace) -> None:
    answer = await house.browser.post("/switch", {"staff_id": house.cashier.id, "pin": make.PIN})
    assert answer.headers["location"] == "/sign-in"


async def test_a_device_is_paired_once_and_the_next_one_takes_its_place(house: SimpleNamespace) -> None:
    async with house.db.transaction() as tx:
        till = await model.add_terminal(tx, house.shop.store.id, name="Till 1")
    first = pairing_path(house.links, till.id)
    assert "Till 1" in web.text_of((await house.browser.get(first)).text)
    assert (await house.browser.post(first)).status_code == 303
    await sign_in_as_mei(house.browser)
    assert "This device is Till 1" in web.text_of((await house.browser.get("/staff")).text)
    assert (await house.other.post(first)).status_code == 409
    await house.other.post(pairing_path(house.links, till.id))
    assert "This device is" not in web.text_of((await house.browser.get("/staff")).text)


async def test_only_a_manager_of_the_store_makes_pairing_links(house: SimpleNamespace) -> None:
    async with house.db.transaction() as tx:
        till = await model.add_terminal(tx, house.shop.store.id, name="Till 1")
    await sign_in_as_mei(house.browser)
    assert (await house.browser.post(f"/office/terminals/{till.id}/link")).status_code == 403
    other = await make.shop(house.db, name="Burrito Bar")
    for shop, status in ((other, 404), (house.shop, 200)):
        manager = await make.staff(house.db, shop, Role.MANAGER)
        await house.browser.post(sign_in_path(house.links, manager.id, timedelta(hours=1)))
        answer = await house.browser.post(f"/office/terminals/{till.id}/link")
        assert answer.status_code == status
    assert "/pair/" in answer.text


async def test_the_trail_tells_who_came_in_and_how(house: SimpleNamespace) -> None:
    await house.browser.post("/sign-in", {"login": "mei", "password": "a slip"})
    await sign_in_as_mei(house.browser)
    async with house.db.reading() as rows:
        seen = await rows.value("SELECT string_agg(what || ':' || subject, ' ' ORDER BY id) FROM audit")
    assert seen == f"sign_in_refused:{house.cashier.id} signed_in:{house.cashier.id}"


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_every_sign_in_page_is_served_in_both_languages(house: SimpleNamespace, lang: str) -> None:
    for path in ("/sign-in", "/sign-in/link/no", "/pair/no"):
        page = (await house.browser.get(f"{path}?lang={lang}")).text
        assert ("登录" in page or "链接" in page) == (lang == "zh"), path
