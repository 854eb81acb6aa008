"""The ways to pay that a phone can choose: read from a form or an address, and reckoned against the bill. Pure.

What is shown and what is charged come from the same reckoning; a form that shows another sum than this is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from saoma.restaurant.bill import MOST_WAYS, AnyAmount, Bill, Choice, Even, OwnDishes, Portion, Whole
from saoma.restaurant.tips import tip_on

CHOOSE: Final = "Choose what to pay."
HOW_MUCH: Final = "Type the amount you want to pay."
MORE_THAN_LEFT: Final = "That is more than what is left on this bill. Pay at most {left}."


@dataclass(frozen=True, slots=True)
class Ways:
    """What one phone has chosen so far. `problem` is why it can't be paid yet; `portion` is nothing then."""

    chosen: str
    people: int
    typed: str
    tip: str
    own_tip: str
    whole: Money
    mine: Money
    even: Money
    choice: Choice
    portion: Portion
    problem: Invalid | None = None


def people_of(asked: str, remembered: int | None, guests: int) -> int:
    """By how many to split: as asked, as the table said last, or as many as have scanned; never fewer than two."""
    if asked.isascii() and asked.isdecimal() and len(asked) < 4:
        return min(max(2, int(asked)), MOST_WAYS)
    return remembered or max(2, min(guests, MOST_WAYS))


def choice_of(chosen: str, guest_id: str, people: int, typed: str, bill: Bill) -> Choice:
    """The choice a form names. Raises `Invalid` for a choice or amount nobody can mean."""
    match chosen:
        case "whole":
            return Whole()
        case "mine":
            return OwnDishes(guest_id)
        case "even":
            return Even(people, guest_id)
        case "amount":
            if not typed.strip():
                raise Invalid(HOW_MUCH)
            amount = Money.parse(typed, bill.currency)
            if amount > bill.left:
                raise Invalid(MORE_THAN_LEFT, left=bill.left)
            return AnyAmount(amount)
        case _:
            raise Invalid(CHOOSE)


def ways_of(form: Mapping[str, str], bill: Bill, guest_id: str, remembered: int | None, guests: int) -> Ways:
    """Everything the screen shows of the ways to pay, and what the chosen one comes to with its tip."""
    people = people_of(form.get("people", "") or form.get("ways", ""), remembered, guests)
    typed, tip, own_tip = form.get("typed", "")[:32], form.get("tip", "")[:8], form.get("own_tip", "")[:32]
    chosen = form.get("choice", "") or "even"
    nothing = Portion(Money.zero(bill.currency))
    found = Ways(
        chosen=chosen,
        people=people,
        typed=typed,
        tip=tip,
        own_tip=own_tip,
        whole=bill.portion(Whole()).amount,
        mine=bill.portion(OwnDishes(guest_id)).amount,
        even=bill.even_part(people, guest_id),
        choice=Whole(),
        portion=nothing,
    )
    try:
        choice = choice_of(chosen, guest_id, people, typed, bill)
        portion = bill.portion(choice)
        if not portion.amount:
            return replace(found, choice=choice)
        tip_money = tip_on(portion.amount, tip, own_tip, bill)
        return replace(found, choice=choice, portion=replace(portion, tip=tip_money.minor))
    except Invalid as problem:
        return replace(found, problem=problem)
