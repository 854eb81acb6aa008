"""The wallet's way in: authorization by published steps 2 and 3, and what each attack on it meets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from saoma.alipay.account import Account
from saoma.identity import model
from saoma.identity.screens import wallet
from saoma.identity.wallet_sign_in import authorize_path, buyer_in, new_state, remember_buyer, take_state
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.errors import OutcomeUnknown
from tests.identity import make, web

BUYER = "2088000000000001"
CODE = "ca34ea491e7146cc87d25fca24c4cD11"


class FakeWallets:
    """Exchanges codes as told; remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.answer: str | Exception = BUYER

    async def buyer_of(self, account: Account, auth_code: str) -> str:
        """The buyer of the code."""
        self.asked.append((account.partner, auth_code))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> AsyncIterator[SimpleNamespace]:
    """A shop, and two phones inside the Alipay app."""
    shop = await make.shop(database)
    wallets = FakeWallets()
    app = web.app([wallet.router], database, clock, wallets=wallets)
    async with web.browsers(app, 2, web.ALIPAY) as (phone, other):
        yield SimpleNamespace(db=database, clock=clock, shop=shop, wallets=wallets, phone=phone, other=other)


async def begin(phone: web.Browser, next_path: str = "/t/AB12", account_id: str = "") -> dict[str, str]:
    """Start the authorization; the query that Alipay is sent."""
    answer = await phone.get(authorize_path(next_path, account_id))
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def come_back(phone: web.Browser, state: str, code: str = CODE) -> httpx.Response:
    """What the phone does when Alipay sends it back."""
    return await phone.get(
        f"/alipay/callback?app_id=2021&source=alipay_wallet&scope=auth_base&userOutputs=&alipay_token="
        f"&auth_code={code}&state={state}"
    )


