"""The cases: what each asks for, where that is written, which solutions are asked, and how to bring it about by hand.

The wire's are V1-V14, the published solutions' are S1-S19. Titles are keys of the texts."""

from __future__ import annotations

from typing import Final

import msgspec

RESTAURANT, TAXI, FAST_FOOD, TICKET = "restaurant", "taxi", "fast_food", "ticket"
#: The published solutions.
ALL_SOLUTIONS: Final = (RESTAURANT, TAXI, FAST_FOOD, TICKET)

_PAGES: Final = {
    "practice": "https://docs.antom.com/ac/globalbarcode/practice",
    "spot_pay": "https://docs.antom.com/ac/global/spot_pay",
    "barcode": "https://docs.antom.com/ac/barcode",
    "ivalidate": "https://docs.antom.com/ac/globalbarcode/ivalidate",
    "cancel": "https://docs.antom.com/ac/global/acquire_cancel",
    "refund": "https://docs.antom.com/ac/global/spot_refund",
    "signature": "https://docs.antom.com/ac/gr/apispec",
    "async": "https://docs.antom.com/ac/web/async",
    "errors": "https://docs.antom.com/ac/gr/error_code",
    "uid": "https://global.alipay.com/docs/ac/common/obtain_uid",
    "restaurant": "https://global.alipay.com/docs/ac/restaurant/restaurantintegration",
    "taxi": "https://global.alipay.com/docs/ac/taxi/taxiintegration",
    "fastfood": "https://docs.antom.com/ac/fastfood/fastfoodintegration",
    "ticket": "https://docs.antom.com/ac/tickets/ticketintegration",
    "maintain": "https://global.alipay.com/docs/ac/global/offline_maintain",
}


class Case(msgspec.Struct, frozen=True):
    """One case. `needs`: hooks of an adapter without which it can't be driven. `barcode`: only where codes are taken.
    `optional`: solutions that may do without it, and are judged where they don't.

    `whole`: in watch mode it is judged over everything that was seen, not order by order."""

    id: str
    title: str
    asks: str
    source: str
    by_hand: str
    needs: tuple[str, ...] = ()
    solutions: tuple[str, ...] = ALL_SOLUTIONS
    barcode: bool = False
    whole: bool = False
    optional: tuple[str, ...] = ()


def _wire(number: int, title: str, asks: str, page: str, by_hand: str, *needs: str, barcode: bool = True) -> Case:
    return Case(
        f"V{number}", title, asks, _PAGES[page], by_hand, ("pay", "query", *needs) if barcode else needs,
        barcode=barcode,
    )  # fmt: skip


def _solution(
    number: int, title: str, asks: str, page: str, by_hand: str, needs: str, solutions: tuple[str, ...],
    *, barcode: bool = False, whole: bool = True, optional: tuple[str, ...] = (),
) -> Case:  # fmt: skip
    hooks = tuple(needs.split())
    return Case(f"S{number}", title, asks, _PAGES[page], by_hand, hooks, solutions, barcode, whole, optional)


