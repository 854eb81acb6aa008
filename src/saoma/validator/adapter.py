"""The integration's side of drive mode: a few hooks, answered over HTTP or by a command, JSON both ways.

Which hooks there are, the integration says itself (`hello`); what they take and give is in docs/validator.md."""

from __future__ import annotations

import asyncio
import difflib
import json
import re
import shlex
from collections.abc import Mapping
from typing import Any, Final, Protocol

import aiohttp
import msgspec

from saoma.kit.errors import SaomaError
from saoma.validator.cases import ALL_SOLUTIONS

#: How long a hook may take, in seconds: a till without `/advance` may answer `/pay` only when it knows the end.
PATIENCE: Final = 150.0
#: Every hook there is.
HOOKS: Final = (
    "hello", "pay", "query", "cancel", "refund", "advance", "page", "reported", "register", "shop_code", "confirmation",
    "reconcile", "switch", "vehicle",
)  # fmt: skip
#: What a standing may say of an order.
STATUSES: Final = ("waiting", "paid", "failed", "closed", "needs_person", "asks")
_STANDING_OF: Final = ("pay", "query", "cancel", "refund", "reported")
_UNKNOWN: Final = ("unknown", "")
_AS_NAMED: Final[Mapping[str, type | tuple[type, ...]]] = {
    "order": str, "status": str, "message": str, "page_url": str, "url": str, "code_url": str, "asks": str,
    "receipts": int, "needs_person": bool, "alarm": bool, "next_in": (int, float, type(None)),
}  # fmt: skip


#: `KeyError: 'x'`, `Exception in thread "main" java.lang.RuntimeException: x`, `PHP Fatal error:  Uncaught Error: x`.
_ERROR: Final = re.compile(
    r"(?:Caused by: |Exception in thread \".*?\" |(?:PHP )?Fatal error: +)?"
    r"(?:Uncaught )?[\w.$\\]*(?:Error|Exception)\b.*"
)


class HookFailed(SaomaError):
    """A hook did not answer as it should."""


class Hello(msgspec.Struct):
    """What an integration says of itself. `public_key`: its own, PEM or bare, for RSA and RSA2."""

    name: str = "integration"
    hooks: list[str] = []
    solutions: list[str] = []
    barcode: bool = True
    currency: str = "USD"
    sign_type: str = "MD5"
    public_key: str = ""


class Adapter(Protocol):
    """Whoever answers hooks."""

    async def call(self, hook: str, body: dict[str, Any]) -> dict[str, Any]:
        """One hook. Raises `HookFailed`."""


