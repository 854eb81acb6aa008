"""The key doctor for an account at Alipay itself: finds the one thing that is wrong by trying, and says what was tried.

It works on what was typed, not on what an `Account` would accept, and asks only for orders and codes that can't exist.
https://docs.antom.com/ac/tool/idiagnose, https://docs.antom.com/ac/gr/globalgs"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, Self
from urllib.parse import urlsplit

from saoma.alipay.account import Account, address_fault
from saoma.alipay.examining_sign_in import Application, sign_in_finding
from saoma.alipay.findings import Finding, Mark
from saoma.alipay.key_texts import KeyText, md5_flaw, read_key
from saoma.alipay.probing import Heard, Probe
from saoma.alipay.signing import Signatory, SignType, md5_signatory, rsa_signatory, string_to_sign
from saoma.alipay.wire import Answer, Unreadable, codec, form, read_answer
from saoma.kit.clock import Clock
from saoma.kit.errors import Invalid
from saoma.kit.ids import new_id

QUERY: Final = "alipay.acquire.overseas.query"
_PARTNER: Final = re.compile(r"2088\d{12}")
#: What the gateway says when it looked at the signature and did not like it.
_SIGNATURE: Final = ("ILLEGAL_SIGN", "ILLEGAL_SIGN_TYPE", "ILLEGAL_SECURITY_PROFILE")
_BUSY: Final = ("SYSTEM_ERROR", "SESSION_TIMEOUT", "SYSTEM_EXCEPTION")
_NO_PRODUCT: Final = ("ILLEGAL_PARTNER_EXTERFACE", "HAS_NO_PRIVILEGE", "ILLEGAL_EXTERFACE")
_OFF: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Draft:
    """An account as it was typed, right or wrong. The fields are those of `Account`."""

    partner: str
    app_id: str = ""
    sign_type: str = "RSA2"
    md5_key: str = field(repr=False, default="")
    private_key: str = field(repr=False, default="")
    alipay_public_key: str = field(repr=False, default="")
    gateway_url: str = ""
    openapi_url: str = ""
    auth_url: str = ""
    environment: str = "sandbox"
    currency: str = "USD"
    charset: str = "UTF-8"

    @classmethod
    def of(cls, account: Account) -> Self:
        """An account that is kept, as a draft."""
        return cls(
            **{name: getattr(account, name) for name in cls.__dataclass_fields__ if name != "sign_type"},
            sign_type=account.sign_type.value,
        )

    def mended(self) -> Draft:
        """The same with all that copying did to the keys undone, as far as it can be."""
        private, alipay = read_key(self.private_key, "private"), read_key(self.alipay_public_key, "public")
        partner, app_id = self.partner.strip(), self.app_id.strip()
        if _PARTNER.fullmatch(app_id) and not _PARTNER.fullmatch(partner):
            partner, app_id = app_id, partner
        digits = re.sub(r"\D", "", partner)
        return replace(
            self,
            partner=digits if _PARTNER.fullmatch(digits) else partner,
            app_id=app_id,
            md5_key=md5_flaw(self.md5_key)[1] or self.md5_key,
            private_key=private.pem if private.flaw and private.pem else self.private_key.strip(),
            alipay_public_key=alipay.pem if alipay.flaw and alipay.pem else self.alipay_public_key.strip(),
        )


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another account of this deployment (or a pair that was made here and is not used yet): exchanged keys happen."""

    name: str
    draft: Draft
    spare: bool = False


@dataclass(frozen=True, slots=True)
class _Signer:
    """One way to sign. `fault` is what it means when only this way is accepted."""

    label: str
    signatory: Signatory
    fault: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    charset: str = ""
    in_body: bool = False


