"""The shapes on the wire: what is read, what is refused, and that reading undoes writing."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.alipay.signing import SignType, md5_signatory, rsa_signatory
from saoma.alipay.wire import (
    Unreadable,
    form,
    parse_form,
    read_answer,
    read_openapi_answer,
    write_answer,
    write_openapi_answer,
    write_rejection,
)
from tests.alipay.vectors import NODES, NOTIFICATION, PRIVATE_KEY, PUBLIC_KEY, QUERY_ANSWER, REAL, REQUESTS, SAMPLE_KEY

MD5 = md5_signatory(SAMPLE_KEY)
RSA2 = rsa_signatory(SignType.RSA2, PRIVATE_KEY, PUBLIC_KEY)

texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"))
gbk_texts = st.text(st.sampled_from("面条·—价格¥12.50 &<>\"'=+%#;abc\t\n\r"))
names = st.from_regex(r"[a-z_][a-z0-9_]{0,20}", fullmatch=True).filter(lambda name: name not in ("sign", "sign_type"))


def document(node: str, signature: str, *, declaration: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    return (
        f"{declaration}<alipay><is_success>T</is_success><request></request><response>{node}</response>"
        f"<sign>{signature}</sign><sign_type>MD5</sign_type></alipay>"
    ).encode()


# --- answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("node", "signature"), NODES)
def test_every_sample_answer_is_read_and_verifies(node: str, signature: str) -> None:
    answer = read_answer(document(node, signature))
    assert answer.is_success
    assert answer.node == "alipay"
    assert answer.fields["result_code"]
    assert answer.is_signed_by(MD5, "UTF-8")


USUAL = (
    "<alipay><is_success>T</is_success>"
    '<request><param name="service">s</param><param name="memo"></param></request>'
    "<response><alipay><result_code>SUCCESS</result_code><a.b-c>12.50 USD</a.b-c><d>\u9762</d></alipay></response>"
    "<sign>abc=</sign><sign_type>RSA2</sign_type></alipay>"
)
PIECES = st.sampled_from(
    [
        *"<>&\"'=/ xF\t\n\r\x00\x0b\x7f\x85\xa0\u2028\ufffd\ufffe\uffff",
        *("&amp;", "&#9;", "\r\n", "<!-- -->", "<?a b?>", "<![CDATA[x]]>", "]]>", "<b>", "</b>", "<b/>", "</alipay>"),
        *("<a>1</a>", "<d>2</d>", "<x:y>1</x:y>", "<error>E</error>", "<sign>x</sign>", "<sign_type>MD5</sign_type>"),
        *("<request></request>", '<param name="memo">2</param>', ' name="z"', ' xmlns="urn:x"', "alipay"),
    ]
)


@given(
    st.lists(st.tuples(st.integers(0, len(USUAL)), st.integers(0, 3), PIECES), max_size=3),
    st.sampled_from([0, 0, 0, 1, 2]),
)
def test_the_short_way_reads_what_the_parser_reads_and_refuses_what_it_refuses(
    changes: list[tuple[int, int, str]], cut: int
) -> None:
    text = USUAL
    for at, gone, piece in changes:
        text = text[:at] + piece + text[at + gone :]
    text = text[: len(text) - cut]
    # A line break where the usual answer has none says nothing, and only the parser takes it.
    assert outcome(text) == outcome(text.replace("<alipay>", "<alipay>\n", 1))


def outcome(text: str) -> object:
    try:
        return read_answer(text.encode())
    except Unreadable:
        return "refused"


def test_the_published_answer_is_read_over_many_lines() -> None:
    answer = read_answer(QUERY_ANSWER.encode())
    assert answer.is_signed_by(MD5, "UTF-8")
    assert answer.fields["trans_amount"] == "12.50"
    assert answer.request["service"] == "alipay.acquire.overseas.query"


def test_ampersands_in_picture_addresses_are_signed_unescaped() -> None:
    node, signature = next((node, sign) for node, sign in NODES if "&amp;" in node)
    answer = read_answer(document(node, signature))
    assert answer.fields["pic_url"].endswith("&picSize=M")
    assert answer.is_signed_by(MD5, "UTF-8")


def test_a_rejection_is_read_without_signature() -> None:
    answer = read_answer(write_rejection("ILLEGAL_SIGN", "GBK"))
    assert (answer.is_success, answer.error, answer.sign, answer.charset) == (False, "ILLEGAL_SIGN", "", "GBK")
    assert not answer.is_signed_by(MD5, "UTF-8")


@given(st.dictionaries(names, texts, min_size=1, max_size=8), st.dictionaries(texts, texts, max_size=4))
def test_what_was_written_is_read_and_verifies(fields: dict[str, str], request: dict[str, str]) -> None:
    answer = read_answer(write_answer("alipay", fields, request, RSA2, "UTF-8"))
    kept = {name: value.strip(" \t\r\n") for name, value in fields.items()}
    assert answer.fields == {name: value for name, value in kept.items() if value}
    assert answer.request == {name: value.strip(" \t\r\n") for name, value in request.items()}
    assert answer.is_signed_by(RSA2, "UTF-8")
    assert not answer.is_signed_by(MD5, "UTF-8")


@given(st.dictionaries(names, gbk_texts, min_size=1, max_size=8))
def test_what_was_written_in_gbk_is_read_and_verifies(fields: dict[str, str]) -> None:
    body = write_answer("alipay", fields, {}, MD5, "GBK")
    answer = read_answer(body)
    kept = {name: value.strip(" \t\r\n") for name, value in fields.items()}
    expected = {name: value.encode("gbk", "replace").decode("gbk") for name, value in kept.items() if value}
    assert answer.fields == {name: value for name, value in expected.items() if value.strip(" \t\r\n")}
    assert answer.is_signed_by(MD5, "UTF-8")
    assert answer.is_signed_by(MD5, "GBK")


def test_a_gbk_answer_signed_as_the_utf_8_request_asked_verifies_too() -> None:
    signature = MD5.sign("result_code=SUCCESS&subject=面条".encode())
    text = (
        '<?xml version="1.0" encoding="GBK"?><alipay><is_success>T</is_success><response><alipay>'
        "<result_code>SUCCESS</result_code><subject>面条</subject></alipay></response>"
        f"<sign>{signature}</sign><sign_type>MD5</sign_type></alipay>"
    )
    assert read_answer(text.encode("gbk")).is_signed_by(MD5, "utf-8")


def test_a_character_the_charset_lacks_becomes_a_question_mark_before_it_is_signed() -> None:
    answer = read_answer(write_answer("alipay", {"name": "面🍜条"}, {}, MD5, "GBK"))
    assert answer.fields["name"] == "面?条"
    assert answer.is_signed_by(MD5, "GBK")


@given(st.binary(max_size=200))
def test_any_bytes_are_either_read_or_refused(body: bytes) -> None:
    for read in (read_answer, read_openapi_answer):
        with contextlib.suppress(Unreadable):
            read(body)


@given(st.data())
def test_a_changed_byte_in_the_business_node_is_refused(data: st.DataObject) -> None:
    body = write_answer("alipay", {"trans_amount": "12.50", "result_code": "SUCCESS"}, {}, MD5, "UTF-8")
    first, last = body.index(b"<response>") + 18, body.index(b"</alipay></response>")
    at = data.draw(st.integers(first, last - 1))
    change = data.draw(st.integers(1, 127))
    changed = body[:at] + bytes([body[at] ^ change]) + body[at + 1 :]
    try:
        answer = read_answer(changed)
    except Unreadable:
        return
    if answer.fields != read_answer(body).fields:
        assert not answer.is_signed_by(MD5, "UTF-8")


def test_a_sign_type_other_than_the_accounts_is_refused_even_with_a_good_signature() -> None:
    body = write_answer("alipay", {"a": "1"}, {}, RSA2, "UTF-8").replace(b"RSA2</sign_type>", b"RSA</sign_type>")
    assert not read_answer(body).is_signed_by(RSA2, "UTF-8")


HOSTILE = {
    "a DOCTYPE": b"<!DOCTYPE alipay><alipay><is_success>T</is_success></alipay>",
    "an entity in a number": (
        b'<!DOCTYPE a [<!ENTITY n "100">]><alipay><is_success>T</is_success>'
        b"<response><alipay><a>&n;</a></alipay></response></alipay>"
    ),
    "an external entity": (
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><alipay><is_success>T</is_success>'
        b"<error>&x;</error></alipay>"
    ),
    "a billion laughs": (
        b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
        b"<alipay><is_success>T</is_success><error>&c;</error></alipay>"
    ),
    "an entity nobody declared": b"<alipay><is_success>T</is_success><error>&n;</error></alipay>",
    "a comment in a number": (
        b"<alipay><is_success>T</is_success><response><alipay><a>1<!-- -->00.00</a></alipay></response></alipay>"
    ),
    "a comment between fields": b"<alipay><is_success>T</is_success><!-- --></alipay>",
    "a processing instruction": b"<alipay><is_success>T</is_success><?php 1 ?></alipay>",
    "a field twice": (
        b"<alipay><is_success>T</is_success><response><alipay><a>1</a><a>2</a></alipay></response></alipay>"
    ),
    "two business nodes": (
        b"<alipay><is_success>T</is_success><response><alipay><a>1</a></alipay><trade><a>2</a></trade></response>"
        b"</alipay>"
    ),
    "two responses": (
        b"<alipay><is_success>T</is_success><response><alipay/></response><response><alipay/></response></alipay>"
    ),
    "two answers to the first question": b"<alipay><is_success>F</is_success><is_success>T</is_success></alipay>",
    "a nested field": (
        b"<alipay><is_success>T</is_success><response><alipay><a><b>1</b></a></alipay></response></alipay>"
    ),
    "text between fields": (
        b"<alipay><is_success>T</is_success><response><alipay>x<a>1</a></alipay></response></alipay>"
    ),
    "text after fields": b"<alipay><is_success>T</is_success>x</alipay>",
    "a signature inside the signed node": (
        b"<alipay><is_success>T</is_success><response><alipay><sign>1</sign></alipay></response></alipay>"
    ),
    "an empty response": b"<alipay><is_success>T</is_success><response></response></alipay>",
    "an element of another namespace": b'<alipay><is_success xmlns="urn:x">T</is_success></alipay>',
    "a parameter echoed twice": (
        b'<alipay><is_success>T</is_success><request><param name="a">1</param><param name="a">2</param></request>'
        b"</alipay>"
    ),
    "another root": b"<trade><is_success>T</is_success></trade>",
    "neither T nor F": b"<alipay><is_success>true</is_success></alipay>",
    "no is_success": b"<alipay></alipay>",
    "an unclosed element": b"<alipay><is_success>T</is_success>",
    "two documents": b"<alipay><is_success>T</is_success></alipay><alipay/>",
    "an unknown charset": b'<?xml version="1.0" encoding="UTF-7"?><alipay><is_success>T</is_success></alipay>',
    "utf-16 behind its back": "<alipay><is_success>T</is_success></alipay>".encode("utf-16"),
    "wrong encoding": (
        '<?xml version="1.0" encoding="UTF-8"?><alipay><is_success>F</is_success><error>面</error></alipay>'
    ).encode("gbk"),
    "html": b"<html><body>502 Bad Gateway</body></html>",
    "nothing": b"",
    "far too much": b"<alipay>" + b" " * 1_000_001,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_or_broken_answer_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_answer(body)


def test_character_references_and_cdata_are_plain_text_and_signed_as_such() -> None:
    signature = MD5.sign(b"a=1<2&b=A")
    node = "<alipay><a>1<![CDATA[<]]>2</a><b>&#65;</b></alipay>"
    answer = read_answer(document(node, signature))
    assert answer.fields == {"a": "1<2", "b": "A"}
    assert answer.is_signed_by(MD5, "utf-8")


def test_control_characters_and_odd_names_are_never_written() -> None:
    for fields in ({"a": "\x00"}, {"a": "\x0b"}, {"a b": "1"}, {"sign": "1"}, {"<a>": "1"}):
        with pytest.raises(Unreadable):
            write_answer("alipay", fields, {}, MD5, "UTF-8")


# --- forms ---------------------------------------------------------------------------------------------------------


@given(st.dictionaries(texts.filter(bool), texts, max_size=8))
def test_a_form_is_read_as_it_was_written(fields: dict[str, str]) -> None:
    assert parse_form(form(fields, "UTF-8"), "utf-8") == fields


def test_a_form_in_gbk_has_gbk_bytes() -> None:
    assert form({"subject": "面 条"}, "GBK") == b"subject=%C3%E6+%CC%F5"
    assert parse_form(b"subject=%C3%E6+%CC%F5", "gb2312") == {"subject": "面 条"}


@pytest.mark.parametrize("request_form", REQUESTS)
def test_every_sample_request_verifies_as_it_is_sent(request_form: str) -> None:
    from saoma.alipay.signing import string_to_sign

    fields = parse_form(request_form.encode(), "utf-8")
    # the precreate sample is a POST: its charset stands in the address, and is signed all the same
    fields.setdefault("_input_charset", "UTF-8")
    assert MD5.verify(string_to_sign(fields).encode(), fields["sign"])


def test_the_sample_notification_verifies() -> None:
    from saoma.alipay.signing import string_to_sign

    fields = parse_form(NOTIFICATION.encode(), "utf-8")
    assert MD5.verify(string_to_sign(fields).encode(), fields["sign"])


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (b"total_fee=12.50&total_fee=0.01", "utf-8"),
        (b"total_fee=12.50&total%5Ffee=0.01", "utf-8"),
        (b"a=%C3%E6", "utf-8"),
        (b"a=%e9%9d%a2%", "utf-8"),
        (b"a=%zz", "utf-8"),
        (b"a=1", "utf-7"),
        (b"a=1", "latin-1"),
        (b"&".join(b"a%d=1" % i for i in range(301)), "utf-8"),
        (b"a=" + b"x" * 1_000_001, "utf-8"),
    ],
    ids=[
        "a name twice",
        "a name twice, once escaped",
        "wrong encoding",
        "a cut escape",
        "a broken escape",
        "an unknown charset",
        "a charset Alipay does not have",
        "too many fields",
        "too long",
    ],
)
def test_a_hostile_or_broken_form_is_refused(body: bytes, charset: str) -> None:
    with pytest.raises(Unreadable):
        parse_form(body, charset)


def test_text_that_a_charset_lacks_is_not_sent() -> None:
    with pytest.raises(Unreadable):
        form({"a": "🍜"}, "GBK")


# --- Open API ------------------------------------------------------------------------------------------------------


def test_the_captured_open_api_answer_verifies_over_its_raw_text() -> None:
    sign_type, text, public_key, signature = REAL[0]
    signatory = rsa_signatory(SignType(sign_type), None, public_key)
    escaped = signature.replace("/", "\\/")
    for body in (
        f'{{"alipay_open_file_upload_response":{text},"sign":"{signature}"}}',
        f'{{"sign":"{signature}","alipay_open_file_upload_response":{text}}}',
        f' {{ "alipay_open_file_upload_response" : {text} , "sign" : "{signature}" }} \n',
        f'{{"alipay_open_file_upload_response":{text},"alipay_cert_sn":"x","sign":"{escaped}"}}',
    ):
        answer = read_openapi_answer(body.encode())
        assert answer.text == text
        assert answer.is_signed_by(signatory)


def test_the_first_node_wins_and_only_its_text_is_parsed() -> None:
    good = '{"user_id":"2088000000000001"}'
    sign = RSA2.sign(good.encode())
    body = f'{{"x_response":{good},"x_response":{{"user_id":"2088666666666666"}},"sign":"{sign}"}}'
    answer = read_openapi_answer(body.encode())
    assert answer.fields == {"user_id": "2088000000000001"}
    assert answer.is_signed_by(RSA2)
    body = f'{{"x_response":{{"user_id":"2088666666666666"}},"x_response":{good},"sign":"{sign}"}}'
    assert not read_openapi_answer(body.encode()).is_signed_by(RSA2)


@pytest.mark.parametrize(
    "node",
    [
        '{"sign":"inner","a":1}',
        '{"a":"one unpaired } brace"}',
        '{"a":"a quote \\" and a { brace"}',
        '{"a":"ends in a backslash \\\\"}',
        '{"a":"\\",\\"sign\\":\\"x"}',
        '{"a":{"b":[{"c":"}"},[]]}}',
        '{ "b" : 1 , "a" : "\\/" }',
        '{"a":"x_response","b":"}]"}',
        '{"a":"面条"}',
    ],
)
def test_braces_quotes_and_inner_signatures_do_not_confuse(node: str) -> None:
    answer = read_openapi_answer(write_openapi_answer("alipay_x_response", node, RSA2))
    assert answer.text == node
    assert answer.is_signed_by(RSA2)


@given(st.dictionaries(texts, st.one_of(texts, st.integers(), st.booleans(), st.none(), st.lists(texts)), max_size=6))
def test_any_open_api_node_survives(fields: dict[str, object]) -> None:
    import json

    for ascii_only in (True, False):
        text = json.dumps(fields, ensure_ascii=ascii_only)
        answer = read_openapi_answer(write_openapi_answer("alipay_x_response", text, RSA2))
        assert answer.fields == fields
        assert answer.is_signed_by(RSA2)


def test_an_unsigned_open_api_answer_is_read_and_never_verifies() -> None:
    answer = read_openapi_answer(write_openapi_answer("error_response", '{"code":"20000"}', None))
    assert (answer.node, answer.fields, answer.sign) == ("error_response", {"code": "20000"}, "")
    assert not answer.is_signed_by(RSA2)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'{"sign":"x"}',
        b'{"x_response":"encrypted","sign":"x"}',
        b'{"x_response":{"a":1},"sign":"x"} trailing',
        b'{"x_response":{"a":1},"sign":"x"}{"x_response":{"a":2}}',
        b'{"x_response":{"a":1,"a":2},"sign":"x"}',
        b'{"x_response":{"a":1},"sign":"x","sign":"y"}',
        b'{"x_response":{"a":1},"sign":5}',
        b'{"x_response":{"a":"never closed}',
        b'{"x_response":{"a":1',
        b'{"x_response":{"a":NaN},"sign":"x"}',
        b'{"x_response":{"a":1}],"sign":"x"}',
        b'{"x_response":{a:1},"sign":"x"}',
        b'{x_response:{"a":1}}',
        b'{"x_response":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"x_response":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        '{"x_response":{"a":"面"},"sign":"x"}'.encode("gbk"),
        b'{"x_response":{"a":1}}' + b" " * 1_000_001,
    ],
)
def test_a_broken_open_api_answer_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_openapi_answer(body)