#: Every case, in order.
CASES: Final = (
    _wire(
        1, "A payment succeeds at once",
        "One pay with complete extend_info (store and secondary merchant), no cancel, one receipt.",
        "spot_pay", "Scan a code that a toy wallet shows.",
    ),
    _wire(
        2, "A code of 24 digits", "All 24 digits arrive.", "barcode",
        "Scan 280024002400240024002400.",
    ),
    _wire(
        3, "Unknown, then paid",
        "Queries 3 to 5 seconds apart, the first 3 to 5 seconds after pay; no cancel; one receipt.",
        "practice", "Scan 281234567890123490: the buyer pays after ten seconds.",
    ),
    _wire(
        4, "Unknown, never paid",
        "Queries until the deadline, then cancel until SUCCESS; never an ending with queries only.",
        "practice", "Scan 281234567890123491 and wait for two minutes.",
    ),
    _wire(
        5, "System error, and paid", "A query or an identical pay finds it paid; no second order number.",
        "practice", "Scan 281234567890123496.",
    ),
    _wire(
        6, "System error, nothing created", "After TRADE_NOT_EXIST an identical pay or a cancel; no second number.",
        "practice", "Scan 281234567890123495.",
    ),
    _wire(
        7, "No answer, and paid", "A query or an identical pay finds it paid; no second order number.",
        "practice", "Scan 281234567890123497.",
    ),
    _wire(
        8, "Cancel fails twice", "Three identical cancels: SYSTEM_ERROR, SYSTEM_ERROR, SUCCESS.",
        "cancel", "Plan system_error_before for alipay.acquire.cancel, times 2; scan ...91 and cancel.",
    ),
    _wire(
        9, "Cancel keeps failing", "Bounded repeats, then a record for a person and an alarm.",
        "cancel", "Plan system_error_before for alipay.acquire.cancel, times 1000; scan ...95 and cancel.",
    ),
    _wire(
        10, "Cancel is refused for good", "After retry_flag=N no further cancel, and no sale reported as closed.",
        "cancel", "Plan refused for alipay.acquire.cancel; scan ...91 and cancel.",
    ),
    _wire(
        11, "A refund is not answered", "It is repeated with the same refund number and amount.",
        "refund", "Plan silence_after for alipay.acquire.overseas.spot.refund; refund a payment.",
        "refund", "query", barcode=False,
    ),
    _wire(
        12, "An answer's signature is wrong", "The answer is not used: ask again.",
        "signature", "Scan 281234567890123499; plan bad_signature for alipay.acquire.cancel and cancel.",
    ),
    _wire(
        13, "Notifications twice, late, forged, wrong",
        "One booking; success once verified; bad signatures and wrong amounts are refused.",
        "async", "Pay, then resend and forge its notification by the control API.", "query", barcode=False,
    ),
    _wire(
        14, "A refusal in the cashier's words", "A text for the cashier, no technical code, no receipt.",
        "errors", "Scan 281234567890123493 and read the screen.",
    ),
    _solution(
        1, "The wallet is known by its User-Agent",
        "Alipay is sent to authorization first; HK, WeChat and browsers never.",
        "restaurant", "Open the page with phones of each kind in the toy wallet.", "page", (RESTAURANT, TAXI),
    ),
    _solution(
        2, "Silent authorization, user ID in the session",
        "auth_base with state; one token call within seconds; the session keeps the user ID.",
        "uid", "Open the page in a toy wallet.", "page", (RESTAURANT, TAXI), optional=(FAST_FOOD,),
    ),
    _solution(
        3, "A trade for the user ID", "create carries the user ID, the trade number reaches the page.",
        "restaurant", "Order and pay in a toy wallet.", "page pay", (RESTAURANT, TAXI),
    ),
    _solution(
        4, "tradePay, not believed", "The page calls tradePay; its result only makes the server ask.",
        "restaurant", "In the wallet's settings let pages be told something else than the truth; pay.",
        "page pay reported query", (RESTAURANT, TAXI),
    ),
    _solution(
        5, "Notifications late and double", "Each is acknowledged, the payment is booked once.",
        "restaurant", "Pay, then resend the notification by the control API.", "query",
        (RESTAURANT, TAXI, FAST_FOOD), whole=False,
    ),
    _solution(
        6, "Barcode, offline mode", "SUCCESS gives a receipt, FAILED gives none.",
        "fastfood", "Scan a good code, and one that ends in 93.", "pay query", (FAST_FOOD, TICKET), barcode=True,
    ),
    _solution(
        7, "Barcode, offline to online", "Unknown leads to queries, then to a receipt or a cancel.",
        "fastfood", "Scan a code that ends in 90, and one that ends in 91.", "pay query", (FAST_FOOD, TICKET),
        barcode=True,
    ),
    _solution(
        8, "Every 5 seconds, for 60 seconds", "Queries every 5 s from the start of the payment for 60 s, then cancel.",
        "fastfood", "Scan a code that ends in 91.", "pay query", (FAST_FOOD,), barcode=True, whole=False,
    ),
    _solution(
        9, "3 to 4 seconds, after every transaction",
        "A query 3 to 4 s after every transaction, also a successful one; then every 3 to 4 s.",
        "ticket", "Scan a good code, and one that ends in 90.", "pay query", (TICKET,), barcode=True,
    ),
    _solution(
        10, "Cancels repeated, then listed",
        "Cancel is repeated on SYSTEM_ERROR; what never works is listed for people.",
        "ticket", "As V8 and V9.", "pay query", (TICKET, FAST_FOOD), barcode=True,
    ),
    _solution(
        11, "Queries and refunds repeated, alarm",
        "QUERY and REFUND are repeated as they were on no answer and SYSTEM_ERROR; persistent trouble rings.",
        "restaurant", "Plan system errors for query and refund; pay with ...91 and refund.",
        "pay query refund", (RESTAURANT, TAXI),
    ),
    _solution(
        12, "Business errors in plain words", "Different refusals are told differently and without codes.",
        "restaurant", "Scan codes that end in 92, 93 and 94, and read the screen.", "pay query", (RESTAURANT, TAXI),
        barcode=True,
    ),
    _solution(
        13, "The store is registered", "The sub-merchant and store of a payment were registered before it.",
        "maintain", "Register the store, then take a payment.", "register pay", (FAST_FOOD, TICKET),
        optional=(RESTAURANT, TAXI),
    ),
    _solution(
        14, "The vehicle's number", "Payments carry the vehicle's number; where it is missing, the page asks.",
        "taxi", "Pay a ride with and without a vehicle in the code.", "pay query vehicle", (TAXI,),
    ),
    _solution(
        15, "A confirmation that moves", "The confirmation names the order and changes with time.",
        "taxi", "Look at the driver's confirmation twice.", "pay confirmation", (TAXI,),
    ),
    _solution(
        16, "The shop's printed code", "The customer types the amount; the notification reaches the shop.",
        "fastfood", "Scan the shop's code in a toy wallet and type an amount.", "shop_code query", (FAST_FOOD,),
    ),
    _solution(
        17, "Reconciliation", "A difference between Alipay's daily file and the books is found.",
        "ticket", "Plant an error in a daily file and reconcile that day.", "pay reconcile", (TICKET,),
    ),
    _solution(
        18, "Validated before going live", "The cases of the wire pass in one run.",
        "ivalidate", "Run saoma validate.", "", (TICKET,),
    ),
    _solution(
        19, "Another environment is only other names", "Gateway, partner and keys change, and nothing else.",
        "ticket", "Take the same payment under two partners.", "pay switch", ALL_SOLUTIONS,
    ),
)  # fmt: skip

#: What does not depend on the gateway that payments go to: how a phone is known, and its buyer.
ON_EVERY_WIRE: Final = ("S1", "S2")
BY_ID: Final = {case.id: case for case in CASES}
