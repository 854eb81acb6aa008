"""The shapes on the wire: forms, the XML envelope of `service=` answers, the JSON envelope of `method=` answers. Pure.

What is verified and what is read come from one parse of one text, and a message that two parsers could read in two
ways (entities, comments, a field twice) is refused: a signature is no help where the reader is fooled.
Envelopes: https://docs.antom.com/ac/gr/apispec, https://docs.antom.com/ac/global/oauth_token"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NoReturn
from urllib.parse import quote_plus, unquote_to_bytes
from xml.sax.saxutils import escape

from lxml import etree

from saoma.alipay.signing import Signatory, string_to_sign

#: No answer or notification of the in-store services comes near this; more is an attack or an accident.
_LARGEST: Final = 1_000_000
_MOST_FIELDS: Final = 300

_CODECS: Final = {"utf-8": "utf-8", "utf8": "utf-8", "gbk": "gbk", "gb2312": "gbk"}
_DECLARATION: Final = re.compile(rb"""<\?xml\s[^<>]*?\?>""")
_ENCODING: Final = re.compile(rb"""\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_FORBIDDEN: Final = re.compile(r"<!(?!\[CDATA\[)|<\?")
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BAD_PERCENT: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~-]*")
_COMMON: Final = re.compile(r'[A-Za-z0-9_.~+/=:{}",? -]*')
_COMMON_QUOTES: Final = [(sign, quote_plus(sign)) for sign in '+/=:{}",? ']
_QUOTES: Final = {byte: quote_plus(bytes([byte])) for byte in range(256)}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_BLANK: Final = " \t\r\n"
#: An answer as the gateway writes it: one line of plain elements, nothing quoted or escaped, in the usual order.
_USUAL: Final = re.compile(
    r"<alipay><is_success>T</is_success>"
    r"<request>((?:<param name=\"[^<>&\"\x00-\x1f]*+\">[^<>&\x00-\x1f]*+</param>)*+)</request>"
    r"<response><([A-Za-z_][A-Za-z0-9_.-]*+)>"
    r"((?:<[A-Za-z_][A-Za-z0-9_.-]*+>[^<>&\x00-\x1f]*+</[A-Za-z_][A-Za-z0-9_.-]*+>)*+)"
    r"</\2></response>"
    r"<sign>([^<>&\x00-\x1f]*+)</sign><sign_type>([^<>&\x00-\x1f]*+)</sign_type></alipay>"
)
_USUAL_PARAM: Final = re.compile(r"<param name=\"([^\"]*+)\">([^<]*+)</param>")
_USUAL_FIELD: Final = re.compile(r"<([^>]++)>([^<]*+)</([^>]++)>")
#: What `_USUAL` can't see: values with blanks at their ends, and the two letters of its range that XML has not.
_UNUSUAL: Final = ("> ", " <", "\ufffe", "\uffff")
_PARSER: Final = etree.XMLParser(
    encoding="utf-8",
    resolve_entities=False,
    load_dtd=False,
    dtd_validation=False,
    no_network=True,
    huge_tree=False,
    recover=False,
)


class Unreadable(ValueError):
    """A message that does not have the shape it should, or that could be read in more than one way."""


def codec(charset: str) -> str:
    """The Python codec for a charset that Alipay accepts. Raises `Unreadable` for any other name."""
    try:
        return _CODECS[charset.lower()]
    except KeyError:
        raise Unreadable(f"charset {charset[:40]!r} is none of UTF-8, GBK, GB2312") from None


# --- forms ---------------------------------------------------------------------------------------------------------


def parse_form(body: bytes, charset: str) -> dict[str, str]:
    """The fields of a form body or query string, percent-decoded; empty values are kept.

    Raises `Unreadable` for a name given twice, a broken escape, or bytes that are not `charset`."""
    name_of = codec(charset)
    if len(body) > _LARGEST or body.count(b"&") >= _MOST_FIELDS:
        raise Unreadable("the form is far larger than any genuine one")
    if _BAD_PERCENT.search(body):
        raise Unreadable("a percent sign is not followed by two hex digits")
    fields: dict[str, str] = {}
    for pair in body.split(b"&"):
        if not pair:
            continue
        raw_name, _, raw_value = pair.replace(b"+", b" ").partition(b"=")
        try:
            name = unquote_to_bytes(raw_name).decode(name_of)
            value = unquote_to_bytes(raw_value).decode(name_of)
        except UnicodeDecodeError:
            raise Unreadable(f"the form is not {charset}") from None
        if name in fields:
            raise Unreadable(f"the field {name[:60]!r} is given twice")
        fields[name] = value
    return fields


