"""Whatever a gateway notes of a parameter that it did not take is a sentence in both languages."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from saoma.kit.i18n import texts
from saoma.sandbox.book.limits import TurnedDown
from saoma.sandbox.calls.reasons import in_words
from saoma.sandbox.openapi.codes import Refusal
from saoma.sandbox.openapi.reading import Content, within
from saoma.sandbox.plus.reading import Unfit, fault_in, read_body
from tests.sandbox import make
from tests.sandbox.plus import make as plus


def in_both(why: str) -> None:
    """Not shown as it was noted: said in English, and otherwise in Chinese."""
    hint = in_words(why, {})
    assert hint.words != "{why}", why
    english, chinese = (texts(lang)(hint.words, **hint.values) for lang in ("en", "zh"))
    assert english.lower().startswith(why.lower()[:12]) and chinese != english, why


def fields(body: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every place in a body that holds something."""
    found = [path] if path else []
    for name, value in body.items() if isinstance(body, dict) else ():
        found += fields(value, (*path, name))
    return found


@pytest.mark.parametrize("put", [None, "", "x" * 300, {"a": "b"}], ids=["missing", "empty", "long", "object"])
def test_every_fault_of_an_alipay_plus_field(put: Any) -> None:
    seen = set[str]()
    more = {"paymentExpiryTime": "now", "paymentNotifyUrl": "me"}
    for base in (plus.pay_body(), plus.pay_body() | more, plus.order_code_body()):
        for path in fields(base):
            body = json.loads(json.dumps(base))
            place = body
            for name in path[:-1]:
                place = place[name]
            place[path[-1]] = put
            if why := fault_in("pay", body):
                seen.add(why)
                in_both(why)
    assert len(seen) >= 6
    in_both(fault_in("cancel", {}))


@pytest.mark.parametrize("raw", [b"\xff", b"{", b"[]", b'{"a":"b","a":"c"}', b'{"a":{"b":1}}', b'{"a":[true]}'])
def test_every_fault_of_a_json_body(raw: bytes) -> None:
    with pytest.raises(Unfit) as unfit:
        read_body(raw)
    in_both(str(unfit.value))


@pytest.mark.parametrize(
    "read",
    [
        lambda: Content({"a": []}).text("a"),
        lambda: Content({}).text("a", required=True),
        lambda: Content({"a": "long"}).text("a", 2),
        lambda: Content({"a": "\x00"}).text("a"),
        lambda: Content({"a": "a b"}).number("a"),
        lambda: Content({"a": "1.234"}).amount("a"),
        lambda: Content({}).trade(),
        lambda: Content({"a": "16d"}).lifetime("a"),
        lambda: Content({"a": "soon"}).moment("a"),
        lambda: Content({"query_options": "a"}).options(),
        lambda: within("0", Decimal(100)),
    ],
)
def test_every_fault_of_an_open_api_parameter(read: Callable[[], Any]) -> None:
    with pytest.raises(Refusal) as refusal:
        read()
    in_both(refusal.value.why)


def test_why_a_payment_code_is_not_taken() -> None:
    book = make.book()
    old = book.new_payment_code("anna").code
    book.wallets.use_code(old, "POS-1")
    for code in ("12", old):
        with pytest.raises(TurnedDown) as no:
            book.wallets.use_code(code, "POS-2")
        in_both(no.value.why)


def test_a_note_that_nobody_translated_is_shown_as_it_is() -> None:
    hint = in_words("the moon is full", {})
    assert texts("zh")(hint.words, **hint.values) == "the moon is full"
