"""Real orders become a menu that reproduces every price to the cent, whatever the file says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saoma.demo.menus import BURRITO_BAR_ORDERS, LOOKS, NOODLE_HOUSE
from saoma.demo.orders import CURRENCY, Order, OrderLine, menu_of, options_of, read_orders
from saoma.food.menus.drafts import all_item_faults, section_faults
from saoma.kit.errors import Invalid
from saoma.kit.money import Money, total

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "chipotle-orders.tsv"


def priced(line: OrderLine, orders: list[Order]) -> Money:
    """What the menu built from `orders` charges for a line."""
    items = {item.name: item for section in menu_of(orders).sections for item in section.items}
    item = items[line.item]
    change = 0
    for group_name, option_name in options_of(line, item):
        group = next(group for group in item.groups if group.name == group_name)
        change += next(option.price_change for option in group.options if option.name == option_name)
    return Money((item.price + change) * line.quantity, CURRENCY)


names = st.text("abcdefgh XYZ-", min_size=1, max_size=20).map(str.strip).filter(bool)
lines = st.builds(
    lambda item, quantity, choices, unit: OrderLine(item, quantity, tuple(choices), Money(unit * quantity, CURRENCY)),
    names,
    st.integers(1, 15),
    st.lists(names, max_size=4),
    st.integers(1, 5000),
)


@given(st.lists(st.lists(lines, min_size=1, max_size=5), min_size=1, max_size=6))
def test_every_line_can_be_ordered_at_exactly_the_price_it_had(ordered: list[list[OrderLine]]) -> None:
    orders = [Order(str(number), tuple(each)) for number, each in enumerate(ordered)]
    for order in orders:
        for line in order.lines:
            assert priced(line, orders) == line.price


@pytest.mark.skipif(not REAL.exists(), reason="the real orders are not beside this checkout")
def test_the_real_restaurants_file_is_read_whole_and_priced_exactly() -> None:
    orders = read_orders(REAL)
    assert len(orders) == 1834
    assert sum(len(order.lines) for order in orders) == 4622
    assert total((order.total for order in orders), CURRENCY) == Money.parse("34500.16", CURRENCY)
    seen = {(line.item, line.unit.minor): line for order in orders for line in order.lines}
    items = {item.name: item for section in menu_of(orders).sections for item in section.items}
    assert len(items) == 50
    for line in seen.values():
        assert any(
            item.price + change == line.unit.minor
            for item in [items[line.item]]
            for change in [0, *(option.price_change for group in item.groups for option in group.options)]
        )


@pytest.mark.parametrize("menu", [NOODLE_HOUSE, None], ids=["noodles", "burritos"])
def test_the_demos_own_menus_are_without_fault(menu: object, tmp_path: Path) -> None:
    file = tmp_path / "orders.tsv"
    file.write_text(BURRITO_BAR_ORDERS)
    draft = NOODLE_HOUSE if menu is not None else menu_of(read_orders(file))
    for section in draft.sections:
        assert section_faults(section) == []
        assert section.name_zh
        for item in section.items:
            assert all_item_faults(item) == []
            assert item.name_zh
            assert menu is None or item.code in LOOKS


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "columns"),
        ("a\tb\n1\t2\n", "columns"),
        ("order_id\tquantity\titem_name\tchoice_description\titem_price\n", "no orders"),
        ("order_id\tquantity\titem_name\tchoice_description\titem_price\n1\tmany\tSoup\tNULL\t$1.00\n", "line 2"),
        ("order_id\tquantity\titem_name\tchoice_description\titem_price\n1\t0\tSoup\tNULL\t$1.00\n", "line 2"),
        ("order_id\tquantity\titem_name\tchoice_description\titem_price\n1\t3\tSoup\tNULL\t$1.00\n", "evenly"),
        ("order_id\tquantity\titem_name\tchoice_description\titem_price\n1\t1\tSoup\tNULL\tfree\n", "line 2"),
        ("order_id\tquantity\titem_name\tchoice_description\titem_price\n1\t1\tSoup\n", "line 2"),
    ],
)
def test_a_file_of_another_shape_is_refused_with_the_line_that_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "orders.tsv"
    file.write_text(text)
    with pytest.raises(Invalid, match=says):
        read_orders(file)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "orders.tsv"
    file.write_bytes(b"\xff\xfe\x00order")
    with pytest.raises(Invalid, match="UTF-8"):
        read_orders(file)
