"""One question after the other: what the tablet asks next, and what the answers come to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from saoma.kit.money import Money
from saoma.restaurant.bill import AnyAmount, Bill, Dish, Even, Share, ShareState, TheseDishes, Whole
from saoma.restaurant.taking import Step, Taking, taking_of

TIPS = [5, 10, 15]


def usd(minor: int) -> Money:
    return Money(minor, "USD")


BILL = Bill(
    "USD",
    (Dish("soup", "anna", usd(1000)), Dish("rice", "ben", usd(501)), Dish("tea", None, usd(200))),
    (Share("pay", usd(200), ShareState.PAID, frozenset({"tea"})),),
)


def asked(tips: list[int] = TIPS, lines: tuple[str, ...] = (), **answers: str) -> Taking:
    return taking_of(answers, lines, BILL, tips, 2)


def test_the_questions_come_one_after_the_other() -> None:
    assert asked().step is Step.BILL
    assert asked(how="nonsense").step is Step.BILL
    assert asked(how="whole").step is Step.TIP
    assert asked([], how="whole").step is Step.PAY, "a shop without tips asks for none"
    assert asked(how="dishes").step is Step.DISHES and asked(how="dishes").problem is None
    assert asked(how="dishes", chosen="yes").problem is not None
    assert asked(how="dishes", lines=("tea",)).step is Step.DISHES, "what is paid can't be chosen"
    assert asked(how="even").step is Step.PEOPLE
    assert asked(how="amount").step is Step.AMOUNT and asked(how="amount").problem is None
    for wrong in ("", "x", "-1", "0", "15.02", "1.234"):
        refused = asked(how="amount", typed=wrong)
        assert refused.step is Step.AMOUNT and refused.problem is not None


def test_what_is_charged_is_the_part_that_was_chosen_and_its_tip() -> None:
    whole = asked(how="whole", tip="10")
    assert whole.portion and (whole.choice, whole.portion.charged) == (Whole(), usd(1501 + 150))
    dishes = asked(how="dishes", lines=("rice", "tea"), tip="0")
    assert dishes.portion and dishes.choice == TheseDishes(frozenset({"rice"})) and dishes.portion.charged == usd(501)
    even = asked(how="even", people="2", tip="own", own_tip="1.00")
    assert even.portion and even.choice == Even(2) and even.portion.charged == usd(751 + 100)
    amount = asked(how="amount", typed="3.5", tip="0")
    assert amount.portion and amount.choice == AnyAmount(usd(350)) and amount.portion.charged == usd(350)
    for tip in ({"tip": "own"}, {"tip": "own", "own_tip": "99"}, {"tip": "own", "own_tip": "x"}):
        assert asked(how="whole", **tip).step is Step.TIP


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "how": st.sampled_from(["whole", "dishes", "even", "amount", ""]),
            "people": st.text(max_size=4),
            "typed": st.one_of(st.text(max_size=6), st.decimals(-5, 30, places=2).map(str)),
            "tip": st.sampled_from(["", "0", "10", "own", "1000", "x"]),
            "own_tip": st.one_of(st.text(max_size=6), st.decimals(-5, 30, places=2).map(str)),
        },
    ),
    st.lists(st.sampled_from(["soup", "rice", "tea", "gone"]), max_size=4),
)
def test_whatever_the_address_says_nothing_is_charged_beyond_the_bill_and_one_bill_of_tip(
    answers: dict[str, str], lines: list[str]
) -> None:
    taking = taking_of(answers, lines, BILL, TIPS, 2)
    if taking.step is Step.PAY:
        assert taking.portion is not None
        assert 0 < taking.portion.amount.minor <= BILL.left.minor
        assert 0 <= taking.portion.tip <= BILL.ordered.minor
        BILL.admit(taking.portion, taking.choice)
