"""The one socket to Alipay: signs, sends, waits, verifies, and is honest about what is known afterwards.

`NotSent` is raised only where no byte of the request can have left (no address, no connection); everything later that
is not a verified answer, or the gateway's own refusal, is `NoBelievableAnswer`: the work may have been done. Nothing is
ever repeated in here, not even by the HTTP library: repeating is the payment core's decision."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from saoma.alipay.account import Account
from saoma.alipay.messages.fields import Request
from saoma.alipay.messages.sign_in import OauthToken, TokenAnswer, refusal_of
from saoma.alipay.signing import Signatory, SignType, string_to_sign
from saoma.alipay.wire import Unreadable, codec, form, read_answer, read_openapi_answer
from saoma.kit.clock import Clock
from saoma.kit.errors import Invalid, NotSent, OutcomeUnknown, Refused

_LARGEST_BODY: Final = 1_000_000
_LONGEST_EVIDENCE: Final = 4_000
_DIGITS: Final = re.compile(r"[0-9]{16,}")
#: The system is busy: the same authorization code may be tried once more (https://docs.antom.com/ac/global/oauth_token).
_TRY_ONCE_MORE: Final = ("isp.unknow-error", "aop.unknow-error")


class NoBelievableAnswer(OutcomeUnknown):
    """The request may have been carried out. `code` is `silence`, `unreadable` or `bad_signature`.

    `raw` is what came, cut short and without the echo of our request."""

    def __init__(self, code: str, text: str, raw: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.raw = raw


class SignInFailed(Refused):
    """Nobody was signed in. With `again`, a fresh authorization may work; otherwise the set-up is wrong."""

    def __init__(self, code: str, text: str, *, again: bool) -> None:
        super().__init__(text)
        self.code = code
        self.again = again


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call, for logs and metrics. It never holds a key, a payment code, a token or a signature.

    `outcome` is `answered`, `rejected`, `not_sent`, `silence`, `unreadable`, `bad_signature` or `abandoned`; `code`
    is the gateway's word with `rejected`."""

    service: str
    order_number: str
    partner: str
    milliseconds: float
    outcome: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: verified `fields` of the business node, or, unsigned and so no proof, `rejection`.

    `echoed` is the request as the gateway says it saw it, also unsigned. `raw` is evidence: cut, without the echo."""

    fields: Mapping[str, str]
    rejection: str
    echoed: Mapping[str, str]
    raw: str


class AlipayClient:
    """Keeps connections to Alipay alive and speaks for any number of accounts.

    A POST on a kept connection that turns out dead is `silence`: aiohttp never sends one twice.

    `connect_seconds` bounds finding and reaching the gateway, `read_seconds` the wait for its answer: keep the latter
    below the gap between two queries of a payment. Use as a context manager, or call `close` at the end."""

    def __init__(
        self,
        clock: Clock,
        *,
        connect_seconds: float = 3.0,
        read_seconds: float = 4.5,
        connections: int = 1_000,
        on_call: Callable[[CallRecord], None] | None = None,
    ) -> None:
        self._clock = clock
        self._limits = aiohttp.ClientTimeout(
            total=connect_seconds + read_seconds,
            connect=connect_seconds,
            sock_connect=connect_seconds,
            sock_read=read_seconds,
        )
        self._connections = connections
        self._on_call = on_call
        self._session: aiohttp.ClientSession | None = None
        # A signature takes a core for 0.3 ms: made one after the other on the event loop, everything else waits behind
        # them; each made in a thread, all pay for the hop. So the loop makes one in each of its turns and threads make
        # the rest. Measured with 50 at once: the loop is late by 24 ms if it makes all, 1 to 3 ms with threads alone
        # and this way, which costs less CPU than threads.
        self._signed_in_this_turn = False
        self._signers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="alipay-sign")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        self._signers.shutdown(wait=False)

    async def call(self, account: Account, request: Request) -> Reply:
        """Send one request of the `service=` gateway and return its verified answer, or the gateway's rejection.

        Raises `Invalid` (bad input, nothing sent), `NotSent` or `NoBelievableAnswer`."""
        fields = {
            "service": request.service,
            "partner": account.partner,
            "_input_charset": account.charset,
            **{name: value for name, value in request.fields().items() if value},
        }
        try:
            data = string_to_sign(fields).encode(codec(account.charset))
        except UnicodeEncodeError as error:
            raise Invalid(f"{error.object[error.start]!r} can't be written in {account.charset}.") from None
        fields["sign"] = await self._sign(account.signatory, data)
        fields["sign_type"] = account.sign_type.value
        # the gateway must know the charset before it can read the body, so it stands in the address
        del fields["_input_charset"]
        url = f"{account.gateway_url}?_input_charset={account.charset}"
        watch = _Watch(self._on_call, request.service, request.about, account.partner)
        with watch:
            body = await self._post(url, form(fields, account.charset), account.charset)
            raw = evidence(body)
            try:
                answer = read_answer(body)
            except Unreadable as error:
                raise NoBelievableAnswer("unreadable", str(error), raw) from None
            if not answer.is_success:
                watch.rejected(answer.error)
                return Reply(fields={}, rejection=answer.error or "unreadable", echoed=answer.request, raw=raw)
            if not answer.is_signed_by(account.signatory, account.charset):
                raise NoBelievableAnswer("bad_signature", "the answer is not signed as this account's must be", raw)
        return Reply(fields=answer.fields, rejection="", echoed=answer.request, raw=raw)

    async def buyer_of(self, account: Account, auth_code: str) -> str:
        """Exchange the code of a finished authorization for the buyer's id (16 digits that begin with 2088).

        Raises `SignInFailed` when Alipay gives none, `NotSent` or `NoBelievableAnswer` when it can't be known: the
        code is used up in any case, so the authorization starts again."""
        for last in (False, True):
            answer, code = await self._token(account, auth_code)
            if answer is not None:
                break
            if code not in _TRY_ONCE_MORE or last:
                again = code.startswith(("isv.code", "isp.", "aop."))
                raise SignInFailed(code, "Alipay did not sign you in. Please scan the code again.", again=again)
        if answer is None or not re.fullmatch(r"2088\d{12}", answer.user_id):
            raise SignInFailed(
                "no_user_id",
                "Alipay answered without a user id (an open_id alone can't be charged): "
                "set the application to return user ids.",
                again=False,
            )
        return answer.user_id

    async def verify_notice_id(self, account: Account, notice_id: str) -> bool:
        """Whether Alipay says it sent this notification (`notify_verify`): an optional second check after the
        signature. Raises `NotSent` or `NoBelievableAnswer`."""
        fields = {"service": "notify_verify", "partner": account.partner, "notify_id": notice_id}
        with _Watch(self._on_call, "notify_verify", notice_id, account.partner):
            url = f"{account.gateway_url}?{form(fields, account.charset).decode('ascii')}"
            body = await self._fetch("GET", url, None, account.charset)
            text = body.strip().decode("ascii", "replace")
            if text not in ("true", "false", "invalid"):
                raise NoBelievableAnswer("unreadable", "notify_verify answers true, false or invalid", evidence(body))
            return text == "true"

    async def _token(self, account: Account, auth_code: str) -> tuple[TokenAnswer | None, str]:
        request = OauthToken(auth_code, self._clock.now())
        signatory = account.openapi_signatory
        fields = {"app_id": account.app_id, "sign_type": signatory.sign_type.value, **request.fields()}
        fields["sign"] = await self._sign(signatory, string_to_sign(fields, keep_sign_type=True).encode())
        watch = _Watch(self._on_call, request.method, "", account.partner)
        with watch:
            body = await self._post(f"{account.openapi_url}?charset=utf-8", form(fields, "utf-8"), "utf-8")
            try:
                answer = read_openapi_answer(body)
                refusal = refusal_of(answer)
                if refusal:
                    # often unsigned; a refusal signs nobody in, so there is nothing to prove
                    watch.rejected(refusal)
                    return None, refusal
                if not answer.is_signed_by(signatory):
                    raise NoBelievableAnswer("bad_signature", "the answer is not signed by Alipay")
                return TokenAnswer.read(answer.fields), ""
            except Unreadable as error:
                # no evidence is kept here: the body may hold tokens
                raise NoBelievableAnswer("unreadable", str(error)) from None

    async def _sign(self, signatory: Signatory, data: bytes) -> str:
        if signatory.sign_type is SignType.MD5:
            return signatory.sign(data)
        loop = asyncio.get_running_loop()
        if self._signed_in_this_turn:
            return await loop.run_in_executor(self._signers, signatory.sign, data)
        self._signed_in_this_turn = True
        loop.call_soon(self._next_turn)
        return signatory.sign(data)

    def _next_turn(self) -> None:
        self._signed_in_this_turn = False

    async def _post(self, url: str, body: bytes, charset: str) -> bytes:
        return await self._fetch("POST", url, body, charset)

    async def _fetch(self, method: str, url: str, body: bytes | None, charset: str) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=8.0, ttl_dns_cache=60),
                timeout=self._limits,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        headers = {"Accept": "text/xml,text/plain,application/json,text/html"}
        if body is not None:
            headers["Content-Type"] = f"application/x-www-form-urlencoded;charset={charset}"
        try:
            async with self._session.request(
                method, URL(url, encoded=True), data=body, headers=headers, allow_redirects=False
            ) as response:
                received = bytearray()
                async for chunk in response.content.iter_any():
                    received += chunk
                    if len(received) > _LARGEST_BODY:
                        raise NoBelievableAnswer("unreadable", "the answer is far larger than any genuine one")
                if response.status != 200:
                    raise NoBelievableAnswer("unreadable", f"HTTP status {response.status}", evidence(bytes(received)))
                return bytes(received)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotSent(f"no connection to the gateway: {type(error).__name__}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoBelievableAnswer("silence", f"no answer: {type(error).__name__}") from error


class _Watch:
    """Times one call and reports how it went, whichever way it ends."""

    def __init__(
        self, on_call: Callable[[CallRecord], None] | None, service: str, order_number: str, partner: str
    ) -> None:
        self._on_call = on_call
        self._about = (service, order_number, partner)
        self._rejection: str | None = None
        self._began = 0.0

    def rejected(self, code: str) -> None:
        """The gateway refused, with this word."""
        self._rejection = code

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._on_call is None:
            return
        match error:
            case None:
                outcome = "answered" if self._rejection is None else "rejected"
            case NoBelievableAnswer():
                outcome = error.code
            case NotSent():
                outcome = "not_sent"
            case _:
                outcome = "abandoned"
        service, order_number, partner = self._about
        spent = (time.perf_counter() - self._began) * 1000
        self._on_call(CallRecord(service, order_number, partner, spent, outcome, self._rejection or ""))


def evidence(body: bytes) -> str:
    """An answer as it is kept: at most 4,000 characters, without the echo of our request (it holds the payment code
    and our signature), and without a payment code anywhere else."""
    charset = "gbk" if re.match(rb"""[^>]{0,80}encoding=["']gb""", body, re.IGNORECASE) else "utf-8"
    before, echo, rest = body.decode(charset, "replace").partition("<request>")
    while echo:
        rest = rest.partition("</request>")[2]
        kept, echo, rest = rest.partition("<request>")
        before += kept
    return _DIGITS.sub(_without_code, before[:_LONGEST_EVIDENCE])


def _without_code(run: re.Match[str]) -> str:
    return "(payment code)" if len(run[0]) <= 24 and "25" <= run[0][:2] <= "30" else run[0]
