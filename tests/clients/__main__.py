"""`python -m tests.clients`: fetch the clients that the tests drive, or say plainly why that failed."""

from __future__ import annotations

import sys

from tests.clients.installing import NotInstalled, install

try:
    install()
except NotInstalled as trouble:
    sys.exit(str(trouble))
