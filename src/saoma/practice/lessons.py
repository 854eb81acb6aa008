"""The ten lessons: what goes wrong at a till, one thing at a time, in the order in which it is likely to happen.

The endings are the sandbox's: the last two digits of a code decide what becomes of it (docs/sandbox.md). The errors are
those that cashiers must handle by https://docs.antom.com/ac/globalbarcode/practice."""

from __future__ import annotations

from typing import Final

from saoma.kit.errors import NotFound
from saoma.practice.script import Face, Kind, Lesson, Phone, Stage, Word

GOOD: Final = "07"
_SLOW_PIN: Final = "90"
_NO_PIN: Final = "91"
_TOO_OLD: Final = "92"
_NO_MONEY: Final = "93"
_ERROR_THOUGH_PAID: Final = "96"
_SILENCE_THOUGH_PAID: Final = "97"

_SCAN: Final = Stage(Kind.CHARGE, "Scan the code on the customer's phone.")
_SCAN_NEW: Final = Stage(Kind.PAID, "Scan the new code, and wait for the till.")
_PAID: Final = Stage(Kind.PAID, "Wait for what the till says.")
_HAND_OVER: Final = Stage(Kind.HAND_OVER, "The till is green. Hand over the goods.")


def _say(tell: str, *words: Word) -> Stage:
    return Stage(Kind.SAY, tell, frozenset(words))


