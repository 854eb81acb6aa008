"""The bill as it is put on a table before anybody pays: what was ordered, taken off, paid, and what is left. Pure.

It is no receipt and says so: by this paper nobody has paid anything, and no money is counted for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from saoma.checkout.paper import Heading, Paper, Part, Row, Rule, Stamp, Words
from saoma.food.orders.receipt_lines import dish_lines
from saoma.identity.model import Merchant, Store
from saoma.kit.i18n import texts
from saoma.kit.money import Money, total
from saoma.restaurant.sittings import Meal
from saoma.web.texts import date_and_time, money


@dataclass(frozen=True, slots=True, kw_only=True)
class BillFacts:
    """All that an interim bill is made of; `at` is when it is printed, `lang` the language of the guests."""

    merchant: Merchant
    store: Store
    table: str
    meal: Meal
    at: datetime
    lang: str = "en"

    def either(self, english: str, chinese: str) -> str:
        """The one in the paper's language, or the other where that is missing."""
        return (chinese or english) if self.lang == "zh" else (english or chinese)

    def sum(self, amount: Money) -> str:
        """An amount as people read it."""
        return money(amount, self.lang)


def bill_paper(facts: BillFacts) -> Paper:
    """The slip of one table's bill as it stands now."""
    said, meal, store = texts(facts.lang), facts.meal, facts.store
    bill = meal.bill
    table = said("Table {name}", name=facts.table) if facts.table.isdecimal() else facts.table
    parts: list[Part] = [
        Heading(facts.either(facts.merchant.name, facts.merchant.name_zh)),
        Words(facts.either(store.name, store.name_zh), soft=True),
    ]
    if address := facts.either(store.address, store.address_zh):
        parts.append(Words(address, soft=True))
    parts += [
        Stamp(said("BILL · NOT A RECEIPT")),
        Words(f"{table} · {date_and_time(facts.at, store.zone, facts.lang)}"),
    ]
    for dish in dish_lines(meal.ordered):
        name = facts.either(dish.name, dish.name_zh)
        parts.append(Row(f"{dish.quantity} × {name}", facts.sum(dish.amount), facts.either(dish.note, dish.note_zh)))
    parts.append(Rule())
    if meal.discounts:
        parts.append(Row(said("Dishes"), facts.sum(total((line.money for line in meal.ordered), bill.currency))))
        parts += [
            Row(one.called(facts.lang), facts.sum(-one.amount), one.explained(facts.lang)) for one in meal.discounts
        ]
    settled = bill.paid or bill.held
    if settled:
        parts.append(Row(said("Total"), facts.sum(bill.ordered)))
    if bill.paid:
        parts.append(Row(said("Paid"), facts.sum(-bill.paid)))
    if bill.held:
        parts.append(Row(said("Being paid now"), facts.sum(-bill.held)))
    parts += [
        Row(said("Left to pay") if settled else said("To pay"), facts.sum(bill.left), strong=True),
        Rule(),
        Words(said("Please check it. You get a receipt when you pay."), soft=True),
    ]
    return Paper(f"{said('Bill')} {table}", facts.lang, tuple(parts))
