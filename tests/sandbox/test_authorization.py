"""The silent authorization and the token it buys: whose wallet, which host, once, and not for long."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from saoma.alipay.wire import OpenApiAnswer, read_openapi_answer
from saoma.sandbox.authorizing import callback
from saoma.sandbox.book.model import Partner
from tests.sandbox import make
from tests.sandbox.make import ALICE, APP, KEY, PARTNER, Running

CALLBACK = "http://pos.example.com/alipay/callback"
METHOD = "alipay.system.oauth.token"


async def authorize(
    wire: Running, host: str = "", cookie: str = "anna", **query: str
) -> tuple[int, str, dict[str, list[str]]]:
    query = {"app_id": APP, "scope": "auth_base", "redirect_uri": CALLBACK, "state": "s-1"} | query
    headers = ({"Host": host} if host else {}) | ({"Cookie": f"wallet_buyer={cookie}"} if cookie else {})
    url = f"{wire.url}/oauth2/publicAppAuthorize.htm"
    async with wire.client.get(url, params=query, headers=headers, allow_redirects=False) as answer:
        location = answer.headers.get("Location", "")
        return answer.status, location or await answer.text(), parse_qs(urlsplit(location).query)


async def code_for(wire: Running, **query: str) -> str:
    _, _, back = await authorize(wire, **query)
    return back["auth_code"][0]


async def token(wire: Running, sign: bool = True, **changes: str) -> OpenApiAnswer:  # noqa: FBT001, FBT002
    fields = {
        "app_id": APP,
        "method": METHOD,
        "format": "JSON",
        "charset": "utf-8",
        "timestamp": "2024-01-05 12:15:32",
        "version": "1.0",
        "grant_type": "authorization_code",
    } | changes
    fields = {name: value for name, value in fields.items() if value}
    signatory = make.partner_signatory()
    whole = make.signed(fields, signatory, open_api=True) if sign else fields
    async with wire.client.post(f"{wire.url}/gateway.do", data=whole) as answer:
        assert answer.status == 200
        said = read_openapi_answer(await answer.read(), fields.get("charset", "utf-8"))
    if sign and "app_id" in fields and said.fields.get("sub_code") != "isv.invalid-app-id":
        assert said.is_signed_by(signatory) or said.fields["sub_code"] == "isv.invalid-signature"
    return said


async def refusal(wire: Running, **changes: str) -> str:
    said = await token(wire, **changes)
    assert said.node == "error_response"
    return str(said.fields["sub_code"])


async def test_the_wallet_comes_back_with_a_code_and_what_alipay_appends(wire: Running) -> None:
    status, location, back = await authorize(wire)
    assert status == 302
    assert location.startswith(CALLBACK + "?")
    assert re.fullmatch(r"[0-9a-f]{32}", back.pop("auth_code")[0])
    assert back == {"app_id": [APP], "source": ["alipay_wallet"], "scope": ["auth_base"], "state": ["s-1"]}


async def test_a_code_buys_the_buyers_number(wire: Running) -> None:
    said = await token(wire, code=await code_for(wire))
    assert said.node == "alipay_system_oauth_token_response"
    assert said.fields["user_id"] == wire.book.buyer("anna").user_id
    assert re.fullmatch(r"2088\d{12}", said.fields["user_id"])
    assert len(said.fields["access_token"]) == len(said.fields["refresh_token"]) == 40
    assert isinstance(said.fields["expires_in"], int)
    assert "code" not in said.fields


async def test_the_host_name_says_whose_wallet_it_is(wire: Running) -> None:
    port = urlsplit(wire.url).port
    _, _, back = await authorize(wire, host=f"chen.localhost:{port}", cookie="anna")
    said = await token(wire, code=back["auth_code"][0])
    assert said.fields["user_id"] == wire.book.buyer("chen").user_id


async def test_who_is_nobody_yet_chooses_a_test_buyer(wire: Running) -> None:
    status, page, _ = await authorize(wire, cookie="")
    assert status == 200
    assert "wallet_buyer=chen" in page
    said = await token(wire, code=await code_for(wire, cookie="", wallet_buyer="alice"))
    assert said.fields["user_id"] == ALICE


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"app_id": "nobody"}, "not known"),
        ({"scope": "auth_zhima"}, "auth_base"),
        ({"scope": ""}, "auth_base"),
        ({"redirect_uri": "javascript:alert(1)"}, "redirect_uri"),
        ({"redirect_uri": "/relative"}, "redirect_uri"),
        ({"state": "状态"}, "state"),
    ],
)
async def test_a_wrong_authorization_ends_on_a_page_and_not_at_the_callback(
    wire: Running, query: dict[str, str], words: str
) -> None:
    status, page, _ = await authorize(wire, **query)
    assert status == 400
    assert words in page


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("https://auth.example.com/authCallBack", True),
        ("http://auth.example.com/authCallBack", True),
        ("https://auth.example.com/other", True),
        ("http://www.example.com/", False),
        ("http://example.com/", False),
        ("http://auth.example.com.evil.example/", False),
        ("http://auth.example.com@evil.example/", False),
    ],
)
async def test_of_the_callback_address_the_host_decides(address: str, fine: bool) -> None:  # noqa: FBT001
    fixed = Partner(PARTNER, APP, md5_key=KEY, callback_hosts=["auth.example.com"])
    async with make.running(config=make.settings(partners=[fixed])) as wire:
        status, _, _ = await authorize(wire, redirect_uri=address)
    assert status == (302 if fine else 400)


def test_what_is_appended_respects_what_is_there() -> None:
    back = callback("http://a.example/c?x=1#top", "app", "auth_base", "code", "a&b")
    assert (
        back == "http://a.example/c?x=1&app_id=app&source=alipay_wallet&scope=auth_base&auth_code=code&state=a%26b#top"
    )


async def test_a_code_is_good_once(wire: Running) -> None:
    code = await code_for(wire)
    await token(wire, code=code)
    assert await refusal(wire, code=code) == "isv.code-invalid"


async def test_a_code_is_too_old_after_three_minutes(wire: Running) -> None:
    early, late = await code_for(wire), await code_for(wire)
    await wire.advance(minutes=3)
    assert (await token(wire, code=early)).fields["user_id"]
    await wire.advance(seconds=1)
    assert await refusal(wire, code=late) == "isv.code-invalid"


async def test_a_code_of_another_application_is_refused_and_spent() -> None:
    other = Partner("2088000000000002", "2016000000000002", md5_key=KEY)
    mine = Partner(PARTNER, APP, md5_key=KEY, public_key=make.partner_keys()[1])
    async with make.running(config=make.settings(partners=[mine, other])) as wire:
        code = await code_for(wire, app_id="2016000000000002")
        assert await refusal(wire, code=code) == "isv.code-invalid"
        assert await refusal(wire, code=code) == "isv.code-invalid"


@pytest.mark.parametrize(
    ("changes", "sub_code"),
    [
        ({"method": "alipay.trade.guess"}, "isv.invalid-method"),
        ({"app_id": ""}, "isv.missing-app-id"),
        ({"timestamp": ""}, "isv.missing-timestamp"),
        ({"timestamp": "yesterday"}, "isv.invalid-timestamp"),
        ({"version": ""}, "isv.missing-version"),
        ({"app_id": "2016000000000009"}, "isv.invalid-app-id"),
        ({"sign_type": "RSA"}, "isv.invalid-signature"),
        ({"sign_type": "MD5"}, "isv.invalid-signature-type"),
        ({"grant_type": "password"}, "isv.grant-type-invalid"),
        ({"grant_type": "", "biz_content": '{"grant_type":"authorization_code"}'}, "isv.grant-type-invalid"),
        ({"code": "0" * 32}, "isv.code-invalid"),
    ],
)
async def test_a_wrong_token_request_is_told_why(wire: Running, changes: dict[str, str], sub_code: str) -> None:
    assert await refusal(wire, **changes) == sub_code


async def test_a_request_signed_without_its_sign_type_is_refused(wire: Running) -> None:
    """That is how the XML gateway signs; here `sign_type` is part of the text."""
    fields = {
        "app_id": APP, "method": METHOD, "charset": "utf-8", "timestamp": "2024-01-05 12:15:32", "version": "1.0",
        "grant_type": "authorization_code", "code": await code_for(wire),
    }  # fmt: skip
    wrong = make.signed(fields, make.partner_signatory(), open_api=False)
    async with wire.client.post(f"{wire.url}/gateway.do", data=wrong) as answer:
        assert read_openapi_answer(await answer.read()).fields["sub_code"] == "isv.invalid-signature"


async def test_refresh_tokens_rotate(wire: Running) -> None:
    first = (await token(wire, code=await code_for(wire))).fields

    async def refresh(text: str) -> dict[str, Any]:
        return dict((await token(wire, grant_type="refresh_token", refresh_token=text)).fields)

    second = await refresh(first["refresh_token"])
    assert second["user_id"] == first["user_id"]
    assert second["refresh_token"] != first["refresh_token"]
    assert (await refresh(first["refresh_token"]))["sub_code"] == "isv.refreshed-token-invalid"
    assert (await refresh("x"))["sub_code"] == "isv.refresh-token-invalid"
    await wire.advance(days=31)
    assert (await refresh(second["refresh_token"]))["sub_code"] == "isv.refresh-token-time-out"


async def test_a_newer_application_may_be_told_no_user_id() -> None:
    newer = Partner(PARTNER, APP, md5_key=KEY, public_key=make.partner_keys()[1], open_id_only=True)
    async with make.running(config=make.settings(partners=[newer])) as wire:
        said = await token(wire, code=await code_for(wire))
    assert "user_id" not in said.fields
    assert said.fields["open_id"]


async def test_the_token_call_misbehaves_on_demand(wire: Running) -> None:
    code = await code_for(wire)
    for fault, times in (("system_error_before", 1), ("bad_signature", 1)):
        await wire.control("POST", "faults", {"service": METHOD, "fault": fault, "times": times})
    busy = await token(wire, code=code)
    assert (busy.fields["code"], busy.fields["sub_code"]) == ("20000", "isp.unknow-error")
    with pytest.raises((AssertionError, KeyError)):
        await token(wire, code=code)
    assert await refusal(wire, code=code) == "isv.code-invalid"


async def test_the_callback_may_come_with_another_state_than_was_sent(wire: Running) -> None:
    plan = {"service": "publicAppAuthorize.htm", "fault": "bad_signature"}
    await wire.control("POST", "faults", plan)
    states = [(await authorize(wire, state="mine"))[2]["state"] for _ in range(2)]
    assert states == [["minex"], ["mine"]]
    assert [call.why for call in wire.book.store.calls()] == ["as planned: bad_signature", ""]
    refused = await wire.control("POST", "faults", plan | {"fault": "system_error_before"}, status=422)
    assert "does not go wrong by system_error_before" in refused["detail"]


async def test_the_answer_to_gbk_callers_reads_the_same_in_gbk(wire: Running) -> None:
    said = await token(wire, charset="gbk", code="0" * 32)
    assert said.charset == "gbk"
    assert said.fields["sub_msg"] == "授权码code无效"


async def test_the_published_request_verifies_with_the_published_key() -> None:
    """A throw-away key that was published with its suite; the code in the request is unknown here."""
    public = (
        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCjNVhJf9PYDFN1PFd4SXEvxmjD0dn+xQ4lQu6o8HbGXz4de/RRVTJDL48qwxn81lar5cNS"
        "IjbnhDRXm9fZcrzuwbjqxXOv2Ov7MZAa/WJEcfvp3XcSgxKPB54FLVvHo/rxuMK2xpps47Lpc7vppkvi3ofbXW61S+aT0TWFkUMTnwIDAQAB"
    )
    sign = (
        "FcD6z6s4qR5fHaVy10Ea40Yuh3/+TLJFj6PW1rMLAmLnIpHfABDu6R1yk32hOts89Y97azb0oWgl0LvzXAKomVl5unsxQ8O2nOP5cfXq5HamBH"
        "AWiXjYrZ6aaiuRuW80k/ls0LBlzhHTcPIQC4kiFz02jORUKZrz8t3RcMxgmDc="
    )
    fields = {
        "app_id": APP, "charset": "utf-8", "code": "ca34ea491e7146cc87d25fca24c4cD11", "format": "JSON",
        "grant_type": "authorization_code", "method": METHOD, "sign_type": "RSA2",
        "timestamp": "2024-01-01 12:00:00", "version": "1.0", "sign": sign,
    }  # fmt: skip
    published = Partner(PARTNER, APP, sign_type="RSA2", public_key=public)
    async with (
        make.running(config=make.settings(partners=[published])) as wire,
        wire.client.post(f"{wire.url}/gateway.do", data=fields) as answer,
    ):
        said = read_openapi_answer(await answer.read())
    assert said.text == (
        '{"code":"40002","msg":"Invalid Arguments","sub_code":"isv.code-invalid","sub_msg":"授权码code无效"}'
    )


async def test_the_call_log_tells_who_came_to_be_authorized(wire: Running) -> None:
    await authorize(wire)
    await authorize(wire, scope="auth_zhima")
    calls = (await wire.control("GET", f"calls?partner={PARTNER}"))["calls"]
    assert [(call["service"], call["response"]) for call in calls] == [
        ("publicAppAuthorize.htm", "granted"),
        ("publicAppAuthorize.htm", "refused"),
    ]
    assert calls[0]["request"]["scope"] == "auth_base" and "User-Agent" in calls[0]["request"]
