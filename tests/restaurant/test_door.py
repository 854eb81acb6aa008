"""Who may order from a table: printed codes only ask, what proves ends with the meal, old phones stay outside."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.food.model import LineStatus
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import Conflict
from saoma.kit.seal import Seal
from saoma.restaurant import sittings
from saoma.restaurant.bill import Whole
from saoma.restaurant.codes import WRONG_WORDS, code_of, is_word, turn_in, word_of
from saoma.restaurant.model import Strength
from saoma.restaurant.rules import DiningRules, rules_of, set_rules
from saoma.restaurant.tables import place
from tests.identity.make import SECRET
from tests.restaurant import make
from tests.restaurant.make import ANNA, BEN, Phone, Restaurant, app, phone, restaurant, till, wallet_phone

SEAL = Seal(SECRET)


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> Restaurant:
    return await restaurant(database, clock)


async def asks_for(house: Restaurant, strength: Strength) -> None:
    async with house.db.transaction() as tx:
        await set_rules(tx, house.store_id, DiningRules(strength), house.clock.now())


async def code_now(house: Restaurant, table: int = 0) -> str:
    """The address of the code that rotates, as a slip or screen shows it now."""
    at = house.tables[table]
    async with house.db.reading() as rows:
        turn = (await place(rows, at.code)).turn
    return f"/t/{at.code}?k={code_of(SEAL, at.id, turn)}"


async def chooses(browser: Phone, house: Restaurant, table: int = 0) -> int:
    where = f"/t/{house.tables[table].code}"
    dish = house.dish("tea").id
    return (await browser.post(f"{where}/add", {"item": dish, "key": make.fresh()})).status_code


async def sent(house: Restaurant) -> int:
    """How many dishes the kitchen was given."""
    async with house.db.reading() as rows:
        return int(await rows.value("SELECT count(*) FROM tab_lines WHERE status NOT IN ('basket', 'void')"))


async def test_qr_codes_abused_from_home_a_photo_of_the_printed_code_sends_nothing_to_the_kitchen(
    house: Restaurant,
) -> None:
    where = f"/t/{house.tables[0].code}"
    for strength in (Strength.STAFF, Strength.CODE):
        await asks_for(house, strength)
        async with phone(app(house)) as at_home:
            assert (await at_home.get(where)).status_code == 200, "the menu is for everyone"
            assert await chooses(at_home, house) == 200
            for _ in range(3):
                answer = await at_home.post(f"{where}/send")
                assert make.testids(answer.text, "knocked") == 1
    assert await sent(house) == 0


async def test_qr_codes_abused_from_home_the_staff_see_who_asks_and_turn_nobody_into_an_order(
    house: Restaurant,
) -> None:
    await asks_for(house, Strength.STAFF)
    where = f"/t/{house.tables[0].code}"
    server = app(house)
    async with phone(server) as at_home, till(server, house, Role.WAITER) as waiter:
        await chooses(at_home, house)
        await at_home.post(f"{where}/send")
        shown = (await waiter.get("/till/knocks", htmx=True)).text
        assert make.testids(shown, "knock") == 1
        guest_id = shown.partition("/till/knocks/")[2].partition("/")[0]
        assert make.testids((await waiter.post(f"/till/knocks/{guest_id}/turn-away")).text, "knock") == 0
        assert (await at_home.post(f"{where}/send")).status_code == 200
        assert make.testids((await waiter.get("/till/knocks", htmx=True)).text, "knock") == 0, "nobody rings twice"
        await waiter.post(f"/till/knocks/{guest_id}/let-in")
    assert await sent(house) == 0


async def test_one_yes_of_the_staff_sends_the_round_that_was_asked_for_once(house: Restaurant) -> None:
    await asks_for(house, Strength.STAFF)
    where = f"/t/{house.tables[0].code}"
    server = app(house)
    async with wallet_phone(server, house, ANNA) as amy, till(server, house, Role.WAITER) as waiter:
        await amy.get(where)
        await chooses(amy, house)
        await amy.post(f"{where}/send")
        guest_id = (await waiter.get("/till/knocks", htmx=True)).text.partition("/till/knocks/")[2].partition("/")[0]
        for _ in range(2):
            await waiter.post(f"/till/knocks/{guest_id}/let-in")
        assert await sent(house) == 1
        # From now on this phone just orders.
        await chooses(amy, house)
        await amy.post(f"{where}/send")
        assert await sent(house) == 2


async def test_somebody_at_the_table_lets_a_friend_in_and_a_stranger_sees_nothing_of_them(house: Restaurant) -> None:
    await asks_for(house, Strength.CODE)
    where = f"/t/{house.tables[0].code}"
    server = app(house)
    async with wallet_phone(server, house, ANNA) as amy, wallet_phone(server, house, BEN) as ben:
        await amy.get(await code_now(house))
        await amy.get(where)
        await chooses(amy, house)
        await amy.post(f"{where}/send")
        assert await sent(house) == 1
        # Ben has only the printed code: his own basket, nobody else's, and no bill.
        await ben.get(where)
        await chooses(ben, house)
        basket = (await ben.get(f"{where}/basket", htmx=True)).text
        assert (make.testids(basket, "basket-line"), make.testids(basket, "ordered-line")) == (1, 0)
        assert "Nothing ordered yet" in (await ben.get(f"{where}/bill", htmx=True)).text
        await ben.post(f"{where}/send")
        # Amy presses send: her round goes, not his.
        await chooses(amy, house)
        await amy.post(f"{where}/send")
        assert await sent(house) == 2
        again = await amy.post(f"{where}/send")
        assert "Let them in first" in again.text and await sent(house) == 2
        beside = (await amy.get(f"{where}/basket", htmx=True)).text
        assert make.testids(beside, "beside") == 1
        guest_id = beside.partition("/guests/")[2].partition("/")[0]
        assert (await ben.post(f"{where}/guests/{guest_id}/let-in")).status_code == 403, "not by oneself"
        await amy.post(f"{where}/guests/{guest_id}/let-in")
        assert await sent(house) == 3


async def test_the_code_of_the_meal_is_refused_afterwards_and_says_what_to_do(house: Restaurant) -> None:
    await asks_for(house, Strength.CODE)
    where = f"/t/{house.tables[0].code}"
    server = app(house)
    photo = await code_now(house)
    async with wallet_phone(server, house, ANNA) as amy:
        await amy.get(photo)
        await amy.get(where)
        await chooses(amy, house)
        await amy.post(f"{where}/send")
        async with house.db.reading() as rows:
            here = await place(rows, house.tables[0].code)
        assert here.sitting is not None
        await house.money_arrives(await house.pays(here.sitting, Whole()))
    assert await code_now(house) != photo
    async with phone(server) as at_home:
        answer = await at_home.get(photo)
        assert answer.headers["location"] == f"{where}?old=1"
        assert make.testids((await at_home.get(answer.headers["location"])).text, "old-code") == 1
        await chooses(at_home, house)
        await at_home.post(f"{where}/send")
        assert await sent(house) == 1
    async with phone(server, make.ALIPAY) as stranger:
        asked = await stranger.get(f"{where}?old=1")
        assert asked.headers["location"].startswith("/alipay/authorize?next=%2Ft%2F")
        assert "%3Fold%3D1" in asked.headers["location"], "whom Alipay names first is told on the way back"
    # The next party scans what the table shows now, while the old bill still lingers, and orders at once.
    async with phone(server) as next_party:
        await next_party.get(await code_now(house))
        await chooses(next_party, house)
        await next_party.post(f"{where}/send")
    assert await sent(house) == 2


@pytest.mark.parametrize("strength", Strength)
async def test_an_old_phone_of_a_past_sitting_never_orders_into_the_next(house: Restaurant, strength: Strength) -> None:
    where = f"/t/{house.tables[0].code}"
    server = app(house)
    async with phone(server) as old:
        await old.get(where)
        await chooses(old, house)
        await old.post(f"{where}/send")
        sitting, _ = await house.sit(ANNA)
        await house.money_arrives(await house.pays(sitting, Whole()))
        async with house.db.transaction() as tx:
            await sittings.close(tx, sitting.id, house.clock.now(), by="staff")
        await asks_for(house, strength)
        await house.sit(BEN)
        before = await sent(house)
        assert await chooses(old, house) == 409, "the page is still open on the old phone"
        assert (await old.post(f"{where}/send")).status_code == 403
        assert (await old.post(f"{where}/name", {"name": "Me"})).status_code == 409
    async with house.db.reading() as rows:
        now = (await place(rows, house.tables[0].code)).sitting
        assert now is not None and now.id != sitting.id
        assert len(await sittings.guests(rows, now.id)) == 1
    assert await sent(house) == before


async def test_four_digits_open_the_table_and_guessing_them_ends(house: Restaurant) -> None:
    await asks_for(house, Strength.CODE)
    at = house.tables[0]
    word = word_of(SEAL, at.id, 1)
    wrong = "0000" if word != "0000" else "1111"
    server = app(house)
    async with phone(server) as mia:
        assert (await mia.post(f"/t/{at.code}/word", {"word": wrong}, htmx=False)).status_code == 403
        assert (
            await mia.post(f"/t/{at.code}/word", {"word": f" {word[:2]} {word[2:]} "}, htmx=False)
        ).status_code == 303
        await chooses(mia, house)
        await mia.post(f"/t/{at.code}/send")
    assert await sent(house) == 1
    async with phone(server) as guesser:
        for _ in range(WRONG_WORDS):
            await guesser.post(f"/t/{at.code}/word", {"word": wrong}, htmx=False)
        assert (await guesser.post(f"/t/{at.code}/word", {"word": word}, htmx=False)).status_code == 403


async def test_an_open_table_is_as_easy_as_ever(house: Restaurant) -> None:
    async with phone(app(house)) as mia:
        await chooses(mia, house)
        await mia.post(f"/t/{house.tables[0].code}/send")
    async with house.db.reading() as rows:
        assert {line.status for line in await sittings.ordering.lines(rows, (await _tab(rows)))} == {LineStatus.SENT}


async def _tab(rows: object) -> str:
    return str(await rows.value("SELECT id FROM tabs"))  # type: ignore[attr-defined]


async def test_the_owner_chooses_how_strict_tables_are_and_staff_show_the_codes_of_now(house: Restaurant) -> None:
    server = app(house)
    async with till(server, house, Role.MANAGER) as office, till(server, house, Role.WAITER) as waiter:
        assert (await office.post("/office/tables/rules", {"strength": "code", "tips": "5, 12"})).status_code == 303
        bad = await office.post("/office/tables/rules", {"strength": "code", "tips": "5, 500"})
        assert bad.status_code == 422 and "5, 500" in bad.text
        async with house.db.reading() as rows:
            assert await rules_of(rows, house.store_id) == DiningRules(Strength.CODE, [5, 12])
        assert (await waiter.post("/office/tables/rules", {"strength": "open"})).status_code == 403
        listed = (await waiter.get("/till/codes")).text
        at = house.tables[0]
        assert word_of(SEAL, at.id, 1) in listed
        slip = (await waiter.get(f"/till/codes/{at.id}")).text
        assert code_of(SEAL, at.id, 1) in slip
        assert (await waiter.get("/till/codes/tbl_of_another_shop")).status_code == 404


@given(turn=st.integers(1, 10_000), other=st.integers(1, 10_000), table=st.sampled_from(["tbl_1", "tbl_2"]))
def test_a_code_holds_for_one_table_and_one_party_only(turn: int, other: int, table: str) -> None:
    code = code_of(SEAL, "tbl_1", turn)
    assert turn_in(SEAL, code, table) == (turn if table == "tbl_1" else None)
    assert turn_in(Seal("another secret of thirty-two chars!"), code, "tbl_1") is None
    assert turn_in(SEAL, code[:-1] + ("A" if code[-1] != "A" else "B"), "tbl_1") in (None, turn)
    word = word_of(SEAL, table, turn)
    assert len(word) == 4 and word.isdecimal()
    assert is_word(SEAL, table, other, word) == (word_of(SEAL, table, other) == word)


async def test_qr_codes_abused_from_home_strangers_fill_no_table_and_keep_nobody_out_who_is_there(
    house: Restaurant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sittings, "MOST_OUTSIDE", 3)
    await asks_for(house, Strength.CODE)
    code = house.tables[0].code
    for stranger in range(5):
        with contextlib.suppress(Conflict):
            await house.sit(f"stranger {stranger}")
    async with house.db.transaction() as tx:
        here = await place(tx, code)
        assert here.sitting is not None
        assert len(await sittings.guests(tx, here.sitting.id)) == 3
        _, anna = await sittings.join(tx, code, ANNA, "", house.clock.now(), proof=here.turn)
    assert anna.admitted_at is not None
