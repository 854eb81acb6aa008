"""The office's offers over HTTP: a form that reads itself back, coupons to hand out, members, and who may."""

from __future__ import annotations

import re
from pathlib import Path

from saoma.identity import audit
from saoma.identity.roles import Role
from saoma.kit.clock import MovableClock
from saoma.kit.db import Database
from saoma.kit.i18n import texts
from saoma.marketing.offer_form import RECIPES
from saoma.marketing.screens import routers
from tests.restaurant import make
from tests.restaurant.make import restaurant, till

ROOM = Path(__file__).parents[2] / "src" / "saoma" / "marketing"


async def test_a_manager_tries_begins_and_ends_an_offer_and_hands_out_codes(
    database: Database, clock: MovableClock
) -> None:
    house = await restaurant(database, clock)
    beef = house.dish("beef")
    filled = {"kind": "coupon", "name": "Voucher", "name_zh": "代金券", "amount": "3.00", "needs_coupon": "on"}
    async with till(make.app(house, more=routers), house, Role.MANAGER) as office:
        assert "No offers yet" in (await office.get("/office/offers")).text
        assert 'data-testid="kind-happy-hour"' in (await office.get("/office/offers/new")).text
        for kind in RECIPES:
            assert (await office.get(f"/office/offers/new?kind={kind}")).status_code == 200
        refused = await office.post("/office/offers", {"kind": "coupon", "name": "Voucher"}, htmx=False)
        assert (refused.status_code, "Write how much is taken off." in refused.text) == (422, True)
        preview = (await office.post("/office/offers/preview", filled | {f"try-{beef.id}": "2"})).text
        assert "$3.00 off all dishes, with a coupon code." in preview
        assert "全场立减 US$3.00，凭券码。" in preview
        assert ">−$3.00<" in preview
        made = await office.post("/office/offers", filled | {"then": "begin"}, htmx=False)
        where = made.headers["location"]
        assert made.status_code == 303
        codes = await office.post(f"{where}/coupons", {"count": "20"}, htmx=False)
        assert codes.status_code == 303
        page = (await office.get(where)).text
        link = re.search(rf'href="({where}/coupons/bat_[^"]+)"', page)
        assert link
        file = (await office.get(link[1])).text.split()
        assert len(set(file)) == 21
        assert all(re.fullmatch(r"[2-9A-Z]{4}(-[2-9A-Z]{4}){2},no", line) for line in file[1:])
        for _ in range(2):
            assert (await office.post(f"{where}/turn", {"to": "end"}, htmx=False)).status_code == 303
        over = await office.post(f"{where}/turn", {"to": "begin"}, htmx=False)
        assert (over.status_code, "This offer has ended" in over.text) == (409, True)
        assert "Ended" in (await office.get("/office/offers")).text
        async with database.reading() as rows:
            trail = await audit.trail(rows, where.rsplit("/", 1)[1])
        assert [entry.what for entry in trail] == ["end_offer", "end_offer", "made_coupons", "began_offer"]


async def test_points_and_segments_are_set_up_by_managers_only(database: Database, clock: MovableClock) -> None:
    house = await restaurant(database, clock)
    server = make.app(house, more=routers)
    async with till(server, house, Role.MANAGER) as office:
        points = {"running": "on", "percent": "5", "days": "90"}
        assert (await office.post("/office/members/points", points, htmx=False)).status_code == 303
        lapsed = {"name": "Long gone", "name_zh": "久未光临", "rule": "lapsed", "within": "60", "times": "1"}
        assert (await office.post("/office/members/segments", lapsed, htmx=False)).status_code == 303
        assert (await office.post("/office/members/segments", lapsed, htmx=False)).status_code == 409
        page = (await office.get("/office/members", lang="zh")).text
        assert "久未光临" in page
        assert "以前付过款，但最近 60 天没来" in page
    async with till(server, house, Role.CASHIER) as desk:
        assert (await desk.get("/office/offers")).status_code == 403
        assert (await desk.post("/office/offers", {"kind": "percent"}, htmx=False)).status_code == 403


def test_every_text_of_this_room_has_its_chinese() -> None:
    said = texts("zh")
    written: set[str] = set()
    for file in ROOM.rglob("*.html"):
        written |= set(re.findall(r'_\("([^"]+)"', file.read_text("utf-8")))
    for file in ROOM.glob("**/*.py"):
        written |= set(re.findall(r'(?:said|Invalid|Conflict|NotFound)\(\s*"([^"]+)"', file.read_text("utf-8"))) | set(
            re.findall(r'(?:[A-Z_]{4,}: Final|name|what) ?= ?"([A-Z][^"]+ [^"]*)"', file.read_text("utf-8"))
        )
    missing = [
        text
        for text in sorted(written)
        if text != "CSV" and not re.search("[一-鿿–]", said(text, **dict.fromkeys(re.findall(r"{(\w+)}", text), "1")))
    ]
    assert len(written) > 150
    assert missing == []
