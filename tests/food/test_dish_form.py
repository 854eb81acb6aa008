"""The office's form: kept as typed, read into a dish, each fault beside its field."""

from __future__ import annotations

import pytest

from saoma.food.menus.dish_form import DishForm, GroupRow, OptionRow, checked, reshaped, shown, typed
from saoma.food.menus.drafts import drafted
from tests.food.make import group, item, option


def form(**changes: str) -> DishForm:
    """A form with one group of two choices, as a browser sends it."""
    values = {
        "section_id": "section_1",
        "name": "Beef noodles",
        "price": "9.50",
        "g0-name": "Size",
        "g0-least": "1",
        "g0-most": "1",
        "g0-o0-name": "Small",
        "g0-o0-price": "",
        "g0-o1-name": "Large",
        "g0-o1-price": "+1.50",
        **changes,
    }
    return typed(values, {"allergens": ["soya", "gluten", "grass"], "tags": []})


def test_a_form_is_read_into_a_dish() -> None:
    found = checked(form(), "USD")
    assert found.draft is not None and not found.errors
    assert (found.draft.price, found.draft.code, found.draft.allergens) == (950, "beef-noodles", ("gluten", "soya"))
    assert [one.price_change for one in found.draft.groups[0].options] == [0, 150]


def test_a_dish_shown_in_the_form_and_saved_unchanged_is_the_same_dish() -> None:
    dish = item("beef", groups=[group([option("Small", 0), option("Large", 150, sold_out=True)], 1, 1)], sold_out=True)
    found = checked(shown(dish, "section_1"), "USD")
    assert found.draft == drafted(dish)


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"name": ""}, "name", "This is empty"),
        ({"price": ""}, "price", "Write a price"),
        ({"price": "9,50"}, "price", "“9,50” is not a price"),
        ({"price": "-1"}, "price", "below zero"),
        ({"section_id": ""}, "section_id", "Choose a section"),
        ({"code": "not a code"}, "code", "letters, digits"),
        ({"g0-least": "2"}, "g0", "can't be more than"),
        ({"g0-most": "many"}, "g0", "is not a number"),
        ({"g0-name": ""}, "g0", "This is empty"),
        ({"g0-o1-price": "much"}, "g0-o1", "is not a price"),
        ({"g0-o1-name": ""}, "g0-o1", "This is empty"),
        ({"g0-o1-name": "Small"}, "g0", "is there twice"),
        ({"description": "x" * 501}, "description", "too long"),
    ],
)
def test_each_fault_stands_beside_its_field(changes: dict[str, str], field: str, says: str) -> None:
    found = checked(form(**changes), "USD")
    assert found.draft is None
    assert says in str(found.errors[field])


def test_empty_rows_are_left_out() -> None:
    found = checked(form(**{"g0-o2-name": "", "g0-o2-price": "", "g1-name": "", "g1-o0-name": ""}), "USD")
    assert found.draft is not None
    assert [len(group.options) for group in found.draft.groups] == [2]


def test_a_dish_keeps_its_code_when_the_field_is_empty() -> None:
    found = checked(form(), "USD", "b12")
    assert found.draft is not None and found.draft.code == "b12"


def test_rows_come_and_go_and_nothing_typed_is_lost() -> None:
    start = form()
    more = reshaped(reshaped(start, "add_choice:0"), "add_group")
    assert [len(group.options) for group in more.groups] == [3, 2]
    assert more.groups[0].options[:2] == start.groups[0].options
    assert reshaped(reshaped(more, "remove_group:1"), "remove_choice:0:2") == start
    assert reshaped(start, "remove_choice:0:0").groups[0].options[0].name == "Large"


@pytest.mark.parametrize(
    "wish", ["", "add_choice:7", "remove_group:-1", "remove_choice:0:9", "add_group:1:2", "burn:0"]
)
def test_a_wish_that_fits_nothing_changes_nothing(wish: str) -> None:
    assert reshaped(form(), wish) == form()


def test_blank_rows_know_it() -> None:
    assert OptionRow().blank and GroupRow().blank
    assert not GroupRow(options=(OptionRow(price="1"),)).blank
