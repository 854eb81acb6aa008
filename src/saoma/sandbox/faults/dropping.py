"""Closing a connection without an answer, which no web server offers: the socket is found and shut from below.

Granian keeps its sockets to itself, so the one whose other end is the caller is looked up among this process's open
files. Where that fails the caller gets an empty 504 from the server instead of silence."""

from __future__ import annotations

import os
import socket
from pathlib import Path

_OPEN_FILES = (Path("/proc/self/fd"), Path("/dev/fd"))


def drop_connection(client: tuple[str, int | str]) -> bool:
    """Shut this process's connection with `client` (host, port) down. Tells whether it was found."""
    folder = next((folder for folder in _OPEN_FILES if folder.is_dir()), None)
    caller = (client[0], int(client[1]))
    try:
        numbers = sorted((int(name) for name in os.listdir(folder or "")), reverse=True)
    except (OSError, ValueError):
        return False
    return any(_shut_if(number, caller) for number in numbers)


def _shut_if(number: int, caller: tuple[str, int]) -> bool:
    try:
        borrowed = socket.socket(fileno=number)
    except OSError:
        return False
    try:
        if borrowed.getpeername()[:2] != caller:
            return False
        borrowed.shutdown(socket.SHUT_RDWR)
        return True
    except (OSError, TypeError):
        return False
    finally:
        # the file stays the server's: letting go of it here must not close it
        borrowed.detach()
