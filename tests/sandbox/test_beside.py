"""`saoma sandbox --run`: what ends the sandbox from outside ends the command, with all that it started."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path


async def test_whoever_ends_it_ends_the_command_with_its_children(tmp_path: Path) -> None:
    file = tmp_path / "begun"
    file.write_text("begun\n")

    async def ended_by(number: signal.Signals) -> int | None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "saoma.cli", "sandbox", "--run", f"tail -f {file}; echo over",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        assert await process.stdout.readline() == b"begun\n", "the child of the shell speaks"
        process.send_signal(number)
        # there is no end of the output before the last of them has ended
        assert await asyncio.wait_for(process.stdout.read(), 20) == b""
        return await process.wait()

    by = (signal.SIGTERM, signal.SIGINT)
    assert await asyncio.gather(*map(ended_by, by)) == [128 + number for number in by]
