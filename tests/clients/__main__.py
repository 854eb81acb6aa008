"""`python -m tests.clients`: fetch what the tests here drive, or say plainly why that failed."""

from __future__ import annotations

import sys

from tests.clients.alone import make_place
from tests.clients.installing import NotInstalled, install

try:
    install()
    make_place()
except NotInstalled as trouble:
    sys.exit(str(trouble))
