"""Tokens of both scopes: how long they live, what they open, and the choices where captures differ."""

from __future__ import annotations

import pytest

from saoma.sandbox.authorizing import ASKING, SILENT, Authorizations, callback, request_fault
from saoma.sandbox.book.model import Partner
from saoma.sandbox.openapi.token import INFO_SHARE, OAUTH_TOKEN
from saoma.sandbox.openapi_choices import OpenApiChoices
from tests.sandbox import make as sandboxes
from tests.sandbox.make import ALICE, APP, KEY, PARTNER
from tests.sandbox.openapi.make import Desk, desk

OTHER = "2016000000000002"


@pytest.fixture
def till() -> Desk:
    return desk()


def code(till: Desk, scope: str = SILENT, app_id: str = APP) -> str:
    return till.sandbox.authorizations.new_code(app_id, till.sandbox.book.buyer("alice"), scope)


def bought(till: Desk, scope: str = SILENT, **changes: str) -> dict[str, object]:
    given = {"grant_type": "authorization_code", "code": code(till, scope)} | changes
    return dict(till.read(till.send(till.signed(OAUTH_TOKEN, None, **given))).fields)


def shared(till: Desk, token: object) -> dict[str, object]:
    return till.ask(INFO_SHARE, None, auth_token=str(token))


@pytest.mark.parametrize(
    ("scope", "begins", "lives"),
    [
        (SILENT, "authbseB", (1_296_000, 2_592_000)),
        (ASKING, "authusrB", (1_296_000, 2_592_000)),
        (f"{SILENT},{ASKING}", "composeB", (1_296_000, 2_592_000)),
    ],
)
def test_tokens_begin_and_live_by_their_scope(till: Desk, scope: str, begins: str, lives: tuple[int, int]) -> None:
    said = bought(till, scope)
    for name in ("access_token", "refresh_token"):
        text = str(said[name])
        assert text.startswith(begins) and len(text) == 40
    assert (said["expires_in"], said["re_expires_in"]) == lives
    assert said["alipay_user_id"] == "20880000000000000000000000009999"


def test_silent_tokens_may_live_a_year_and_the_shortest_of_a_set_counts() -> None:
    choices = OpenApiChoices(base_token_seconds=31_536_000, base_refresh_seconds=31_536_000, auth_start=False)
    till = desk(sandboxes.settings(openapi=choices))
    said = bought(till)
    assert (said["expires_in"], said["re_expires_in"]) == (31_536_000, 31_536_000)
    assert "auth_start" not in said
    assert bought(till, f"{SILENT},{ASKING}")["expires_in"] == 1_296_000


def test_who_was_asked_tells_their_name_and_who_was_not_does_not(till: Desk) -> None:
    said = shared(till, bought(till, ASKING)["access_token"])
    assert said == {"code": "10000", "msg": "Success", "nick_name": "Alice", "user_id": ALICE}
    silent = shared(till, bought(till)["access_token"])
    assert (silent["code"], silent["sub_code"]) == ("40006", "isv.insufficient-user-permissions")


def test_a_token_that_opens_nothing_is_refused_by_its_own_word(till: Desk) -> None:
    assert shared(till, "x" * 40)["sub_code"] == "aop.invalid-auth-token"
    assert (shared(till, "")["code"], shared(till, "")["sub_code"]) == ("40001", "isv.missing-session")
    said = bought(till, ASKING)
    till.push(days=15, seconds=1)
    assert (shared(till, said["access_token"])["code"], shared(till, said["access_token"])["sub_code"]) == (
        "20001", "aop.auth-token-time-out",
    )  # fmt: skip


def test_a_refresh_ends_the_old_pair_and_keeps_the_scope(till: Desk) -> None:
    first = bought(till, ASKING)
    second = bought(till, grant_type="refresh_token", refresh_token=str(first["refresh_token"]), code="")
    assert shared(till, first["access_token"])["sub_code"] == "aop.invalid-auth-token"
    assert shared(till, second["access_token"])["nick_name"] == "Alice"
    again = bought(till, grant_type="refresh_token", refresh_token=str(first["refresh_token"]), code="")
    assert again["sub_code"] == "isv.refreshed-token-invalid"


@pytest.mark.parametrize(
    ("choice", "of_code", "of_token"),
    [
        ("invalid", "isv.code-invalid", "isv.refresh-token-invalid"),
        ("isv.unmatched-app-id", "isv.unmatched-app-id", "isv.unmatched-app-id"),
    ],
)
def test_what_belongs_to_another_application_is_refused_in_one_of_two_words(
    choice: str, of_code: str, of_token: str
) -> None:
    mine = Partner(PARTNER, APP, md5_key=KEY, public_key=sandboxes.partner_keys()[1])
    other = Partner("2088000000000002", OTHER, md5_key=KEY, public_key=sandboxes.partner_keys()[1])
    till = desk(sandboxes.settings(partners=[mine, other], openapi=OpenApiChoices(other_apps_token=choice)))  # type: ignore[arg-type]
    assert bought(till, code=code(till, app_id=OTHER))["sub_code"] == of_code
    refresh = str(bought(till)["refresh_token"])
    taken = bought(till, app_id=OTHER, grant_type="refresh_token", refresh_token=refresh, code="")
    assert taken["sub_code"] == of_token
    assert "access_token" in bought(till, grant_type="refresh_token", refresh_token=refresh, code="")


def test_the_whole_callback_address_may_be_compared() -> None:
    partner = Partner(PARTNER, APP, callback_hosts=["https://auth.example.com/authCallBack"])
    for address, fine in {
        "https://auth.example.com/authCallBack": True,
        "http://auth.example.com/authCallBack": False,
        "https://auth.example.com/authRedirect": False,
        "https://auth.example.com/": False,
        "https://example.com/": False,
    }.items():
        fault = request_fault(partner, SILENT, address, "", exact=True)
        assert (fault is None) is fine, address


def test_the_printed_callback_comes_out_letter_by_letter() -> None:
    assert callback(
        "http://example.com/doc/toAuthPage.html", "2014101500013658", SILENT, "ca34ea491e7146cc87d25fca24c4cD11", None
    ) == (
        "http://example.com/doc/toAuthPage.html?app_id=2014101500013658&source=alipay_wallet&scope=auth_base"
        "&auth_code=ca34ea491e7146cc87d25fca24c4cD11"
    )


def test_later_callbacks_carry_more_and_an_empty_token() -> None:
    later = callback("http://example.com/a?b=1", APP, SILENT, "c" * 32, "s", more=True)
    assert later == (
        f"http://example.com/a?b=1&app_id={APP}&source=alipay_wallet&userOutputs=auth_base&scope=auth_base"
        f"&alipay_token=&auth_code={'c' * 32}&state=s"
    )


def test_tokens_are_known_after_a_restart(till: Desk) -> None:
    said = bought(till, ASKING)
    again = Authorizations(till.sandbox.book)
    assert again.read(str(said["access_token"]), APP).scope == ASKING
    assert again.refresh(str(said["refresh_token"]), APP).scope == ASKING
