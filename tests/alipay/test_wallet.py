"""Recognising wallets by their real User-Agents, the authorization address, and what tradePay reports."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from saoma.alipay.wallet import PageStep, Wallet, after_trade_pay, authorization_url, wallet_version, which_wallet
from saoma.kit.errors import Invalid
from tests.alipay import make

IOS = (
    "Mozilla/5.0 (iPhone) Mobile/15G77 NebulaSDK/1.8.100112 Nebula PSDType(1) AlipayDefined(nt:4G,ws:320|504|2.0) "
    "AliApp(AP/10.1.32.600) AlipayClient/10.1.32.600 Alipay Language/zh-Hans"
)
ANDROID = (
    "Mozilla/5.0 (Linux; U; Android 9) Chrome/57.0.2987.108 UCBrowser/11.8.8.968 Mobile Safari/537.36 "
    "NebulaSDK/1.8.100112 Nebula AliApp(AP/10.1.68.7434) AlipayClient/10.1.68.7434 Language/zh-Hans Region/CN"
)
MINI = "Mozilla/5.0 AlipayClient/10.7.86.8000 Language/en Region/CNAriver/10.7.86.8000 MiniProgram APXWebView"
HK = "Mozilla/5.0 Nebula AliApp(APHK/2.6.0.160) AlipayClientHK/2.6.0.160 Language/zh-HK"
HK_BOTH = "Mozilla/5.0 Nebula AlipayClientHK/2.6.0.160 Language/zh-HK AlipayClient/10.1.32.600 Alipay"
WECHAT = "Mozilla/5.0 (iPhone) Mobile/15E217 MicroMessenger/6.7.2 NetType/4G Language/zh_CN"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "wallet", "version"),
    [
        (IOS, Wallet.ALIPAY, (10, 1, 32, 600)),
        (ANDROID, Wallet.ALIPAY, (10, 1, 68, 7434)),
        (MINI, Wallet.ALIPAY, (10, 7, 86, 8000)),
        (IOS + " AlipayConnect", Wallet.ALIPAY, (10, 1, 32, 600)),
        (IOS.upper(), Wallet.ALIPAY, (10, 1, 32, 600)),
        ("AliApp(AP/10.2.30.6000)", Wallet.ALIPAY, (10, 2, 30, 6000)),
        (HK, Wallet.ALIPAY_HK, (2, 6, 0, 160)),
        (HK_BOTH, Wallet.ALIPAY_HK, (2, 6, 0, 160)),
        (HK.lower(), Wallet.ALIPAY_HK, (2, 6, 0, 160)),
        (WECHAT, Wallet.WECHAT, ()),
        (BROWSER, Wallet.OTHER, ()),
        ("I am an AlipayClient, really", Wallet.OTHER, ()),
        ("AliApp(TB/9.1.0)", Wallet.OTHER, ()),
        ("", Wallet.OTHER, ()),
    ],
)
def test_a_wallet_is_known_by_its_user_agent(agent: str, wallet: Wallet, version: tuple[int, ...]) -> None:
    assert which_wallet(agent) is wallet
    assert wallet_version(agent) == version


def test_the_authorization_address_names_application_scope_callback_and_state_once_encoded() -> None:
    url = authorization_url(make.account(), "https://shop.example.com/alipay/callback?a=1", "s-t_a~t e")
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == make.account().auth_url
    assert parse_qs(parts.query, strict_parsing=True) == {
        "app_id": ["2016000000000000"],
        "scope": ["auth_base"],
        "redirect_uri": ["https://shop.example.com/alipay/callback?a=1"],
        "state": ["s-t_a~t e"],
    }


@pytest.mark.parametrize(
    ("changes", "redirect_uri", "state"),
    [
        ({"app_id": ""}, "https://x/", "s"),
        ({"auth_url": ""}, "https://x/", "s"),
        ({}, "javascript:alert(1)", "s"),
        ({}, "https://x/", ""),
        ({}, "https://x/", "状态"),
    ],
)
def test_a_sign_in_that_cannot_work_is_refused(changes: dict[str, str], redirect_uri: str, state: str) -> None:
    with pytest.raises(Invalid):
        authorization_url(make.account(**changes), redirect_uri, state)


@pytest.mark.parametrize("code", ["9000", "8000", "6004", "5000", "", "something new"])
def test_the_page_confirms_whatever_the_phone_may_have_paid(code: str) -> None:
    assert after_trade_pay(code) is PageStep.CONFIRMING


@pytest.mark.parametrize("code", ["4000", "6001", "6002", "99", " 6001 "])
def test_the_page_offers_to_pay_again_with_the_same_trade(code: str) -> None:
    assert after_trade_pay(code) is PageStep.PAY_AGAIN
