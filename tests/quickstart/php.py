"""Where the quick-start test gets a PHP from: the machine, or npm, where one is packed to run in Node.

The packed one needs a second to start, so nobody fetches it who has another."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from tests.clients.installing import INSTALLED, install_npm

HERE: Final = Path(__file__).resolve().parent
PHP_IN_NODE: Final = INSTALLED / "php" / "node_modules" / "@php-wasm" / "cli" / "main.js"
_NEEDED: Final = {"curl", "openssl", "SimpleXML"}


@cache
def own_php() -> bool:
    """Whether the machine has one, with all that the page asks for."""
    found = shutil.which("php")
    if not found:
        return False
    return set(subprocess.run([found, "-m"], capture_output=True, text=True, check=False).stdout.split()) >= _NEEDED


def install_php() -> None:
    """Fetch the packed one if it is needed. Raises `NotInstalled`."""
    if not own_php():
        install_npm("php", HERE / "npm", "PHP packed for Node")
