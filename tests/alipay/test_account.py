"""Accounts: pinned, complete, in one environment, and silent about their keys."""

from __future__ import annotations

from typing import Any

import pytest

from saoma.alipay.signing import SignType
from saoma.kit.errors import Invalid
from tests.alipay import make

PRODUCTION = {
    "environment": "production",
    "gateway_url": "https://globalmapi.alipay.com/gateway.do",
    "openapi_url": "https://globalopenapi.alipay.com/gateway.do",
    "auth_url": "https://openauth.alipay.com/oauth2/publicAppAuthorize.htm",
}


def test_nothing_secret_is_in_the_repr() -> None:
    account = make.account(SignType.RSA2)
    for secret in (account.md5_key, account.private_key, account.alipay_public_key):
        assert secret[:40] not in repr(account)
        assert secret not in str(account)


def test_the_production_addresses_make_a_production_account() -> None:
    assert make.account(SignType.RSA2, **PRODUCTION).environment == "production"


@pytest.mark.parametrize(
    "url",
    [
        "https://mapi.alipaydev.com/gateway.do",
        "https://openapi-sandbox.dl.alipaydev.com/gateway.do",
        "https://MAPI.ALIPAYDEV.COM./gateway.do",
        "http://globalmapi.alipay.com/gateway.do",
        "https://localhost:8001/gateway.do",
        "https://alice.localhost/gateway.do",
        "https://127.0.0.1/gateway.do",
        "https://[::1]/gateway.do",
        "https://10.0.0.7/gateway.do",
        "https://sandbox/gateway.do",
        "https://pay-sandbox.example.com/gateway.do",
    ],
)
@pytest.mark.parametrize("name", ["gateway_url", "openapi_url", "auth_url"])
def test_a_production_account_refuses_sandbox_hosts(name: str, url: str) -> None:
    with pytest.raises(Invalid):
        make.account(**(PRODUCTION | {name: url}))


@pytest.mark.parametrize("name", ["gateway_url", "openapi_url", "auth_url"])
def test_a_sandbox_account_refuses_production_hosts(name: str) -> None:
    for host in ("globalmapi.alipay.com", "intlmapi.alipay.com", "openauth.alipay.com", "x.alipay.hk"):
        with pytest.raises(Invalid):
            make.account(**{name: f"https://{host}/gateway.do"})


def test_a_sandbox_account_may_live_on_this_machine() -> None:
    assert make.account(gateway_url="http://127.0.0.1:8001/gateway.do").environment == "sandbox"


WRONG: list[dict[str, Any]] = [
    {"partner": "1088000000000001"},
    {"partner": "208800000000000"},
    {"app_id": "app id"},
    {"sign_type": "DSA"},
    {"sign_type": "md5"},
    {"environment": "staging"},
    {"currency": "XXX"},
    {"charset": "UTF-7"},
    {"gateway_url": ""},
    {"gateway_url": "mapi.alipaydev.com"},
    {"gateway_url": "https://mapi.alipaydev.com/gateway.do?service=x"},
    {"gateway_url": "https://user@mapi.alipaydev.com/gateway.do"},
    {"md5_key": ""},
    {"sign_type": "RSA2", "private_key": ""},
    {"sign_type": "RSA2", "alipay_public_key": ""},
    {"sign_type": "RSA2", "private_key": "rubbish"},
    {"private_key": "rubbish"},
]


@pytest.mark.parametrize("changes", WRONG, ids=[", ".join(changes) for changes in WRONG])
def test_an_account_that_could_not_work_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        make.account(**changes)


def test_an_md5_account_without_rsa_keys_can_pay_but_sign_nobody_in() -> None:
    account = make.account(private_key="", alipay_public_key="")
    assert account.signatory.sign_type is SignType.MD5
    with pytest.raises(Invalid):
        _ = account.openapi_signatory


@pytest.mark.parametrize(
    ("sign_type", "at_the_open_api"),
    [(SignType.MD5, SignType.RSA2), (SignType.RSA, SignType.RSA), (SignType.RSA2, SignType.RSA2)],
)
def test_the_sign_type_is_pinned_by_the_account(sign_type: SignType, at_the_open_api: SignType) -> None:
    account = make.account(sign_type.value)  # type: ignore[arg-type]
    assert account.sign_type is sign_type
    assert account.signatory.sign_type is sign_type
    assert account.openapi_signatory.sign_type is at_the_open_api