def form(fields: Mapping[str, str], charset: str) -> bytes:
    """A form body or query string with every value percent-encoded in `charset`.

    Raises `Unreadable` for text that `charset` has no bytes for."""
    name_of = codec(charset)
    try:
        pairs = [f"{_quoted_name(name, name_of)}={_quoted(value, name_of)}" for name, value in fields.items()]
    except UnicodeEncodeError as error:
        raise Unreadable(f"{error.object[error.start]!r} can't be written in {charset}") from None
    return "&".join(pairs).encode("ascii")


def _quoted(text: str, name_of: str) -> str:
    # the same as urllib's quote_plus in a fraction of the time: most values are letters and digits, or ASCII with few
    # signs (addresses, JSON, signatures), alike in every charset; for the rest, one pass in C over the bytes
    if text.isascii():
        if text.isalnum() or _PLAIN.fullmatch(text):
            return text
        if _COMMON.fullmatch(text):
            for sign, quoted in _COMMON_QUOTES:
                text = text.replace(sign, quoted)
            return text
    return text.encode(name_of).decode("latin-1").translate(_QUOTES)


@lru_cache(maxsize=500)
def _quoted_name(name: str, name_of: str) -> str:
    return _quoted(name, name_of)


# --- XML answers ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """One XML answer. `fields` are the children of the business node, all of them, and they alone are signed.

    `is_success` says only that the gateway took the request; `error` is its word when it did not. `charset` is what
    the document declared, which need not be the request's."""

    is_success: bool
    error: str = ""
    node: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    sign: str = ""
    sign_type: str = ""
    request: Mapping[str, str] = field(default_factory=dict)
    charset: str = "utf-8"

    def is_signed_by(self, signatory: Signatory, charset: str) -> bool:
        """Whether the signature over `fields` is genuine and of the signatory's own sign type.

        The text counts in the request's `charset` or in the document's own: observed gateways use either, and names,
        amounts, numbers and separators have the same bytes in both."""
        if not self.sign or self.sign_type != signatory.sign_type.value:
            return False
        text = string_to_sign(self.fields)
        for name in dict.fromkeys((codec(charset), codec(self.charset))):
            try:
                data = text.encode(name)
            except UnicodeEncodeError:
                continue
            if signatory.verify(data, self.sign):
                return True
        return False


def read_answer(body: bytes) -> Answer:
    """Read an XML answer, decoding by its own declaration (GBK where it says so).

    Raises `Unreadable` for anything that is not one plain answer: a DOCTYPE, an entity, a comment or processing
    instruction anywhere, an element twice, nested business fields, stray text, an unknown charset."""
    text, charset = _xml_text(body)
    if usual := _usual(text, charset):
        return usual
    return _any_answer(text, charset)


def _usual(text: str, charset: str) -> Answer | None:
    """The usual answer, read in one strict pass at a third of the cost; None for any other, valid or not.

    It is a subset of XML in which nothing can mean two things: no escapes, no attributes but a param's name, blanks
    only between letters. A test holds it against the real parser."""
    match = _USUAL.fullmatch(text)
    if match is None or any(sign in text for sign in _UNUSUAL):
        return None
    echo, node, children, sign, sign_type = match.groups()
    params = _USUAL_PARAM.findall(echo)
    request = dict(params)
    leaves = _USUAL_FIELD.findall(children)
    fields = {name: value for name, value, end in leaves if name == end}
    if len(fields) != len(leaves) or len(request) != len(params) or "sign" in fields or "sign_type" in fields:
        return None
    return Answer(True, "", node, fields, sign, sign_type, request, charset)


