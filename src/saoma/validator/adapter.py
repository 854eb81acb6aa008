"""The integration's side of drive mode: a few hooks, answered over HTTP or by a command, JSON both ways.

Which hooks there are, the integration says itself (`hello`); what they take and give is in docs/validator.md."""

from __future__ import annotations

import asyncio
import json
import shlex
from typing import Any, Final, Protocol

import aiohttp
import msgspec

from saoma.kit.errors import SaomaError

#: How long a hook may take, in seconds: a till without `/advance` may answer `/pay` only when it knows the end.
PATIENCE: Final = 150.0


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

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url.rstrip("/")
        self._session = session

    async def call(self, hook: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST it. Raises `HookFailed`."""
        limit = aiohttp.ClientTimeout(total=PATIENCE)
        try:
            async with self._session.post(f"{self._url}/{hook}", json=body, timeout=limit) as answer:
                text = await answer.text()
                if answer.status != 200:
                    raise HookFailed(f"{answer.status} {text[:120]}")
        except (aiohttp.ClientError, TimeoutError, OSError) as trouble:
            raise HookFailed(f"{type(trouble).__name__} {trouble}"[:160]) from None
        return _object(text)


class CommandAdapter:
    """Hooks as a command, started once per hook: `{"hook": "pay", ...}` on standard input, the answer on output."""

    def __init__(self, command: str) -> None:
        self._words = shlex.split(command)

    async def call(self, hook: str, body: dict[str, Any]) -> dict[str, Any]:
        """Run it. Raises `HookFailed`."""
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(*self._words, stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError as trouble:
            raise HookFailed(f"{self._words[0]}: {trouble.strerror}") from None
        try:
            said, trouble_said = await asyncio.wait_for(
                process.communicate(json.dumps({"hook": hook, **body}).encode()), PATIENCE
            )
        except TimeoutError:
            process.kill()
            await process.wait()
            raise HookFailed(f"no answer within {PATIENCE:.0f} s") from None
        if process.returncode:
            last = trouble_said.decode(errors="replace").strip().splitlines()[-1:]
            raise HookFailed(f"exit code {process.returncode} {' '.join(last)}"[:160])
        return _object(said.decode(errors="replace"))


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        raise HookFailed(f"not JSON: {text[:80]}") from None
    if not isinstance(found, dict):
        raise HookFailed(f"not a JSON object: {text[:80]}")
    return found


async def meet(adapter: Adapter) -> Hello:
    """Ask who is there. Raises `HookFailed`."""
    try:
        return msgspec.convert(await adapter.call("hello", {}), Hello)
    except msgspec.ValidationError as wrong:
        raise HookFailed(f"/hello: {wrong}") from None
