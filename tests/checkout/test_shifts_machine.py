"""Tills that do not add up: whatever happens at a drawer, what must be in it is right to the cent, and said."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from saoma.checkout.cash import closing, counted, denominations
from saoma.checkout.shifts import Entry, Shift, drawer_of
from saoma.gateway import Method
from saoma.kit.money import EXPONENTS, Money

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
amounts = st.integers(min_value=1, max_value=10_000_00)
methods = st.sampled_from([Method.CASH, Method.CASH, Method.CARD_TERMINAL, Method.BARCODE, Method.ACCOUNT])


def entry(kind: str, method: Method, amount: int) -> Entry:
    """One line of a drawer's book."""
    return Entry(
        at=NOW, kind=kind, method=method.value, amount=amount, currency="USD", payment_id=None, refund_id=None,
        by="stf_1", reason="",
    )  # fmt: skip


def shift(float_amount: int) -> Shift:
    """An open shift."""
    return Shift(
        id="sft_1", merchant_id="mer_1", store_id="sto_1", terminal_id="", currency="USD", opened_by="stf_1",
        opened_at=NOW, float_amount=float_amount, closed_by="", closed_at=None, expected=None, counted=None,
        counts={}, explanation="",
    )  # fmt: skip


def pieces_of(minor: int) -> dict[int, int]:
    """A pile of notes and coins worth so much."""
    pile = {}
    for piece in denominations("USD"):
        pile[piece.minor], minor = divmod(minor, piece.minor)
    return pile


class DrawerMachine(RuleBasedStateMachine):
    """A real drawer: a pile of coins that hands move. The book must know at all times what lies in it."""

    @initialize(amount=st.integers(min_value=0, max_value=500_00))
    def begins(self, amount: int) -> None:
        self.shift, self.book, self.pile = shift(amount), list[Entry](), amount

    @rule(method=methods, amount=amounts)
    def sells(self, method: Method, amount: int) -> None:
        self.book.append(entry("sale", method, amount))
        self.pile += amount if method is Method.CASH else 0

    @rule(method=methods, amount=amounts)
    def gives_back(self, method: Method, amount: int) -> None:
        given = min(amount, self.pile) if method is Method.CASH else amount
        if given:
            self.book.append(entry("refund", method, given))
            self.pile -= given if method is Method.CASH else 0

    @rule(amount=amounts)
    def pays_in(self, amount: int) -> None:
        self.book.append(entry("pay_in", Method.CASH, amount))
        self.pile += amount

    @precondition(lambda self: self.pile > 0)
    @rule(amount=amounts)
    def pays_out(self, amount: int) -> None:
        self.book.append(entry("pay_out", Method.CASH, min(amount, self.pile)))
        self.pile -= min(amount, self.pile)

    @rule(
        slip=st.integers(min_value=-50_00, max_value=50_00), words=st.sampled_from(["", "  ", "gave too much change"])
    )
    def counts(self, slip: int, words: str) -> None:
        found = counted(pieces_of(max(self.pile + slip, 0)), "USD")
        end = closing(drawer_of(self.shift, self.book), found, words)
        adds_up = found.minor == self.pile
        assert (end is None) == (not adds_up and not words.strip()), "a difference is always explained"
        if end is not None:
            assert end.difference.minor == found.minor - self.pile
            assert bool(end.explanation) is not adds_up

    @invariant()
    def the_book_knows_the_pile(self) -> None:
        if hasattr(self, "shift"):
            assert drawer_of(self.shift, self.book).expected == Money(self.pile, "USD")


TestTillsThatDoNotAddUp = DrawerMachine.TestCase
TestTillsThatDoNotAddUp.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


@given(st.sampled_from(sorted(EXPONENTS)), st.integers(min_value=0, max_value=5_000_000))
def test_every_amount_can_be_counted_in_every_currency(currency: str, minor: int) -> None:
    pile, left = {}, minor
    for piece in denominations(currency):
        pile[piece.minor], left = divmod(left, piece.minor)
    assert left == 0, "the smallest piece fills every gap"
    assert counted({piece: min(count, 9999) for piece, count in pile.items()}, currency) <= Money(minor, currency)