def _any_answer(text: str, charset: str) -> Answer:
    if _FORBIDDEN.search(text):
        raise Unreadable("the answer holds a DOCTYPE, a comment or a processing instruction")
    try:
        root = etree.fromstring(text.encode("utf-8"), _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        raise Unreadable("the answer is not well-formed XML") from None
    if root.tag != "alipay":
        raise Unreadable("the answer is not an <alipay> document")
    parts = _children(root, "alipay")
    is_success = _text(parts["is_success"]) if "is_success" in parts else ""
    if is_success not in ("T", "F"):
        raise Unreadable("is_success is neither T nor F")
    node, fields = _business(parts["response"]) if "response" in parts else ("", {})
    return Answer(
        is_success=is_success == "T",
        error=_text(parts["error"]) if "error" in parts else "",
        node=node,
        fields=fields,
        sign=_text(parts["sign"]) if "sign" in parts else "",
        sign_type=_text(parts["sign_type"]) if "sign_type" in parts else "",
        request=_params(parts["request"]) if "request" in parts else {},
        charset=charset,
    )


def write_answer(
    node: str, fields: Mapping[str, str], request: Mapping[str, str], signatory: Signatory, charset: str
) -> bytes:
    """A signed `is_success=T` answer on one line, children in alphabetical order, empty fields left out.

    A character that `charset` lacks becomes `?`, as Java's encoders do it. Raises `Unreadable` for control
    characters, which XML can't hold."""
    name_of = codec(charset)
    kept = {name: _writable(value, name_of) for name, value in sorted(fields.items())}
    kept = {name: value for name, value in kept.items() if value}
    for name in (node, *kept):
        if not _NAME.fullmatch(name) or name in ("sign", "sign_type"):
            raise Unreadable(f"{name!r} can't name an element of an answer")
    signature = signatory.sign(string_to_sign(kept).encode(name_of))
    params = "".join(
        f'<param name="{_escaped(name, quote=True)}">{_escaped(_writable(value, name_of))}</param>'
        for name, value in request.items()
    )
    children = "".join(f"<{name}>{_escaped(value)}</{name}>" for name, value in kept.items())
    return (
        f'<?xml version="1.0" encoding="{charset}"?><alipay><is_success>T</is_success><request>{params}</request>'
        f"<response><{node}>{children}</{node}></response>"
        f"<sign>{signature}</sign><sign_type>{signatory.sign_type.value}</sign_type></alipay>"
    ).encode(name_of)


def write_rejection(code: str, charset: str) -> bytes:
    """The gateway's refusal as it is seen in the wild: `is_success=F`, one error word, no signature."""
    return (
        f'<?xml version="1.0" encoding="{charset}"?>'
        f"<alipay><is_success>F</is_success><error>{_escaped(code)}</error></alipay>"
    ).encode(codec(charset))


def _xml_text(body: bytes) -> tuple[str, str]:
    """The document as text without its declaration, decoded once, by us: so that what is hashed is what was sent."""
    if len(body) > _LARGEST:
        raise Unreadable("the answer is far larger than any genuine one")
    body = body.removeprefix(b"\xef\xbb\xbf").strip()
    charset = "utf-8"
    if declaration := _DECLARATION.match(body):
        if encoding := _ENCODING.search(declaration[0]):
            charset = encoding[1].decode("ascii")
        body = body[declaration.end() :]
    try:
        return body.decode(codec(charset)), charset
    except UnicodeDecodeError:
        raise Unreadable(f"the answer declares {charset} and is something else") from None


def _children(parent: etree._Element, where: str) -> dict[str, etree._Element]:
    children: dict[str, etree._Element] = {}
    stray = parent.text
    for child in parent:
        name = child.tag
        if not isinstance(name, str) or name.startswith("{"):
            raise Unreadable(f"<{where}> holds something that is not a plain element")
        if name in children:
            raise Unreadable(f"<{name[:60]}> stands twice in <{where}>")
        if stray and stray.strip(_BLANK):
            break
        stray = child.tail
        children[name] = child
    if stray and stray.strip(_BLANK):
        raise Unreadable(f"<{where}> holds stray text")
    return children


def _text(element: etree._Element) -> str:
    if len(element):
        raise Unreadable(f"<{element.tag}> holds elements where a value belongs")
    return (element.text or "").strip(_BLANK)


def _business(response: etree._Element) -> tuple[str, dict[str, str]]:
    nodes = _children(response, "response")
    if len(nodes) != 1:
        raise Unreadable("<response> does not hold exactly one node")
    ((node, element),) = nodes.items()
    fields = {name: _text(child) for name, child in _children(element, node).items()}
    if "sign" in fields or "sign_type" in fields:
        raise Unreadable("a signature stands inside the signed node")
    return node, fields


def _params(request: etree._Element) -> dict[str, str]:
    params: dict[str, str] = {}
    for child in request:
        name = child.get("name")
        if child.tag != "param" or name is None:
            raise Unreadable("<request> holds something that is not a named param")
        if name in params:
            raise Unreadable(f"the param {name[:60]!r} is echoed twice")
        params[name] = _text(child)
    return params


def _writable(value: str, name_of: str) -> str:
    if _NOT_XML.search(value):
        raise Unreadable("an answer can't hold control characters")
    return value.encode(name_of, "replace").decode(name_of).strip(_BLANK)


def _escaped(value: str, *, quote: bool = False) -> str:
    # a bare carriage return would come back as a line feed; in attributes, all white space would come back as blanks
    entities = {"\r": "&#13;"}
    if quote:
        entities |= {'"': "&quot;", "\n": "&#10;", "\t": "&#9;"}
    return escape(value, entities)


# --- Open API answers ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenApiAnswer:
    """One JSON answer: `text` is the node exactly as received, which is what is signed; `fields` is that text, read."""

    node: str
    text: str
    fields: Mapping[str, Any]
    sign: str = ""
    charset: str = "utf-8"

    def is_signed_by(self, signatory: Signatory) -> bool:
        """Whether the signature over `text` is genuine. There is no sign type in the answer: the signatory's counts."""
        return bool(self.sign) and signatory.verify(self.text.encode(codec(self.charset)), self.sign)


_JSON_BLANK: Final = re.compile(r"[ \t\r\n]*")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("a field stands twice in the answer")
    return found


def _no_constant(name: str) -> NoReturn:
    raise Unreadable(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_float=Decimal, parse_constant=_no_constant)


def read_openapi_answer(body: bytes, charset: str = "utf-8") -> OpenApiAnswer:
    """Read a JSON answer without ever re-writing it: the first `..._response` node wins, and only its text is read.

    The decoder tells where the node ends, so braces and quotes inside of strings don't matter; a key `sign` inside the
    node is a field like any other, and the signature may stand before or after the node. Raises `Unreadable` for
    anything that is not one such document."""
    if len(body) > _LARGEST:
        raise Unreadable("the answer is far larger than any genuine one")
    try:
        document = body.decode(codec(charset))
    except UnicodeDecodeError:
        raise Unreadable(f"the answer is not {charset}") from None
    node, text, sign = "", "", ""
    fields: Any = None
    at = _blank(document, _after(document, _blank(document, 0), "{"))
    while True:
        key, at = _value(document, at)
        at = _blank(document, _after(document, _blank(document, at), ":"))
        value, end = _value(document, at)
        if not isinstance(key, str):
            raise Unreadable("the answer is not a JSON object of named values")
        if key.endswith("_response") and not node:
            node, text, fields = key, document[at:end], value
        elif key == "sign":
            if sign or not isinstance(value, str):
                raise Unreadable("the answer's signature is not one text")
            sign = value
        at = _blank(document, end)
        if not document.startswith(",", at):
            break
        at = _blank(document, at + 1)
    if _blank(document, _after(document, at, "}")) != len(document):
        raise Unreadable("text follows the answer")
    if not isinstance(fields, dict):
        raise Unreadable("the answer holds no plain response node")
    return OpenApiAnswer(node=node, text=text, fields=fields, sign=sign, charset=charset)


def write_openapi_answer(
    node: str, json_text: str, signatory: Signatory | None, charset: str = "utf-8", cert_sn: str = ""
) -> bytes:
    """An Open API answer around a node that is already JSON text; unsigned without a signatory.

    What is signed is the node's bytes as they travel: a character that `charset` lacks is `?` in both. `cert_sn`
    says in certificate mode which certificate to verify with."""
    name_of = codec(charset)
    data = json_text.encode(name_of, "replace")
    cert = f',"alipay_cert_sn":"{cert_sn}"' if cert_sn else ""
    sign = f',"sign":"{signatory.sign(data)}"' if signatory else ""
    return f'{{"{node}":'.encode() + data + f"{cert}{sign}}}".encode()


def _blank(document: str, at: int) -> int:
    match = _JSON_BLANK.match(document, at)
    return match.end() if match else at


def _after(document: str, at: int, token: str) -> int:
    if not document.startswith(token, at):
        raise Unreadable("the answer is not a JSON object")
    return at + len(token)


def _value(document: str, at: int) -> tuple[Any, int]:
    """The JSON value that begins at `at`, and where it ends."""
    try:
        return _DECODER.raw_decode(document, at)
    except Unreadable:
        raise
    except (ValueError, RecursionError):
        raise Unreadable("the answer is not JSON") from None
