"""A receipt printer: reads ESC/POS as a strict one would, and shows what came out on its paper."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import zxingcpp
from PIL import Image


@dataclass
class Printed:
    """What came out: lines of text with their widths in columns, decoded codes, cuts, and pulses to the drawer."""

    lines: list[str] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    cuts: int = 0
    pulses: int = 0

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)


#: Commands and how many bytes of theirs follow.
_COMMANDS = {
    b"\x1b@": 0,
    b"\x1c&": 0,
    b"\x1c.": 0,
    b"\x1bt": 1,
    b"\x1bE": 1,
    b"\x1ba": 1,
    b"\x1d!": 1,
    b"\x1dB": 1,
    b"\x1bp": 3,
    b"\x1dV": 2,
}


def prints(data: bytes) -> Printed:
    """What a printer makes of these bytes. Fails for a command that it does not know, as paper full of signs would."""
    out, place, letters, large, line = Printed(), 0, "cp858", 1, bytearray()
    while place < len(data):
        if data[place] == 0x0A:
            out.lines.append(line.decode(letters))
            out.widths.append(len(line) * large)
            line = bytearray()
            place += 1
        elif data[place] >= 0x20:
            line.append(data[place])
            place += 1
        elif data[place : place + 4] == b"\x1dv0\x00":
            across = int.from_bytes(data[place + 4 : place + 6], "little")
            tall = int.from_bytes(data[place + 6 : place + 8], "little")
            end = place + 8 + across * tall
            picture = Image.frombytes("1", (across * 8, tall), bytes(b ^ 0xFF for b in data[place + 8 : end]))
            out.codes += [found.text for found in zxingcpp.read_barcodes(picture.convert("L"))]
            assert across * 8 <= 576
            place = end
        else:
            command = data[place : place + 2]
            assert command in _COMMANDS, f"no such command: {data[place : place + 4]!r}"
            values = data[place + 2 : place + 2 + _COMMANDS[command]]
            if command == b"\x1c&":
                letters = "gbk"
            elif command == b"\x1d!":
                large = 1 + (values[0] >> 4)
            elif command == b"\x1dV":
                out.cuts += 1
            elif command == b"\x1bp":
                out.pulses += 1
            place += 2 + len(values)
    assert not line, "text that was never fed"
    return out


@asynccontextmanager
async def printer() -> AsyncIterator[tuple[str, asyncio.Queue[bytes]]]:
    """A printer on this machine at the port of printers: its address, and what it was sent, job by job."""
    jobs: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        jobs.put_nowait(await reader.read())
        writer.close()

    for _ in range(20):
        host = f"127.{random.randrange(1, 255)}.{random.randrange(1, 255)}.{random.randrange(2, 255)}"
        with contextlib.suppress(OSError):
            server = await asyncio.start_server(take, host, 9100)
            break
    async with server:
        yield f"{host}:9100", jobs
