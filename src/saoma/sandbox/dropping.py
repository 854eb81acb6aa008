"""Closing a connection without an answer, which no web server offers: the socket is found and shut from below.

Granian keeps its sockets to itself, so the one whose other end is the caller is looked up among this process's open
files. Where that fails the caller gets an empty 504 from the server instead of silence."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

_OPEN_FILES = (Path("/proc/self/fd"), Path("/dev/fd"))


def drop_connection(client: tuple[str, int | str]) -> bool:
    """Shut this process's connection with `client` (host, port) down. Tells whether it was found."""
    folder = next((folder for folder in _OPEN_FILES if folder.is_dir()), None)
    if folder is None:
        return False
    caller = (client[0], int(client[1]))
    for name in os.listdir(folder):
        with contextlib.suppress(OSError, ValueError), socket.socket(fileno=os.dup(int(name))) as connection:
            if connection.getpeername()[:2] == caller:
                connection.shutdown(socket.SHUT_RDWR)
                return True
    return False
