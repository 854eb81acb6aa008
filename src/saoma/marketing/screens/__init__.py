"""What managers and owners look at: offers with what they gave and brought, coupons, members with points, segments."""

from __future__ import annotations

from typing import Any

from saoma.marketing.screens import office_members, office_offers

#: For the composition; nobody else imports screens.
routers: tuple[Any, ...] = (office_offers.router, office_members.router)