class HttpAdapter:
    """Hooks as addresses: `POST {url}/pay` with a JSON body."""

    def __init__(self, url: str, session: aiohttp.ClientSession, patience: float = PATIENCE) -> None:
        self._url = url.rstrip("/")
        self._session = session
        self._patience = patience

    async def call(self, hook: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST it. Raises `HookFailed`."""
        limit, address = aiohttp.ClientTimeout(total=self._patience), f"{self._url}/{hook}"
        try:
            async with self._session.post(address, json=body, timeout=limit) as answer:
                text = await answer.text(errors="replace")
                if answer.status != 200:
                    raise HookFailed(
                        f"POST {address} was answered {answer.status}, not 200: {_start(text) or 'nothing'}"
                    )
        except TimeoutError:
            raise HookFailed(
                f"POST {address} did not answer within {self._patience:.0f} s: let it return at once and work in the "
                "background, or offer advance"
            ) from None
        except aiohttp.ClientConnectorError:
            raise HookFailed(f"nobody answers at {address}: is your adapter running?") from None
        except aiohttp.ClientConnectionError:
            raise HookFailed(f"POST {address}: it hung up without an answer; its own log says why") from None
        except (aiohttp.ClientError, OSError, ValueError) as trouble:
            raise HookFailed(f"POST {address}: {type(trouble).__name__} {trouble}"[:200]) from None
        return checked(hook, text, f"POST {address}")


class CommandAdapter:
    """Hooks as a command, started once per hook: `{"hook": "pay", ...}` on standard input, the answer on output."""

    def __init__(self, command: str, patience: float = PATIENCE) -> None:
        self._words = shlex.split(command)
        self._patience = patience

    async def call(self, hook: str, body: dict[str, Any]) -> dict[str, Any]:
        """Run it. Raises `HookFailed`."""
        pipe, name = asyncio.subprocess.PIPE, self._words[0] if self._words else ""
        try:
            process = await asyncio.create_subprocess_exec(*self._words, stdin=pipe, stdout=pipe, stderr=pipe)
        except (OSError, TypeError) as trouble:
            why = trouble.strerror if isinstance(trouble, OSError) else "no command"
            raise HookFailed(f"the command {name!r} can't be started: {why}") from None
        try:
            said, trouble_said = await asyncio.wait_for(
                process.communicate(json.dumps({"hook": hook, **body}).encode()), self._patience
            )
        except TimeoutError:
            process.kill()
            await process.wait()
            raise HookFailed(f"{name} with the hook {hook} did not end within {self._patience:.0f} s") from None
        if process.returncode:
            why = _gist(trouble_said.decode(errors="replace"))
            raise HookFailed(f"{name} with the hook {hook} ended with {process.returncode}: {why}"[:200])
        return checked(hook, said.decode(errors="replace"), f"{name} with the hook {hook}")


def checked(hook: str, text: str, who: str) -> dict[str, Any]:
    """What a hook said, if it is what that hook may say; `who` is named where it is not. Raises `HookFailed`."""
    try:
        found = json.loads(text)
    except ValueError:
        raise HookFailed(f"{who} did not answer JSON but: {_start(text) or 'nothing'}") from None
    if not isinstance(found, dict):
        raise HookFailed(f'{who} did not answer a JSON object such as {{"status": "waiting"}} but: {_start(text)}')
    for name, kinds in _AS_NAMED.items():
        value = found.get(name)
        if name in found and value is not None and (not isinstance(value, kinds) or _is_wrong_truth(value, kinds)):
            raise HookFailed(f"{who} answered {name}: {json.dumps(value)[:40]}, which should be {_kind(kinds)}")
    status = found.get("status")
    if hook in _STANDING_OF and status is not None and status not in (*STATUSES, *_UNKNOWN):
        raise HookFailed(f"{who} answered the status {status!r}: it is one of {', '.join(STATUSES)}")
    return found


def _is_wrong_truth(value: object, kinds: type | tuple[type, ...]) -> bool:
    return isinstance(value, bool) and kinds is not bool


def _kind(kinds: type | tuple[type, ...]) -> str:
    if isinstance(kinds, tuple):
        return "a number of seconds, or null"
    return {str: "a text", int: "a whole number", bool: "true or false"}[kinds]


def _gist(said: str) -> str:
    """The line of a program's complaints that names the error: Python puts it last, Node, Java and PHP do not."""
    lines = said.strip().splitlines()
    named = [line for line in lines if _ERROR.match(line)]
    return (named or lines or [""])[-1]


def _start(text: str) -> str:
    return " ".join(text.split())[:100]


async def meet(adapter: Adapter) -> Hello:
    """Ask who is there. Raises `HookFailed`."""
    said = await adapter.call("hello", {})
    try:
        hello = msgspec.convert(said, Hello)
    except msgspec.ValidationError as wrong:
        raise HookFailed(f"hello: {wrong}") from None
    if strange := [hook for hook in hello.hooks if hook not in HOOKS]:
        near = difflib.get_close_matches(strange[0], HOOKS, 1, 0.5)
        meant = f"; is {near[0]} meant?" if near else f": there are {', '.join(HOOKS)}"
        raise HookFailed(f"hello offers a hook {strange[0]!r}, which nobody knows{meant}")
    if not hello.hooks:
        raise HookFailed('hello offers no hooks: name those you answer, as {"hooks": ["pay", "query"]}')
    if strange := [name for name in hello.solutions if name not in ALL_SOLUTIONS]:
        raise HookFailed(f"hello names a solution {strange[0]!r}: they are {', '.join(ALL_SOLUTIONS)}")
    if hello.sign_type not in ("MD5", "RSA", "RSA2"):
        raise HookFailed(f"hello names the sign_type {hello.sign_type!r}: it is MD5, RSA or RSA2")
    return hello