LESSONS: Final = (
    Lesson(
        key="paid",
        title="Paid at once",
        happens="A customer pays, and everything goes well.",
        remember="Goods leave the counter when the till is green, never before.",
        bills=(("noodles", "tea"),),
        phones=(Phone(GOOD),),
        stages=(_SCAN, _PAID, _HAND_OVER),
    ),
    Lesson(
        key="pin",
        title="The customer must type the PIN",
        happens="Alipay asks the customer to confirm on the phone. Nobody knows yet whether it will be paid.",
        remember="While the till waits: no goods, no second payment. It turns green by itself.",
        bills=(("dumplings", "tea"),),
        phones=(Phone(_SLOW_PIN, then=Face.PIN, says="One second, I have to type my PIN."),),
        stages=(
            _SCAN,
            Stage(Kind.PAID, "The till waits. Ask the customer to confirm on the phone, and wait with it."),
            _HAND_OVER,
        ),
        patient=True,
    ),
    Lesson(
        key="no_money",
        title="Not enough money",
        happens="Alipay refuses the payment: there is too little on the customer's account.",
        remember="Refused means not paid. Say so kindly and ask for another way to pay.",
        bills=(("noodles", "rolls"),),
        phones=(Phone(_NO_MONEY), Phone(GOOD, says="Sorry. I have chosen another card.")),
        stages=(
            _SCAN,
            Stage(Kind.DECLINED, "Wait for what the till says."),
            _say("Not paid. Tell the customer what to do.", Word.OTHER_CARD),
            Stage(Kind.PAID, "Scan the new code, or take another way to pay."),
            _HAND_OVER,
        ),
    ),
    Lesson(
        key="old_code",
        title="The code is too old",
        happens="The customer opened the code a while ago. A code lives for about a minute.",
        remember="A code that is no longer valid costs nothing: ask for a fresh one and scan again.",
        bills=(("dumplings",),),
        phones=(Phone(_TOO_OLD, says="I have had it ready for a while!"), Phone(GOOD, says="Here, a new one.")),
        stages=(
            _SCAN,
            Stage(Kind.DECLINED, "Wait for what the till says."),
            _say("The code is not valid. Tell the customer what to do.", Word.REFRESH),
            _SCAN_NEW,
            _HAND_OVER,
        ),
    ),
    Lesson(
        key="never_paid",
        title="The customer never confirms",
        happens="The PIN is never typed. At the deadline the till cancels the payment at Alipay by itself.",
        remember="Cancelled means nothing was taken. Say so, and offer to try once more.",
        bills=(("noodles",),),
        phones=(
            Phone(_NO_PIN, then=Face.PIN, says="Sorry, my mother is calling …"),
            Phone(GOOD, says="I am back. Let us try again."),
        ),
        stages=(
            _SCAN,
            Stage(Kind.CANCELLED, "Wait until the till is certain. Hand over nothing meanwhile."),
            _say("Cancelled. Tell the customer that nothing was taken.", Word.NOT_CHARGED, Word.REFRESH),
            _SCAN_NEW,
            _HAND_OVER,
        ),
    ),
    Lesson(
        key="error_paid",
        title="An error, and paid all the same",
        happens="Alipay answers with a system error, although the money was taken.",
        remember="An error is not a no. The till asks again until it knows; charging again would charge twice.",
        bills=(("noodles", "dumplings"),),
        phones=(Phone(_ERROR_THOUGH_PAID, says="Is it done?"),),
        stages=(_SCAN, Stage(Kind.PAID, "The till is checking. Charge nothing again; wait."), _HAND_OVER),
        patient=True,
    ),
    Lesson(
        key="silence",
        title="No answer at all",
        happens="The line is slow, and Alipay's answer never arrives. Nobody knows whether the money was taken.",
        remember="Silence is not a no either. Leave the till alone and keep the customer company.",
        bills=(("rolls", "tea"),),
        phones=(Phone(_SILENCE_THOUGH_PAID, says="Hello? Did it work?"),),
        stages=(_SCAN, Stage(Kind.PAID, "No answer yet. Wait: the till asks again by itself."), _HAND_OVER),
        patient=True,
    ),
    Lesson(
        key="wrong_code",
        title="Not a payment code, and only a part",
        happens="The customer shows the code for making friends, and wants to pay for the noodles alone.",
        remember="Only the code under “Pay” pays. Look at the amount before each scan.",
        bills=(("noodles", "dumplings"),),
        takes=("noodles",),
        phones=(
            Phone("", face=Face.LINK, says="Just the noodles, please. Here is my code."),
            Phone(GOOD, says="Ah, this one! Just the noodles, please."),
        ),
        stages=(
            _say("This is no payment code. Tell the customer what to do.", Word.OPEN_PAY),
            Stage(Kind.PAID, "Tick the noodles on the bill, check the amount, then scan."),
            _HAND_OVER,
        ),
    ),
    Lesson(
        key="refund",
        title="Give back the right thing",
        happens="Two tables have paid. The spring rolls of table 1 never came; its guests want that money back.",
        remember="Find the payment first, then give back exactly what was wrong, with the reason.",
        bills=(("noodles", "rolls"), ("noodles", "rolls", "tea")),
        gives_back=("rolls",),
        phones=(Phone(GOOD, face=Face.NONE, says="We are from table 1. The spring rolls never came."),),
        stages=(
            Stage(Kind.ASK_REFUND, "Open table 1's bill, press refund, tick the spring rolls, write why."),
            Stage(Kind.REFUNDED, "A second person agrees, then Alipay gives the money back. Watch the bill."),
        ),
    ),
    Lesson(
        key="picture",
        title="“But my phone says paid”",
        happens="The customer holds out a phone that says paid. Your till does not.",
        remember="Only the till knows. A phone can show yesterday's payment, or a picture of one.",
        bills=(("dumplings", "rolls"),),
        phones=(
            Phone(_NO_PIN, then=Face.PAID, says="Look, it says paid! I am in a hurry."),
            Phone(GOOD, says="Oh, that was for the shop next door. Here is my code."),
        ),
        stages=(
            _SCAN,
            Stage(Kind.CANCELLED, "Trust the till, not the phone. Stay friendly and wait until it is certain."),
            _say("Cancelled. Tell the customer that nothing was taken.", Word.NOT_CHARGED),
            _SCAN_NEW,
            _HAND_OVER,
        ),
    ),
)
_BY_KEY: Final = {lesson.key: lesson for lesson in LESSONS}


def lesson_of(key: str) -> Lesson:
    """The lesson of that key. Raises `NotFound`."""
    try:
        return _BY_KEY[key]
    except KeyError:
        raise NotFound("There is no such lesson.") from None


def number_of(lesson: Lesson) -> int:
    """Which lesson this is, from 1."""
    return LESSONS.index(lesson) + 1


def after(lesson: Lesson) -> Lesson | None:
    """The lesson that comes next, or None after the last."""
    place = LESSONS.index(lesson) + 1
    return LESSONS[place] if place < len(LESSONS) else None
