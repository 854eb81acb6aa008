"""Signing: every vector, and every way in which a signature must not be accepted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.alipay.signing import SignType, md5_signatory, new_rsa_key, rsa_signatory, string_to_sign
from saoma.kit.errors import Invalid
from tests.alipay import make
from tests.alipay.vectors import FOREX_KEY, MD5, PRIVATE_KEY, PUBLIC_KEY, REAL, RSA


@pytest.mark.parametrize(("key", "charset", "text", "signature"), MD5)
def test_every_md5_vector_is_made_and_accepted(key: str, charset: str, text: str, signature: str) -> None:
    signatory = md5_signatory(key)
    assert signatory.sign(text.encode(charset)) == signature
    assert signatory.verify(text.encode(charset), signature)


@pytest.mark.parametrize(("sign_type", "text", "signature"), RSA)
def test_every_rsa_vector_is_made_and_accepted(sign_type: str, text: str, signature: str) -> None:
    signatory = rsa_signatory(SignType(sign_type), PRIVATE_KEY, PUBLIC_KEY)
    assert signatory.sign(text.encode()) == signature
    assert signatory.verify(text.encode(), signature)


@pytest.mark.parametrize(("sign_type", "text", "public_key", "signature"), REAL)
def test_every_captured_answer_and_notification_of_the_real_gateway_is_accepted(
    sign_type: str, text: str, public_key: str, signature: str
) -> None:
    signatory = rsa_signatory(SignType(sign_type), None, public_key)
    assert signatory.verify(text.encode(), signature)
    assert not signatory.verify(text.replace("0", "1", 1).encode(), signature)


def test_chinese_text_signed_as_utf_8_does_not_verify_as_gbk() -> None:
    sign_type, text, public_key, signature = REAL[-1]
    assert not rsa_signatory(SignType(sign_type), None, public_key).verify(text.encode("gbk"), signature)


@pytest.mark.parametrize(("key", "charset", "text", "signature"), MD5)
def test_the_string_to_sign_of_a_vector_is_built_from_its_fields(
    key: str, charset: str, text: str, signature: str
) -> None:
    fields = dict(reversed([pair.split("=", 1) for pair in text.split("&")]))
    assert string_to_sign({**fields, "sign": signature, "sign_type": "MD5", "memo": ""}) == text


def test_open_api_requests_sign_their_sign_type_and_the_others_do_not() -> None:
    fields = {"b": "2", "sign_type": "RSA2", "a": "1", "sign": "x"}
    assert string_to_sign(fields) == "a=1&b=2"
    assert string_to_sign(fields, keep_sign_type=True) == "a=1&b=2&sign_type=RSA2"


@given(
    st.binary(min_size=1, max_size=300),
    st.integers(0, 299),
    st.integers(1, 255),
    st.sampled_from(list(SignType)),
)
def test_a_changed_byte_is_refused(data: bytes, at: int, change: int, sign_type: SignType) -> None:
    at %= len(data)
    changed = data[:at] + bytes([data[at] ^ change]) + data[at + 1 :]
    key_pair = PRIVATE_KEY, PUBLIC_KEY
    signatory = md5_signatory(FOREX_KEY) if sign_type is SignType.MD5 else rsa_signatory(sign_type, *key_pair)
    signature = signatory.sign(data)
    assert signatory.verify(data, signature)
    assert not signatory.verify(changed, signature)


def test_a_swapped_sign_type_is_refused() -> None:
    data = b"partner=123&service=test"
    md5 = md5_signatory(FOREX_KEY)
    rsa, rsa2 = (rsa_signatory(kind, PRIVATE_KEY, PUBLIC_KEY) for kind in (SignType.RSA, SignType.RSA2))
    for verifier in (md5, rsa, rsa2):
        for signer in (md5, rsa, rsa2):
            assert verifier.verify(data, signer.sign(data)) is (verifier is signer)


def test_another_accounts_key_is_refused() -> None:
    data = b"partner=123&service=test"
    assert not md5_signatory("1" + "0" * 31).verify(data, md5_signatory("2" + "0" * 31).sign(data))
    other_private, _ = make.rsa_pair("other")
    signature = rsa_signatory(SignType.RSA2, other_private, None).sign(data)
    assert not rsa_signatory(SignType.RSA2, PRIVATE_KEY, PUBLIC_KEY).verify(data, signature)


@pytest.mark.parametrize("signature", ["", " ", "=", "not base64!", "签名", "AAAA", "A" * 344, "\ud800"])
def test_rubbish_in_place_of_a_signature_is_refused_without_an_error(signature: str) -> None:
    assert not md5_signatory(FOREX_KEY).verify(b"x", signature)
    assert not rsa_signatory(SignType.RSA2, None, PUBLIC_KEY).verify(b"x", signature)


def test_an_upper_case_md5_signature_is_refused() -> None:
    signatory = md5_signatory(FOREX_KEY)
    assert not signatory.verify(b"a=1", signatory.sign(b"a=1").upper())


def test_keys_are_read_as_pem_or_bare_base64_in_both_private_encodings() -> None:
    from cryptography.hazmat.primitives import serialization as keys

    private, public = new_rsa_key(1024)
    loaded = keys.load_pem_private_key(private.encode(), None)
    old = loaded.private_bytes(keys.Encoding.PEM, keys.PrivateFormat.TraditionalOpenSSL, keys.NoEncryption()).decode()
    assert "BEGIN RSA PRIVATE KEY" in old
    signatures = set()
    for text in (private, old):
        bare = "".join(text.splitlines()[1:-1])
        for key in (text, bare, text.replace("\n", "\r\n"), text.replace("\n", " ")):
            signatory = rsa_signatory(SignType.RSA2, key, "".join(public.splitlines()[1:-1]))
            signatures.add(signatory.sign(b"a=1"))
            assert signatory.verify(b"a=1", signatory.sign(b"a=1"))
    assert len(signatures) == 1


@pytest.mark.parametrize("form", ["TraditionalOpenSSL", "PKCS8"])
def test_a_private_key_without_its_frame_is_called_a_private_key(form: str) -> None:
    from cryptography.hazmat.primitives import serialization as keys

    loaded = keys.load_pem_private_key(new_rsa_key(1024)[0].encode(), None)
    pem = loaded.private_bytes(keys.Encoding.PEM, getattr(keys.PrivateFormat, form), keys.NoEncryption()).decode()
    for text in (pem, "".join(pem.splitlines()[1:-1])):
        with pytest.raises(Invalid, match="private key; what is needed here is a public RSA key") as told:
            rsa_signatory(SignType.RSA2, None, text)
        assert text[40:80] not in str(told.value)


def test_unusable_keys_are_refused_with_a_sentence() -> None:
    private, public = new_rsa_key(1024)
    from cryptography.hazmat.primitives import serialization as keys
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    tiny = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    assert tiny.key_size == 1024
    curve = ec.generate_private_key(ec.SECP256R1())
    curve_pem = curve.private_bytes(keys.Encoding.PEM, keys.PrivateFormat.PKCS8, keys.NoEncryption()).decode()
    for private_key, public_key in (
        (public, None),
        (None, private),
        ("rubbish", None),
        ("aGVsbG8=", None),
        (curve_pem, None),
        (None, "aGVsbG8="),
    ):
        with pytest.raises(Invalid):
            rsa_signatory(SignType.RSA2, private_key, public_key)
    with pytest.raises(Invalid):
        rsa_signatory(SignType.MD5, private, public)
    for key in ("", " x", "密钥"):
        with pytest.raises(Invalid):
            md5_signatory(key)
    with pytest.raises(Invalid):
        rsa_signatory(SignType.RSA2, None, public).sign(b"x")
    assert not rsa_signatory(SignType.RSA2, private, None).verify(b"x", "AAAA")
