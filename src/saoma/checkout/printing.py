"""Receipt printers of a store's devices, and sending bytes to them.

A printer is reached at an address that a manager typed: only private networks and the ports of printers, never a name,
so that nobody makes this machine talk to something else."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from typing import Final

import msgspec
import structlog

from saoma.checkout.paper_escpos import WIDTHS, Letters, Printer
from saoma.kit.addresses import allowed
from saoma.kit.db import Rows, Transaction
from saoma.kit.errors import Invalid, Refused

log = structlog.get_logger(__name__)

#: Raw printing: one port for each of a print server's outlets.
PORTS: Final = range(9100, 9110)
#: A printer on the same network answers at once; a cashier waits no longer than this.
_PATIENCE: Final = 3.0

WHERE: Final = "Write the printer's address in your network, such as 192.168.1.50 or 192.168.1.50:9100."
OUT_OF_REACH: Final = (
    "The printer at {address} doesn't answer. Nothing is lost: look at its power, paper and cable, then print again."
)


class OutOfReach(Refused):
    """The printer took nothing, or broke off: some of the paper may have come out."""

    status = 503


class KnownPrinter(msgspec.Struct, frozen=True, kw_only=True):
    """The printer of one device. `terminal_id` is empty for a store's devices that aren't paired."""

    store_id: str
    terminal_id: str
    address: str
    millimetres: int
    letters: str
    has_drawer: bool

    @property
    def printer(self) -> Printer:
        """What it can do."""
        return Printer(self.millimetres, Letters(self.letters))


def checked(address: str, *, loopback: bool) -> str:
    """An address as it is kept, `host:port`. Raises `Invalid` for one that no printer of a shop has."""
    host, _, port = address.strip().partition(":")
    number = port or str(PORTS.start)
    try:
        ip = ipaddress.IPv4Address(host)
    except ValueError:
        raise Invalid(WHERE) from None
    at_home = ip.is_loopback if loopback else False
    if not (at_home or (ip.is_private and allowed(str(ip), loopback=False, own_network=True))):
        raise Invalid(WHERE)
    if not number.isascii() or not number.isdecimal() or int(number) not in PORTS:
        raise Invalid("Receipt printers listen at port 9100 to 9109.")
    return f"{ip}:{int(number)}"


async def printer_of(rows: Rows, store_id: str, terminal_id: str) -> KnownPrinter | None:
    """The printer of a device, or None."""
    return await rows.maybe(
        KnownPrinter,
        "SELECT store_id, terminal_id, address, millimetres, letters, has_drawer FROM printers"
        " WHERE store_id = %(store)s AND terminal_id = %(terminal)s",
        {"store": store_id, "terminal": terminal_id},
    )


async def set_printer(tx: Transaction, wanted: KnownPrinter, *, loopback: bool) -> None:
    """Keep a device's printer; one with an empty address forgets it. Raises `Invalid`."""
    where = {"store_id": wanted.store_id, "terminal_id": wanted.terminal_id}
    if not wanted.address.strip():
        await tx.run("DELETE FROM printers WHERE store_id = %(store_id)s AND terminal_id = %(terminal_id)s", where)
        return
    if wanted.millimetres not in WIDTHS or wanted.letters not in {one.value for one in Letters}:
        raise Invalid("Choose the paper's width and the printer's letters.")
    await tx.run(
        """INSERT INTO printers (store_id, terminal_id, address, millimetres, letters, has_drawer)
           VALUES (%(store_id)s, %(terminal_id)s, %(address)s, %(millimetres)s, %(letters)s, %(has_drawer)s)
           ON CONFLICT (store_id, terminal_id) DO UPDATE SET address = excluded.address,
               millimetres = excluded.millimetres, letters = excluded.letters, has_drawer = excluded.has_drawer""",
        msgspec.structs.asdict(wanted) | {"address": checked(wanted.address, loopback=loopback)},
    )


async def send(address: str, data: bytes, *, loopback: bool, patience: float = _PATIENCE) -> None:
    """Send bytes to a printer and wait until it has taken them. Raises `OutOfReach` with a sentence for the cashier."""
    host, _, port = checked(address, loopback=loopback).partition(":")
    try:
        async with asyncio.timeout(patience):
            _, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(data)
                await writer.drain()
                writer.write_eof()
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError) as error:
        log.warning("printer.out_of_reach", address=address, why=type(error).__name__)
        raise OutOfReach(OUT_OF_REACH, address=address) from None