async def test_the_phone_goes_to_alipay_and_comes_back_known(house: SimpleNamespace) -> None:
    asked = await begin(house.phone)
    assert asked == {
        "app_id": "2021000000000001",
        "scope": "auth_base",
        "redirect_uri": "http://shop.test/alipay/callback",
        "state": asked["state"],
    }
    answer = await come_back(house.phone, asked["state"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/t/AB12")
    session = await house.phone.session()
    assert buyer_in(session, house.shop.account_id) == buyer_in(session) == session["buyer_id"] == BUYER
    assert [code for _, code in house.wallets.asked] == [CODE]


async def test_what_the_phone_had_before_is_kept_when_it_becomes_known(house: SimpleNamespace) -> None:
    await house.phone.plant(guest_id="gst_1")
    await come_back(house.phone, (await begin(house.phone))["state"])
    assert (await house.phone.session())["guest_id"] == "gst_1"


async def test_each_state_is_unpredictable_and_of_its_own(house: SimpleNamespace) -> None:
    states = {(await begin(house.phone))["state"] for _ in range(4)}
    assert len(states) == 4
    assert min(map(len, states)) >= 32


async def test_a_page_opened_twice_comes_back_by_either(house: SimpleNamespace) -> None:
    first, second = await begin(house.phone, "/t/one"), await begin(house.phone, "/t/two")
    assert (await come_back(house.phone, first["state"])).headers["location"] == "/t/one"
    assert (await come_back(house.phone, second["state"])).headers["location"] == "/t/two"


async def test_state_replay_a_callback_works_once(house: SimpleNamespace) -> None:
    state = (await begin(house.phone))["state"]
    await come_back(house.phone, state)
    answer = await come_back(house.phone, state, "another-code-of-an-attacker")
    assert answer.status_code == 400
    assert len(house.wallets.asked) == 1
    assert buyer_in(await house.phone.session()) == BUYER


async def test_state_replay_by_a_session_that_was_read_before_works_once_too(house: SimpleNamespace) -> None:
    state = (await begin(house.phone))["state"]
    async with house.db.reading() as rows:
        copy = bytes(await rows.value("SELECT data FROM sessions ORDER BY length(data) DESC LIMIT 1"))
    await come_back(house.phone, state)
    async with house.db.reading() as rows:
        await rows.run("UPDATE sessions SET data = %(copy)s", {"copy": copy})
    assert (await come_back(house.phone, state)).status_code == 400
    assert len(house.wallets.asked) == 1


async def test_csrf_a_callback_made_by_somebody_else_makes_nobody_known(house: SimpleNamespace) -> None:
    state_of_the_attacker = (await begin(house.other))["state"]
    for state in (state_of_the_attacker, "", "x", "%F0%9F%8D%9C"):
        answer = await come_back(house.phone, state)
        assert answer.status_code == 400
    assert buyer_in(await house.phone.session()) == ""
    assert house.wallets.asked == []


async def test_a_state_grows_old(house: SimpleNamespace) -> None:
    state = (await begin(house.phone))["state"]
    house.clock.advance(timedelta(minutes=11))
    answer = await come_back(house.phone, state)
    assert answer.status_code == 400
    assert "Scan the code on the table once more" in web.text_of(answer.text)


async def test_session_fixation_the_phone_has_another_id_once_it_is_known(house: SimpleNamespace) -> None:
    await house.other.plant(left="behind")
    house.phone.client.cookies.set("saoma_session", house.other.session_id, domain="shop.test", path="/")
    await come_back(house.phone, (await begin(house.phone))["state"])
    assert buyer_in(await house.phone.session()) == BUYER
    assert buyer_in(await house.other.session()) == ""


@pytest.mark.parametrize(
    "evil", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example"]
)
async def test_open_redirect_after_the_authorization_is_refused(house: SimpleNamespace, evil: str) -> None:
    answer = await come_back(house.phone, (await begin(house.phone, evil))["state"])
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    ("agent", "says"), [(web.ALIPAY_HK, "AlipayHK"), (web.WECHAT, "WeChat"), ("Mozilla/5.0 Chrome/120", "tap Scan")]
)
async def test_other_wallets_and_browsers_are_told_what_to_do_and_may_go_on(
    house: SimpleNamespace, agent: str, says: str
) -> None:
    answer = await house.phone.get(authorize_path("/t/AB12"), **{"User-Agent": agent})
    assert answer.status_code == 200
    assert says in web.text_of(answer.text)
    assert 'href="/t/AB12"' in answer.text
    assert "alipay_states" not in await house.phone.session()


async def test_a_failed_token_call_offers_another_try_to_the_same_page(house: SimpleNamespace) -> None:
    house.wallets.answer = OutcomeUnknown("silence")
    answer = await come_back(house.phone, (await begin(house.phone))["state"])
    assert answer.status_code == 502
    assert "Nothing was paid" in web.text_of(answer.text)
    assert f'href="/alipay/authorize?next=%2Ft%2FAB12&amp;account={house.shop.account_id}"' in answer.text
    house.wallets.answer = BUYER
    again = await come_back(house.phone, (await begin(house.phone))["state"])
    assert again.headers["location"] == "/t/AB12"


@pytest.mark.parametrize("answered", ["", "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5", "20880000000000012"])
async def test_an_id_that_no_payment_can_use_is_told_as_a_fault_of_the_shop(
    house: SimpleNamespace, answered: str
) -> None:
    house.wallets.answer = answered
    answer = await come_back(house.phone, (await begin(house.phone))["state"])
    assert answer.status_code == 502
    assert "setting of the shop" in web.text_of(answer.text)
    assert buyer_in(await house.phone.session()) == ""


async def test_a_callback_without_a_code_asks_nobody_and_offers_another_try(house: SimpleNamespace) -> None:
    for code in ("", "a" * 65, "%3Cscript%3E"):
        answer = await come_back(house.phone, (await begin(house.phone))["state"], code)
        assert answer.status_code == 502
    assert house.wallets.asked == []


async def test_a_buyer_is_known_per_account(house: SimpleNamespace) -> None:
    async with house.db.transaction() as tx:
        second = await model.add_account(tx, make.seal(), make.account(app_id="2021000000000002"))
    ambiguous = await house.phone.get(authorize_path("/t/AB12"))
    assert ambiguous.status_code == 422
    asked = await begin(house.phone, account_id=second)
    assert asked["app_id"] == "2021000000000002"
    await come_back(house.phone, asked["state"])
    session = await house.phone.session()
    assert buyer_in(session, second) == BUYER
    assert buyer_in(session, house.shop.account_id) == ""


async def test_an_unknown_account_is_not_found(house: SimpleNamespace) -> None:
    assert (await house.phone.get(authorize_path("/t/AB12", "acc_unknown"))).status_code == 404


def test_a_session_remembers_a_few_states_and_not_many(clock: MovableClock) -> None:
    session: dict[str, object] = {}
    states = [new_state(session, "acc_1", f"/t/{number}", clock.now()) for number in range(9)]
    assert take_state(session, states[0], clock.now()) is None
    assert take_state(session, states[8], clock.now()) == ("acc_1", "/t/8")
    assert take_state(session, states[8], clock.now()) is None


def test_a_second_account_does_not_forget_the_first_ones_buyer() -> None:
    session: dict[str, object] = {}
    remember_buyer(session, "acc_1", BUYER)
    remember_buyer(session, "acc_2", "2088000000000002")
    assert (buyer_in(session, "acc_1"), buyer_in(session, "acc_2")) == (BUYER, "2088000000000002")
    assert buyer_in(None) == buyer_in({}, "acc_1") == ""
