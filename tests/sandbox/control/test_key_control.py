"""Keys go in and out by `curl -T`: a partner's file up, Alipay's back, and both sign types are good afterwards."""

from __future__ import annotations

import pytest

from saoma.alipay.signing import SignType, new_rsa_key, rsa_signatory
from saoma.alipay.wire import read_answer
from tests.sandbox import make
from tests.sandbox.make import PARTNER, Running


async def put(wire: Running, body: bytes, partner: str = PARTNER, status: int = 200) -> str:
    address = f"{wire.url}/control/partners/{partner}/public-key"
    async with wire.client.put(address, data=body) as answer:
        said = await answer.text()
        assert answer.status == status, said
        return said


@pytest.mark.parametrize("form", ["file", "one line"])
async def test_a_public_key_goes_in_as_a_file_and_alipays_comes_back(wire: Running, form: str) -> None:
    private, public = new_rsa_key(1024)
    bare = "".join(public.strip().splitlines()[1:-1])
    alipays = await put(wire, (public if form == "file" else bare).encode())
    signatory = rsa_signatory(SignType.RSA2, private, alipays)
    answer = read_answer(await wire.send(make.signed(make.pay_fields("RSA2-1"), signatory)))
    assert answer.fields["result_code"] == "SUCCESS"
    assert answer.is_signed_by(signatory, "UTF-8")
    # the MD5 key is as good as before
    assert (await wire.call(make.pay_fields("MD5-1"))).fields["result_code"] == "SUCCESS"
    async with wire.client.get(f"{wire.url}/control/partners/{PARTNER}/alipay-public-key") as again:
        assert await again.text() == alipays


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "There is no key in this body"),
        (b"\xff\xfe", "A public key is text"),
        (b"hello", "neither PEM nor base64"),
        (make.partner_keys()[0].encode(), "This is a private key"),
    ],
)
async def test_what_is_no_public_key_is_refused_with_a_sentence(wire: Running, body: bytes, sentence: str) -> None:
    assert sentence in await put(wire, body, status=422)
    known = wire.sandbox.partners.find(PARTNER)
    assert known is not None
    assert known.public_key == make.partner_keys()[1]


async def test_the_call_log_says_which_key_is_missing(wire: Running) -> None:
    fields = make.signed(make.pay_fields("NO-KEY", sign_type="RSA"))
    assert await wire.error(fields) == "ILLEGAL_SECURITY_PROFILE"
    (call,) = (await wire.control("GET", "calls?out_trade_no=NO-KEY"))["calls"]
    assert call["why"].startswith(f"no RSA key of {PARTNER} is known here")


async def test_keys_of_a_partner_nobody_knows_are_not_taken(wire: Running) -> None:
    assert "2088000000000999" in await put(wire, b"key", partner="2088000000000999", status=404)