class Examination:
    """One look at one account. `findings` yields each check as it ends."""

    def __init__(self, draft: Draft, probe: Probe, clock: Clock, neighbours: Sequence[Neighbour] = ()) -> None:
        self._typed = draft
        self._draft = draft.mended()
        self._probe = probe
        self._clock = clock
        self._neighbours = neighbours
        self._private = read_key(draft.private_key, "private")
        self._alipay = read_key(draft.alipay_public_key, "public")
        self._tried: list[str] = []

    async def findings(self) -> AsyncIterator[Finding]:
        """Check after check."""
        address, charset, ours = self._addresses(), self._charset(), self._our_key()
        yield address
        yield self._partner()
        yield charset
        yield ours
        signer = self._signer()
        if Mark.WRONG in (address.mark, charset.mark) or signer is None:
            for check in ("gateway", "clock", "signature", "answer", "letters"):
                yield self._alipay_static() if check == "answer" else Finding(check, Mark.UNKNOWN)
            return
        heard = await self._ask(signer)
        answer, reached = _read(heard)
        yield reached
        yield clock_finding(heard, self._clock)
        if answer is None:
            for check in ("signature", "answer", "letters"):
                yield self._alipay_static() if check == "answer" else Finding(check, Mark.UNKNOWN)
            return
        found, holds, answer = await self._signature(signer, answer)
        yield found
        yield self._answer(answer)
        yield await self._letters(holds) if holds else Finding("letters", Mark.UNKNOWN)
        yield await self._sign_in(found, holds)

    # --- what can be seen without asking ------------------------------------------------------------------------------

    def _addresses(self) -> Finding:
        for name in ("gateway_url", "openapi_url", "auth_url"):
            url = getattr(self._draft, name)
            fault = address_fault(url, self._draft.environment) or (
                "shape" if name == "gateway_url" and not url else ""
            )
            if fault:
                return Finding("addresses", Mark.WRONG, f"address_{fault}", {"url": url, "host": _host(url)})
        return Finding("addresses", Mark.WELL)

    def _partner(self) -> Finding:
        typed = self._typed
        if _PARTNER.fullmatch(typed.partner):
            return Finding("partner", Mark.WELL)
        if _PARTNER.fullmatch(typed.app_id.strip()):
            return Finding("partner", Mark.WRONG, "partner_is_app_id")
        blanks = _PARTNER.fullmatch(re.sub(r"\D", "", typed.partner)) is not None
        return Finding("partner", Mark.WRONG, "partner_blanks" if blanks else "partner_shape")

    def _charset(self) -> Finding:
        try:
            codec(self._draft.charset)
        except Unreadable:
            return Finding("charset", Mark.WRONG, "charset_unknown", {"charset": self._draft.charset[:40]})
        return Finding("charset", Mark.WELL)

    def _our_key(self) -> Finding:
        if self._draft.sign_type == SignType.MD5:
            flaw, _ = md5_flaw(self._typed.md5_key)
            if not self._typed.md5_key.strip():
                flaw = "key_missing"
            return Finding("our_key", Mark.WRONG, flaw) if flaw else Finding("our_key", Mark.WELL)
        flaw = "missing" if self._private.flaw == "empty" else self._private.flaw
        if not flaw:
            return Finding("our_key", Mark.WELL, values={"fingerprint": self._private.fingerprint})
        return Finding("our_key", Mark.WRONG, f"key_{flaw}", {"bits": str(self._private.bits)})

    def _alipay_static(self) -> Finding:
        """What can be said of Alipay's key without an answer of Alipay's."""
        if not self._typed.alipay_public_key.strip() and self._draft.sign_type == SignType.MD5:
            return Finding("answer", Mark.UNKNOWN)
        if self._alipay.flaw == "other_half":
            return Finding("answer", Mark.WRONG, "alipay_key_private")
        if not self._alipay.pem:
            return Finding("answer", Mark.WRONG, "alipay_key_unreadable")
        if self._alipay.flaw:
            return Finding("answer", Mark.WRONG, "alipay_key_mendable")
        if self._alipay.fingerprint in self._own_fingerprints():
            return Finding("answer", Mark.WRONG, "alipay_key_is_ours")
        return Finding("answer", Mark.UNKNOWN)

    def _own_fingerprints(self) -> set[str]:
        """The public halves of every private key that is ours."""
        drafts = [self._draft, *(one.draft for one in self._neighbours)]
        return {read_key(one.private_key, "private").fingerprint for one in drafts} - {""}

    # --- asking -------------------------------------------------------------------------------------------------------

    def _signer(self) -> _Signer | None:
        """How the account says it signs, with what was mended."""
        try:
            return _Signer(
                self._draft.sign_type, _signatory(self._draft, SignType(self._draft.sign_type), self._private)
            )
        except (Invalid, ValueError):
            return None

    async def _ask(self, signer: _Signer, *, partner: str = "", gateway: str = "", number: str = "") -> Heard:
        charset = signer.charset or self._draft.charset
        fields = {
            "service": QUERY,
            "partner": partner or self._draft.partner,
            "_input_charset": charset,
            "partner_trans_id": number or f"DOCTOR{new_id('x')[-20:].upper()}",
        }
        fields["sign"] = signer.signatory.sign(string_to_sign(fields).encode(codec(charset)))
        fields["sign_type"] = signer.signatory.sign_type.value
        if not signer.in_body:
            del fields["_input_charset"]
        url = f"{gateway or self._draft.gateway_url}?_input_charset={charset}"
        head = {"Content-Type": f"application/x-www-form-urlencoded;charset={charset}"}
        heard = await self._probe.ask("POST", url, body=form(fields, charset), headers=head)
        what = heard.trouble or _word(heard)
        where = f" at {_host(gateway)}" if gateway else ""
        as_whom = f" as {partner}" if partner else ""
        self._tried.append(f"{signer.label}{as_whom}{where}: {what}")
        return heard

    async def _signature(self, signer: _Signer, first: Answer) -> tuple[Finding, _Signer | None, Answer]:
        """Why the gateway refuses, by trying what it would not refuse; the way that works, and its answer."""
        word = "" if first.is_success else first.error
        if first.is_success or word in ("ILLEGAL_ARGUMENT", "TRADE_NOT_EXIST"):
            return Finding("signature", Mark.WELL, tried=self._tried), signer, first

        def wrong(fault: str, **values: str) -> Finding:
            return Finding("signature", Mark.WRONG, fault, values, self._tried)

        wrong_type = self._draft.sign_type
        print_of = {"fingerprint": self._private.fingerprint, "wrong": wrong_type}
        if word == "EXTERFACE_INVOKE_CONTEXT_EXPIRED":
            return wrong("expired"), None, first
        if word in _BUSY:
            return wrong("busy", code=word), None, first
        if word in _NO_PRODUCT:
            return wrong("product_missing"), None, first
        if word == "ILLEGAL_PARTNER":
            return await self._partner_finding(signer), None, first
        if word not in (*_SIGNATURE, "ILLEGAL_CHARSET"):
            return wrong("refused", code=word[:64]), None, first
        for other in self._others(signer):
            answer, _ = _read(await self._ask(other))
            if answer is not None and (answer.is_success or answer.error not in (*_SIGNATURE, "ILLEGAL_CHARSET")):
                # one MD5 key and one pair may be set up side by side: then it is not the type that is refused
                both = word == "ILLEGAL_SIGN" and SignType.MD5 in (wrong_type, other.signatory.sign_type)
                fault = "key_wrong_other_works" if both and other.fault == "sign_type_other" else other.fault
                return wrong(fault, **other.values), other, answer
        if word == "ILLEGAL_SECURITY_PROFILE":
            return wrong("no_such_profile", **print_of), None, first
        if self._draft.sign_type == SignType.MD5:
            return wrong("md5_key_wrong"), None, first
        return wrong("our_key_unknown", **print_of), None, first

    async def _partner_finding(self, signer: _Signer) -> Finding:
        """Whose keys these are, or where this PID is known."""
        here = {one.draft.partner for one in self._neighbours if one.draft.gateway_url == self._draft.gateway_url}
        for partner in sorted(here - {self._draft.partner}):
            answer, _ = _read(await self._ask(signer, partner=partner))
            if answer is not None and answer.is_success:
                return Finding("signature", Mark.WRONG, "partner_of_other_key", {"partner": partner}, self._tried)
        gateways = {one.draft.gateway_url for one in self._neighbours if one.draft.gateway_url}
        for gateway in sorted(gateways - {self._draft.gateway_url}):
            answer, _ = _read(await self._ask(signer, gateway=gateway))
            if answer is not None and (answer.is_success or answer.error in _SIGNATURE):
                return Finding("signature", Mark.WRONG, "partner_elsewhere", {"host": _host(gateway)}, self._tried)
        return Finding("signature", Mark.WRONG, "partner_unknown", {}, self._tried)

    def _others(self, signer: _Signer) -> Iterator[_Signer]:
        """Everything else that may be meant, the likeliest first."""
        wrong = self._draft.sign_type
        for sign_type in SignType:
            if sign_type.value != wrong and (one := _maybe(self._draft, sign_type)) is not None:
                values = {"right": sign_type.value, "wrong": wrong}
                yield _Signer(f"{sign_type.value} with our key", one, "sign_type_other", values)
        right = "GBK" if codec(self._draft.charset) == "utf-8" else "UTF-8"
        values = {"right": right, "wrong": self._draft.charset}
        yield _Signer(f"{wrong} in {right}", signer.signatory, "charset_other", values, charset=right)
        yield _Signer(f"{wrong}, charset in the body", signer.signatory, "query_lost", in_body=True)
        for other in self._neighbours:
            for sign_type in dict.fromkeys((SignType(wrong), *SignType)):
                if (one := _maybe(other.draft, sign_type)) is None:
                    continue
                label = f"{sign_type.value} with the key of {other.name}"
                print_of = read_key(other.draft.private_key, "private").fingerprint
                fault = "key_is_spare" if other.spare else "key_of_other_account"
                yield _Signer(label, one, fault, {"name": other.name, "fingerprint": print_of})

    # --- the answer's own signature -----------------------------------------------------------------------------------

    def _answer(self, answer: Answer) -> Finding:
        static = self._alipay_static()
        if static.mark is Mark.WRONG:
            return static
        if not answer.is_success or not answer.sign:
            return Finding("answer", Mark.UNKNOWN, "" if not answer.is_success else "unsigned")
        wrong = self._draft.sign_type
        for sign_type in SignType:
            one = _maybe(self._draft, sign_type)
            if one is not None and answer.is_signed_by(one, self._draft.charset):
                if sign_type.value == wrong or answer.sign_type == answer.request.get("sign_type", answer.sign_type):
                    return Finding("answer", Mark.WELL)
                values = {"right": sign_type.value, "wrong": wrong}
                return Finding("answer", Mark.WRONG, "answer_sign_type", values)
        for other in self._neighbours:
            for sign_type in (SignType.RSA2, SignType.RSA):
                one = _maybe(replace(self._draft, alipay_public_key=other.draft.alipay_public_key), sign_type)
                if other.draft.alipay_public_key and one is not None and answer.is_signed_by(one, self._draft.charset):
                    return Finding("answer", Mark.WRONG, "alipay_key_of", {"name": other.name})
        return Finding("answer", Mark.WRONG, "alipay_key_wrong")

    async def _letters(self, signer: _Signer) -> Finding:
        """Whether what is no ASCII survives the way: an order number that no order can have."""
        heard = await self._ask(signer, number=f"DOCTOR测试{new_id('x')[-8:].upper()}")
        answer, _ = _read(heard)
        if answer is None:
            return Finding("letters", Mark.UNKNOWN)
        if answer.is_success or answer.error not in _SIGNATURE:
            return Finding("letters", Mark.WELL)
        right = "GBK" if codec(self._draft.charset) == "utf-8" else "UTF-8"
        return Finding(
            "letters", Mark.WRONG, "charset_other", {"right": right, "wrong": self._draft.charset}, self._tried
        )

    async def _sign_in(self, signature: Finding, holds: _Signer | None) -> Finding:
        """The same key signs there: where it is the wrong one, asking would only tell the same fault twice."""
        draft = self._draft
        if not draft.app_id or not draft.openapi_url:
            return Finding("sign_in", Mark.UNKNOWN, "no_app_id")
        kind = SignType.RSA if draft.sign_type == SignType.RSA else SignType.RSA2
        if draft.sign_type != SignType.MD5:
            if holds is None or signature.fault in ("key_of_other_account", "key_is_spare", "key_wrong_other_works"):
                return Finding("sign_in", Mark.UNKNOWN)
            if holds.signatory.sign_type is not SignType.MD5:
                kind = holds.signatory.sign_type
        if not self._private.pem:
            return Finding("sign_in", Mark.WRONG, "sign_in_no_key")
        application = Application(draft.app_id, draft.openapi_url, self._private.pem, self._private.fingerprint, kind)
        return await sign_in_finding(application, self._probe, self._clock)


