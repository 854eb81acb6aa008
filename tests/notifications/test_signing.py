"""The signature of webhooks: a vector worked out by hand, and what a receiver must refuse."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from saoma.notifications.signing import holds, signature

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
BODY = b'{"id":"evt_1","type":"payment.succeeded"}'


def test_the_signature_is_an_hmac_over_time_and_body() -> None:
    mark = hmac.new(b"whsec_test", b"1772424000." + BODY, hashlib.sha256).hexdigest()
    assert signature("whsec_test", BODY, NOW) == f"t=1772424000,v1={mark}"
    assert mark == "d1d87c6af405e5b937ad3540f8c3ffd5320f8ecccab233b1691cab0bd3f9ef85"


def test_a_receiver_takes_what_was_signed_and_is_fresh() -> None:
    assert holds("whsec_test", signature("whsec_test", BODY, NOW), BODY, NOW + timedelta(minutes=4))


@pytest.mark.parametrize("header", ["", "t=,v1=", "v1=abc", "t=1772424000", "t=x,v1=y", "t=1772424000,v1="])
def test_a_header_that_is_no_signature_does_not_hold(header: str) -> None:
    assert not holds("whsec_test", header, BODY, NOW)


def test_other_bytes_another_secret_or_an_old_message_do_not_hold() -> None:
    header = signature("whsec_test", BODY, NOW)
    assert not holds("whsec_test", header, BODY + b" ", NOW)
    assert not holds("whsec_other", header, BODY, NOW)
    assert not holds("whsec_test", header, BODY, NOW + timedelta(minutes=6))
    assert not holds("whsec_test", header.replace("t=1772424000", "t=1772424100"), BODY, NOW)
