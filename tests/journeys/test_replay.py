"""A restaurant's orders replayed through the running house while its processes are killed: every cent is there."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path

from saoma.demo.cast import PASSWORD
from saoma.demo.chaos import pull_plugs
from saoma.demo.orders import CURRENCY, read_orders
from saoma.demo.people import Staff
from saoma.kit.money import total
from tests.journeys.conftest import House

DISHES = (("Bean Burrito", 875), ("Corn Bowl", 925), ("Lime Soda", 125), ("Salsa Chips", 295))


def write_orders(path: Path, count: int, seed: int) -> None:
    """A small restaurant's file, in the shape of the public one."""
    dice = random.Random(seed)
    rows = ["order_id\tquantity\titem_name\tchoice_description\titem_price"]
    for number in range(1, count + 1):
        for _ in range(dice.randint(1, 4)):
            name, price = dice.choice(DISHES)
            quantity, unit = dice.randint(1, 3), price + dice.choice((0, 0, 250))
            whole, part = divmod(unit * quantity, 100)
            rows.append(f"{number}\t{quantity}\t{name}\t[Mild, [Rice, Cheese]]\t${whole}.{part:02d} ")
    path.write_text("\n".join(rows) + "\n")


def clear_tables(house: House) -> None:
    """What other journeys left unpaid is paid in cash, so that an order sits down to a bill of its own."""

    async def clear() -> None:
        owner = Staff(house.app_url, "rosa", PASSWORD)
        for (sitting,) in house.query(
            "SELECT id FROM sittings WHERE store_id = %s AND status = 'open'",
            next(each["store_id"] for each in house.told["merchants"] if each["key"] == "burritos"),
        ):
            await owner.press(
                f"/till/bills/{sitting}/taken", [("method", "cash"), ("key", f"clear-{sitting}")], (200, 409)
            )
            await owner.press(f"/till/bills/{sitting}/close", (), (200, 204, 303, 404, 409))
        await owner.close()

    asyncio.run(clear())


def test_a_replay_survives_kills_of_every_process_without_losing_or_doubling_a_cent(
    house: House, tmp_path: Path
) -> None:
    file = tmp_path / "orders.tsv"
    write_orders(file, 60, seed=7)
    clear_tables(house)
    before = _sales(house)
    verdict = asyncio.run(pull_plugs(file, house.folder, kills=8, seed=11, gap=(0.6, 1.8)))
    assert verdict.holds, verdict.faults
    assert all(verdict.kills[name] >= 1 for name in ("app", "worker", "sandbox", "replay")), verdict.kills
    due = total((order.total for order in read_orders(file)), CURRENCY)
    sales = _sales(house)
    assert sales - before == due.minor

    # Played once more, everything is found done and nothing is played twice.
    again = subprocess.run(
        [sys.executable, "-m", "saoma.cli", "replay", str(file), "--data-dir", str(house.folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert again.returncode == 0, again.stdout + again.stderr
    assert "60 of 60 orders were played before" in again.stdout
    assert _sales(house) == sales


def _sales(house: House) -> int:
    """What the burrito bar has sold, other journeys' bills included."""
    merchant = next(each["id"] for each in house.told["merchants"] if each["key"] == "burritos")
    sum_of = "SELECT coalesce(sum(amount), 0)::bigint FROM postings WHERE merchant_id = %s AND source = 'sales'"
    return int(house.query(sum_of, merchant)[0][0])


def test_a_replay_of_a_wrong_file_or_without_a_demo_is_one_clear_line(tmp_path: Path, house: House) -> None:
    file = tmp_path / "wrong.tsv"
    file.write_text("nothing\n")
    for words in ([str(file), "--data-dir", str(tmp_path)], [str(file), "--data-dir", str(house.folder)]):
        asked = subprocess.run(
            [sys.executable, "-m", "saoma.cli", "replay", *words], capture_output=True, text=True, check=False
        )
        assert asked.returncode == 1
        assert len(asked.stderr.strip().splitlines()) == 1, asked.stderr


def test_a_day_with_every_channel_closes_its_books(house: House, tmp_path: Path) -> None:
    file = tmp_path / "day.tsv"
    write_orders(file, 14, seed=7)
    clear_tables(house)
    words = ["replay", str(file), "--data-dir", str(house.folder), "--day", "--at-once", "4", "--seed", "3"]
    played = subprocess.run(
        [sys.executable, "-m", "saoma.cli", *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert "the books close" in played.stdout
    store = next(each["store_id"] for each in house.told["merchants"] if each["key"] == "burritos")
    channels = {
        "table": "SELECT count(*) FROM sittings WHERE store_id = %s AND covered_at IS NOT NULL",
        "counter": "SELECT count(*) FROM counter_orders WHERE store_id = %s AND channel <> 'kiosk' AND status = 'paid'",
        "kiosk": "SELECT count(*) FROM counter_orders WHERE store_id = %s AND channel = 'kiosk' AND status = 'paid'",
        "ahead": "SELECT count(*) FROM online_orders WHERE store_id = %s AND mode = 'pick_up' AND status <> 'choosing'",
        "delivery": "SELECT count(*) FROM deliveries WHERE store_id = %s AND status = 'delivered'",
    }
    assert all(house.query(sql, store)[0][0] for sql in channels.values()), played.stdout