def clock_finding(heard: Heard, clock: Clock, most: timedelta = _OFF) -> Finding:
    """Whether our clock agrees with the other side's, to two minutes."""
    if heard.date is None:
        return Finding("clock", Mark.UNKNOWN, "no_date" if not heard.trouble else "")
    off = clock.now() - heard.date
    if abs(off) <= most:
        return Finding("clock", Mark.WELL)
    fault = "clock_fast" if off > timedelta() else "clock_slow"
    return Finding("clock", Mark.WRONG, fault, {"minutes": str(round(abs(off).total_seconds() / 60))})


def _signatory(draft: Draft, sign_type: SignType, private: KeyText | None = None) -> Signatory:
    """Raises `Invalid` where the key for it is missing."""
    if sign_type is SignType.MD5:
        if not draft.md5_key:
            raise Invalid("no MD5 key")
        return md5_signatory(draft.md5_key)
    pem = (private or read_key(draft.private_key, "private")).pem
    if not pem:
        raise Invalid("no private key")
    return rsa_signatory(sign_type, pem, read_key(draft.alipay_public_key, "public").pem or None)


def _maybe(draft: Draft, sign_type: SignType) -> Signatory | None:
    try:
        return _signatory(draft, sign_type)
    except Invalid:
        return None


def _read(heard: Heard) -> tuple[Answer | None, Finding]:
    """The gateway's answer, and what that says about the address."""
    if heard.trouble:
        return None, Finding("gateway", Mark.WRONG, heard.trouble)
    if heard.status == 200:
        try:
            return read_answer(heard.body), Finding("gateway", Mark.WELL)
        except Unreadable:
            pass
        if heard.body.lstrip()[:1] == b"{" and b"_response" in heard.body:
            return None, Finding("gateway", Mark.WRONG, "is_openapi")
    return None, Finding("gateway", Mark.WRONG, "not_alipay", {"status": str(heard.status)})


def _word(heard: Heard) -> str:
    answer, found = _read(heard)
    if answer is None:
        return found.fault
    return answer.error or answer.fields.get("error") or answer.fields.get("result_code") or "T"


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""
