"""The screens of identity: signing in, pairing a device, the staff's home, and the wallet's way in.

Only `saoma.app` imports screens."""

from __future__ import annotations

from typing import Final

from litestar import Router

from saoma.identity.screens import api_keys, home, pairing, sign_in, wallet

#: All of them.
routers: Final[tuple[Router, ...]] = (sign_in.router, home.router, pairing.router, api_keys.router, wallet.router)
