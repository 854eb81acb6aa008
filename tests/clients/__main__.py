"""`python -m tests.clients`: fetch what the tests here drive, or say plainly why that failed."""

from __future__ import annotations

import sys

from tests.clients.alone import make_place
from tests.clients.installing import NotInstalled, install
from tests.quickstart.php import install_php

try:
    install()
    make_place()
    install_php()
except NotInstalled as trouble:
    sys.exit(str(trouble))
