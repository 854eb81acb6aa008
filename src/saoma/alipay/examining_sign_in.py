"""The key doctor's look at sign-in: a made-up authorization code, refused for the right reason, proves APPID and key.

In the Open API `sign_type` is part of what is signed (https://docs.antom.com/ac/global/oauth_token)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from saoma.alipay.findings import Finding, Mark
from saoma.alipay.messages.sign_in import OauthToken, refusal_of
from saoma.alipay.probing import Heard, Probe
from saoma.alipay.signing import SignType, rsa_signatory, string_to_sign
from saoma.alipay.wire import Unreadable, form, read_openapi_answer
from saoma.kit.clock import Clock

_BUSY: Final = ("isp.unknow-error", "aop.unknow-error", "20000")
#: Nobody was ever given this.
_NO_CODE: Final = "doctor0000000000000000000000asks"


@dataclass(frozen=True, slots=True)
class Application:
    """What signing people in needs."""

    app_id: str
    url: str
    private_key: str = field(repr=False)
    fingerprint: str
    sign_type: SignType


async def sign_in_finding(application: Application, probe: Probe, clock: Clock) -> Finding:
    """One question, and a second with the other sign type where the first is refused for its signature."""
    tried: list[str] = []

    async def ask(sign_type: SignType) -> str:
        word = _word(await _ask(application, sign_type, probe, clock))
        tried.append(f"oauth.token, {sign_type.value}: {word}")
        return word

    def wrong(fault: str, **values: str) -> Finding:
        return Finding("sign_in", Mark.WRONG, fault, values, tried)

    word = await ask(application.sign_type)
    match word:
        case "isv.code-invalid":
            return Finding("sign_in", Mark.WELL, tried=tried)
        case "isv.invalid-app-id":
            return wrong("app_id_unknown")
        case "isv.invalid-signature" | "isv.missing-signature" | "isv.invalid-signature-type":
            other = SignType.RSA if application.sign_type is SignType.RSA2 else SignType.RSA2
            if await ask(other) == "isv.code-invalid":
                return wrong("app_sign_type", right=other.value, wrong=application.sign_type.value)
            return wrong("app_key_unknown", fingerprint=application.fingerprint)
        case "isv.invalid-timestamp":
            return wrong("expired")
        case "not_reached" | "silent":
            return wrong(word, host=application.url)
        case "":
            return wrong("openapi_not_alipay")
        case _ if word in _BUSY:
            return wrong("busy", code=word)
        case _:
            return wrong("refused", code=word[:64])


async def _ask(application: Application, sign_type: SignType, probe: Probe, clock: Clock) -> Heard:
    fields = {
        "app_id": application.app_id,
        "sign_type": sign_type.value,
        **OauthToken(_NO_CODE, clock.now()).fields(),
    }
    signatory = rsa_signatory(sign_type, application.private_key, None)
    fields["sign"] = signatory.sign(string_to_sign(fields, keep_sign_type=True).encode())
    head = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
    return await probe.ask("POST", f"{application.url}?charset=utf-8", body=form(fields, "utf-8"), headers=head)


def _word(heard: Heard) -> str:
    """The refusal's word; empty for what is no answer of the Open API."""
    if heard.trouble:
        return heard.trouble
    try:
        return refusal_of(read_openapi_answer(heard.body)) if heard.status == 200 else ""
    except Unreadable:
        return ""
