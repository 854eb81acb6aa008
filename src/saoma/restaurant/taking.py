"""Checking a bill out one question at a time, as the tablet does: what is asked next, and what it comes to. Pure.

Everything chosen so far travels in the address, so going back is going back, and a reload asks the same question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from saoma.restaurant.bill import AnyAmount, Bill, Choice, Even, Portion, TheseDishes, Whole
from saoma.restaurant.tips import tip_on
from saoma.restaurant.ways import HOW_MUCH, MORE_THAN_LEFT, people_of


class Step(StrEnum):
    """What the screen asks now."""

    BILL = "bill"
    DISHES = "dishes"
    PEOPLE = "people"
    AMOUNT = "amount"
    TIP = "tip"
    PAY = "pay"


class How(StrEnum):
    """What part of the bill is taken."""

    WHOLE = "whole"
    DISHES = "dishes"
    EVEN = "even"
    AMOUNT = "amount"


CHOOSE_DISHES: Final = "Choose at least one dish."


@dataclass(frozen=True, slots=True)
class Taking:
    """Where the questions stand. `problem` says why the last answer can't be taken; its question is asked again."""

    step: Step
    how: How | None = None
    lines: tuple[str, ...] = ()
    people: int = 2
    typed: str = ""
    tip: str = ""
    own_tip: str = ""
    choice: Choice = field(default_factory=Whole)
    portion: Portion | None = None
    problem: Invalid | None = None

    def query(self, **changes: str) -> str:
        """The answers so far as an address's query, with some changed; an empty one leaves its answer out."""
        said: dict[str, str] = {"how": self.how.value if self.how else ""}
        if self.how is How.EVEN:
            said["people"] = str(self.people)
        said |= {"typed": self.typed, "tip": self.tip, "own_tip": self.own_tip} | changes
        pairs = [(name, value) for name, value in said.items() if value]
        return urlencode([*pairs, *(("line", line) for line in self.lines)])


def taking_of(asked: Mapping[str, str], lines: Sequence[str], bill: Bill, tips: Sequence[int], guests: int) -> Taking:
    """What to ask next about `bill`, from the answers so far: their names are the query's."""
    try:
        how = How(asked.get("how", ""))
    except ValueError:
        return Taking(Step.BILL)
    free = {dish.line_id for dish in bill.dishes if dish.line_id not in bill.claims}
    found = Taking(
        Step.PAY,
        how,
        lines=tuple(line for line in lines if line in free) if how is How.DISHES else (),
        people=people_of(asked.get("people", ""), None, guests),
        typed=asked.get("typed", "")[:32] if how is How.AMOUNT else "",
        tip=asked.get("tip", "")[:8],
        own_tip=asked.get("own_tip", "")[:32],
    )
    choice = _chosen(found, asked, bill)
    if isinstance(choice, Taking):
        return choice
    portion = bill.portion(choice)
    if tips and not found.tip:
        return replace(found, step=Step.TIP, choice=choice, portion=portion)
    try:
        tip = tip_on(portion.amount, found.tip, found.own_tip, bill) if tips else Money.zero(bill.currency)
    except Invalid as problem:
        return replace(found, step=Step.TIP, choice=choice, portion=portion, problem=problem)
    if found.tip == "own" and not found.own_tip.strip():
        return replace(found, step=Step.TIP, choice=choice, portion=portion)
    return replace(found, choice=choice, portion=replace(portion, tip=tip.minor))


def _chosen(found: Taking, asked: Mapping[str, str], bill: Bill) -> Choice | Taking:
    """The part of the bill that was chosen, or the question that is still open."""
    match found.how:
        case How.DISHES:
            if not found.lines:
                problem = Invalid(CHOOSE_DISHES) if "chosen" in asked else None
                return replace(found, step=Step.DISHES, problem=problem)
            return TheseDishes(frozenset(found.lines))
        case How.EVEN:
            return Even(found.people) if asked.get("people") else replace(found, step=Step.PEOPLE)
        case How.AMOUNT:
            return _typed(found, asked, bill)
        case _:
            return Whole()


def _typed(found: Taking, asked: Mapping[str, str], bill: Bill) -> Choice | Taking:
    if not found.typed.strip():
        problem = Invalid(HOW_MUCH) if "typed" in asked else None
        return replace(found, step=Step.AMOUNT, problem=problem)
    try:
        amount = Money.parse(found.typed, bill.currency)
    except Invalid:
        return replace(found, step=Step.AMOUNT, problem=Invalid(HOW_MUCH))
    if amount.minor <= 0:
        return replace(found, step=Step.AMOUNT, problem=Invalid(HOW_MUCH))
    if amount > bill.left:
        return replace(found, step=Step.AMOUNT, problem=Invalid(MORE_THAN_LEFT, left=bill.left))
    return AnyAmount(amount)
