"""What the sandbox says when it starts is enough for a first payment, and gives no key away."""

from __future__ import annotations

from saoma.sandbox.book.model import Partner
from saoma.sandbox.config import DEFAULT, Config
from saoma.sandbox.server import Sandbox
from saoma.sandbox.welcome import welcome
from tests.sandbox import make


def said(config: Config) -> str:
    sandbox = Sandbox(config, make.clock(make.LUNCH), 8001, make.store())
    return welcome("http://localhost:8001", sandbox.partners.all(), sandbox.book.buyers())


def test_the_partner_its_key_the_wallet_the_calls_and_a_next_step_are_told() -> None:
    told = said(DEFAULT)
    assert "2088000000000001, APPID 2016000000000000, MD5 key abcdefghijklmnopqrstuvwxyz123456" in told
    assert "http://anna.localhost:8001/wallet (also ben, chen, alice)" in told
    assert "http://localhost:8001/calls" in told
    assert "Next: " in told
    assert told.endswith("Press Ctrl-C to stop.\n")


def test_a_key_of_ones_own_is_not_told() -> None:
    secret = "0123456789abcdef0123456789abcdef"
    told = said(
        Config(partners=[Partner(partner="2088000000000042", md5_key=secret, public_key=make.partner_keys()[1])])
    )
    assert secret not in told
    assert "2088000000000042, MD5 key as configured, RSA2" in told


def test_many_partners_are_counted() -> None:
    told = said(Config(partners=[Partner(partner=f"20880000000001{n:02}", md5_key="key") for n in range(7)]))
    assert "2088000000000103" in told
    assert "2088000000000104" not in told
    assert "and 3 more: http://localhost:8001/control/partners" in told
