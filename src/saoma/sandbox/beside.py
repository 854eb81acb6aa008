"""A sandbox around one command, for CI: it starts, the command runs against it, and both end.

The command finds its addresses in the environment. What was played is said on standard error, so that the command's
own output stays what it was. It is the head of a session of its own: whoever ends us ends all that it started, too."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import uvloop

from saoma.kit.errors import Invalid
from saoma.sandbox.command import ended, opened, server_of
from saoma.sandbox.scenarios.playing import ScenarioView
from saoma.sandbox.scenarios.scenario import Scenario
from saoma.sandbox.server import Sandbox

#: The exit code when the command succeeded, and a step of the scenario was never reached.
NEVER_REACHED: Final = 3
#: The exit code when the command succeeded without a single call: it tried nothing, or another sandbox.
NOT_CALLED: Final = 4
#: What ends a program from outside: a terminal's Ctrl-C, whoever stops a job, and a terminal that is closed.
_PASSED_ON: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STARTS_WITHIN: Final = 15.0
_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def run_beside(
    command: str | Sequence[str],
    port: int | None = None,
    config: Path | None = None,
    sftp_port: int | None = None,
    state: Path | None = None,
    scenario: Scenario | None = None,
    *,
    strict: bool = False,
) -> int:
    """Run `command` (one for the shell, or word by word) beside a sandbox. Returns its exit code, 128 and the signal
    that ended it; of a success `NOT_CALLED` when nobody called, or `NEVER_REACHED` where `strict` asks for every step.
    Raises `Invalid`."""
    with opened(port, config, sftp_port, state, scenario) as sandbox:
        return uvloop.run(_run(command, sandbox, strict=strict))


def addresses(port: int) -> dict[str, str]:
    """What the command finds in its environment."""
    url = f"http://localhost:{port}"
    return {
        "SAOMA_SANDBOX_URL": url,
        "SAOMA_SANDBOX_PORT": str(port),
        "SAOMA_SANDBOX_GATEWAY_URL": f"{url}/gateway.do",
        "SAOMA_SANDBOX_PLUS_URL": f"{url}/ams/api/v1/payments",
        "SAOMA_SANDBOX_AUTHORIZE_URL": f"{url}/oauth2/publicAppAuthorize.htm",
        "SAOMA_SANDBOX_CONTROL_URL": f"{url}/control",
    }


async def _run(command: str | Sequence[str], sandbox: Sandbox, *, strict: bool) -> int:
    server, port = server_of(sandbox), sandbox.port
    latest = sandbox.store.heard(limit=1)
    serving = asyncio.create_task(server.serve())
    await _answers(sandbox.config.host, port, serving)
    environment = {name: value for name, value in os.environ.items() if name != "SAOMA_FOLLOW_STDIN"} | addresses(port)
    told: asyncio.Queue[signal.Signals] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    # we end when it has ended; none of these reaches it by itself, not even a terminal's Ctrl-C
    for number in _PASSED_ON:
        loop.add_signal_handler(number, told.put_nowait, number)
    if isinstance(command, str):
        process = await asyncio.create_subprocess_shell(command, env=environment, start_new_session=True)
    else:
        process = await asyncio.create_subprocess_exec(*command, env=environment, start_new_session=True)
    passing = asyncio.create_task(_pass_on(process, told))
    waiting: asyncio.Task[Any] = asyncio.create_task(process.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        told.put_nowait(signal.SIGTERM)
        await waiting
        raise Invalid("The local Alipay ended before the command did.")
    passing.cancel()
    code = process.returncode or 0
    code = code if code >= 0 else 128 - code
    view = sandbox.player.view()
    calls = sandbox.store.counted(after=latest[0].id if latest else 0)
    sys.stderr.write(summary(view, calls))
    if calls == 0:
        gateway = addresses(port)["SAOMA_SANDBOX_GATEWAY_URL"]
        sys.stderr.write(f"your tests made no call to {gateway}: do they read SAOMA_SANDBOX_GATEWAY_URL?\n")
    sys.stderr.flush()
    if calls == 0 and code == 0:
        code = NOT_CALLED
    if strict and view is not None and view.never_reached and code == 0:
        code = NEVER_REACHED
    await ended(sandbox, server, serving, code)
    return code


def summary(view: ScenarioView | None, calls: int) -> str:
    """What happened, for people: calls, what was played, and the steps that never came."""
    counted = "1 call" if calls == 1 else f"{calls} calls"
    if view is None:
        return f"saoma sandbox: {counted}\n"
    lines = [f"saoma sandbox: {view.name} (seed {view.seed}), {counted}, {_often(view.played)} as planned"]
    for step in view.steps:
        came = _often(step.played)
        if not step.played:
            why = step.note or ("never began" if step.begun_at is None else "nothing to strike")
            came = f"NEVER REACHED: {why}"
        lines.append(f"  {step.step:>2}. {step.when}: {step.what}: {came}")
    if view.never_reached:
        lines.append(f"  {len(view.never_reached)} of {len(view.steps)} steps were never reached")
    return "\n".join([*lines, ""])


def _often(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


async def _pass_on(process: asyncio.subprocess.Process, told: asyncio.Queue[signal.Signals]) -> None:
    """Send signals to the command and to all that it started and did not put into a session of its own."""
    while True:
        number = await told.get()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


async def _answers(host: str, port: int, serving: asyncio.Task[Any]) -> None:
    """Wait until the sandbox can be reached. Raises `Invalid` when it can't be."""
    end = asyncio.get_running_loop().time() + _STARTS_WITHIN
    while asyncio.get_running_loop().time() < end and not serving.done():
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(_LOOPBACK.get(host, host), port)
            writer.close()
            return
        await asyncio.sleep(0.02)
    raise Invalid(f"The local Alipay can't be reached at port {port}.")
