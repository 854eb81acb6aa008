"""The verdicts of the published solutions, S1-S19: pure functions of a timeline, like those of the wire.

Which of them a solution is asked is in `cases`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from saoma.validator.asking import (
    TOLERANCE,
    barcode,
    ends_closed,
    ends_paid,
    first,
    is_over,
    is_paid_later,
    no_receipt,
    questions,
    rhythm,
    span,
    tidy,
)
from saoma.validator.judging import (
    WIRE,
    acknowledged,
    booked_once,
    plain_words,
    repeated_cancels,
    repeated_refund,
)
from saoma.validator.timeline import Call, Order, Timeline
from saoma.validator.verdict import NotSeen, Wrong
from saoma.validator.words import Reason

#: How long the exchange of an authorization code may take, in seconds.
_SOON: Final = 10.0
#: Parameters that another environment may change.
_OF_AN_ENVIRONMENT: Final = frozenset(
    {"partner", "alipay_seller_id", "seller_id", "sign", "sign_type", "timestamp", "terminal_timestamp"}
)
#: Parameters that every order has anew.
_OF_AN_ORDER: Final = frozenset({"partner_trans_id", "out_trade_no", "buyer_identity_code", "trans_create_time"})


def s1(timeline: Timeline) -> Reason:
    """wallet detected by User-Agent"""
    if not timeline.visits:
        return _watched_agents(timeline)
    for visit in timeline.visits:
        if visit.agent == "Alipay" and not visit.was_authorized:
            raise Wrong("not-authorized", visit)
        if visit.agent != "Alipay" and not visit.agent.endswith("again") and visit.was_authorized:
            raise Wrong("wrong-wallet-authorized", visit, agent=visit.agent)
    return Reason("wallets-told-apart")


def _watched_agents(timeline: Timeline) -> Reason:
    came = timeline.of("authorize")
    if not came:
        raise NotSeen
    for call in came:
        agent = call.asked.get("User-Agent", "")
        if "AlipayClient/" not in agent or "APHK" in agent:
            raise Wrong("wrong-wallet-authorized", call, agent=agent[:60] or "no User-Agent")
    return Reason("wallets-told-apart")


def s2(timeline: Timeline) -> Reason:
    """silent authorization, user ID in session"""
    came = timeline.of("authorize")
    if not came:
        raise NotSeen
    asked = came[0]
    if asked.asked.get("scope") != "auth_base":
        raise Wrong("not-silent", asked, scope=asked.asked.get("scope", ""))
    if asked.result == "refused":
        raise Wrong("authorization-refused", asked, why=asked.why)
    if not asked.asked.get("state"):
        raise Wrong("no-state", asked)
    tokens = [call for call in timeline.of("token") if call.asked.get("grant_type") == "authorization_code"]
    if not tokens:
        raise Wrong("no-token-call", asked)
    for code in {call.asked.get("code") for call in tokens}:
        spent = [call for call in tokens if call.asked.get("code") == code]
        if len(spent) > 1 and not spent[0].is_unclear:
            raise Wrong("token-twice", *spent, times=len(spent))
    seconds = (tokens[0].at - asked.at).total_seconds()
    if seconds > _SOON:
        raise Wrong("token-late", asked, tokens[0], seconds=tidy(seconds))
    for visit in timeline.visits:
        if visit.agent.endswith("again") and visit.was_authorized:
            raise Wrong("asked-each-time", visit)
    return Reason("silently-known", {"seconds": tidy(seconds)})


def s3(timeline: Timeline) -> Reason:
    """create with user ID"""
    tokens = [call for call in timeline.of("token") if call.fields.get("user_id")]
    created = timeline.of("create")
    if not tokens:
        raise NotSeen
    if not created:
        if not timeline.driven:
            raise NotSeen
        raise Wrong("no-create", tokens[-1])
    owner, buyer = tokens[-1].fields["user_id"], created[-1].asked.get("buyer_id", "")
    if buyer != owner and (timeline.driven or not buyer):
        raise Wrong("wrong-buyer", created[-1], buyer=buyer or "-", owner=owner)
    number = created[-1].fields.get("trade_no", "")
    page = _page(timeline)
    if page is not None and (not number or number not in page[1]):
        raise Wrong("no-number-on-page", created[-1], page[0], number=number)
    return Reason("number-on-page")


def s4(timeline: Timeline) -> Reason:
    """tradePay on the page; result not trusted"""
    page = _page(timeline)
    if page is None:
        raise NotSeen("only-driven") if timeline.of("create") and not timeline.driven else NotSeen()
    if "tradePay" not in page[1] or "tradeNO" not in page[1]:
        raise Wrong("no-trade-pay", page[0])
    order = first([o for o in timeline.orders() if o.opening.kind == "create"])
    reported = [said for said in timeline.told if said.hook == "reported"]
    if not reported:
        raise NotSeen("no-hook", hooks="/reported")
    early = [said for said in order.standings if order.paid_at is None or said.at < order.paid_at.at]
    notices = [each for each in timeline.notices if each.number == order.number and each.is_accepted]
    for said in early:
        if said.status == "paid" and not any(each.at <= said.at for each in notices):
            raise Wrong("page-believed", reported[0], said, status=said.status)
    ends_paid(order, receipt=False)
    return Reason("page-not-believed")


def s5(timeline: Timeline) -> Reason:
    """late and double notifications"""
    first_ones = [each for each in timeline.notices if each.kind == "first"]
    if not first_ones or not [each for each in timeline.notices if each.kind == "again"]:
        raise NotSeen
    acknowledged(timeline)
    for order in timeline.orders():
        if any(each.number == order.number for each in first_ones):
            booked_once(order)
    return Reason("late-and-double")


def s6(timeline: Timeline) -> Reason:
    """offline mode"""
    plain = [order for order in barcode(timeline) if not order.opening.planned]
    paid = first([order for order in plain if order.opening.result == "SUCCESS"])
    failed = first([order for order in plain if order.opening.result == "FAILED"])
    if again := [call for call in paid.later if call.kind == "pay"]:
        raise Wrong("paid-twice", paid.opening, *again)
    ends_paid(paid)
    no_receipt(failed)
    ends_closed(failed)
    return Reason("receipt-or-not")


def s7(timeline: Timeline) -> Reason:
    """offline-to-online mode"""
    unknown = [order for order in barcode(timeline) if order.opening.is_unclear]
    paid = first([order for order in unknown if is_paid_later(order)])
    never = first([order for order in unknown if not is_paid_later(order)])
    if not questions(paid):
        raise Wrong("never-asked", paid.opening)
    ends_paid(paid)
    cancels = never.of("cancel")
    if not cancels:
        if not is_over(never):
            raise NotSeen("still-running")
        raise Wrong("no-cancel", *never.later[-1:])
    if cancels[-1].result != "SUCCESS":
        raise Wrong("cancel-left-open", cancels[-1], answer=cancels[-1].result)
    ends_closed(never)
    return Reason("offline-to-online")


def s8(timeline: Timeline) -> Reason:
    """polling 5 s / 60 s, then cancel"""
    order = first([o for o in barcode(timeline) if o.opening.result == "UNKNOWN" and not is_paid_later(o)])
    gaps = rhythm(order, (5, 5), (5, 5))
    cancels = order.of("cancel")
    if not cancels:
        if not is_over(order):
            raise NotSeen("still-running")
        raise Wrong("no-cancel", *order.later[-1:])
    seconds = order.seconds(cancels[0])
    if seconds < 60 - 5 - TOLERANCE:
        raise Wrong("gave-up-early", cancels[0], seconds=tidy(seconds))
    if seconds > 60 + 5 + TOLERANCE:
        raise Wrong("gave-up-late", cancels[0], seconds=tidy(seconds))
    asked = len(questions(order))
    return Reason("polled-as-published", {"gaps": span(gaps), "asked": asked, "seconds": tidy(seconds)})


def s9(timeline: Timeline) -> Reason:
    """polling 3-4 s after every transaction"""
    at_once = first([o for o in barcode(timeline) if not o.opening.planned and o.opening.result == "SUCCESS"])
    waited = first([o for o in barcode(timeline) if o.opening.result == "UNKNOWN"])
    asked = [call for call in at_once.later if call.kind == "query"]
    if not asked:
        raise Wrong("never-asked", at_once.opening)
    seconds = at_once.seconds(asked[0])
    if not 3 - TOLERANCE <= seconds <= 4 + TOLERANCE:
        key = "asked-too-soon" if seconds < 3 else "asked-too-late"
        raise Wrong(key, at_once.opening, asked[0], seconds=tidy(seconds), published="3-4")
    gaps = rhythm(waited, (3, 4), (3, 4))
    return Reason("asked-after-all", {"first": tidy(at_once.seconds(asked[0])), "gaps": span(gaps)})


def s10(timeline: Timeline) -> Reason:
    """cancel repeated on SYSTEM_ERROR, manual list"""
    failing = [order for order in timeline.orders() if any(c.result == "SYSTEM_ERROR" for c in order.of("cancel"))]
    mended = first([o for o in failing if not _never_works(o)])
    lost = first([o for o in failing if _never_works(o)])
    repeated_cancels(mended)
    cancels = lost.of("cancel")
    if len(cancels) < 2:
        raise Wrong("cancel-given-up", *cancels, cancels=len(cancels))
    standing = lost.standing
    if standing is None:
        raise NotSeen("only-driven")
    if not standing.answered.get("needs_person"):
        raise Wrong("nobody-listed", cancels[-1], standing, status=standing.status)
    return Reason("repeated-and-listed")


def _never_works(order: Order) -> bool:
    # by what was planned, so that an integration which gives up early is told apart from one that can't succeed
    if order.timeline.driven:
        return order.timeline.facts.get("never-cancelled") == order.number
    return all(call.result == "SYSTEM_ERROR" for call in order.of("cancel"))


def s11(timeline: Timeline) -> Reason:
    """QUERY and REFUND repeated, alarm"""
    queries = [call for call in timeline.of("query") if call.planned in _BROKEN]
    refunds = [call for call in timeline.of("refund") if call.planned in _BROKEN]
    if not queries or not refunds:
        raise NotSeen
    for call in queries:
        later = [each for each in timeline.after(call) if each.number == call.number]
        heard = [
            each
            for each in timeline.notices
            if each.number == call.number and (each.at - call.at).total_seconds() <= 5 + TOLERANCE
        ]
        if not [each for each in later if each.kind in ("query", "cancel")] and not heard:
            raise Wrong("query-given-up", call, answer=call.result)
    hopeless = timeline.facts.get("hopeless", "")
    for call in refunds:
        if call.number == hopeless:
            continue
        if call is next(each for each in refunds if each.number == call.number):
            repeated_refund(timeline, call)
    if not timeline.driven:
        return Reason("repeated-seen")
    trouble = [call for call in refunds if call.number == hopeless]
    if len(trouble) == 1:
        raise Wrong("refund-given-up", *trouble)
    if hopeless and not any(said.answered.get("alarm") for said in timeline.told if said.number == hopeless):
        raise Wrong("no-alarm", *trouble[-1:])
    return Reason("repeated-with-alarm")


_BROKEN: Final = ("system_error_before", "system_error_after", "silence_before", "silence_after")


def s12(timeline: Timeline) -> Reason:
    """business errors in plain words"""
    failed = [order for order in timeline.orders() if order.opening.result in ("FAILED", "FAIL")]
    if not failed:
        raise NotSeen
    said = {order.opening.code: plain_words(order) for order in failed}
    if len(said) > 1 and len(set(said.values())) == 1:
        raise Wrong("same-words", *(order.opening for order in failed), words=next(iter(said.values())))
    return Reason("plain-words", {"words": " / ".join(dict.fromkeys(said.values()))})


def s13(timeline: Timeline) -> Reason:
    """sub-merchant registered"""
    order = first(list(timeline.orders()))
    shop = _json(order.opening.asked.get("extend_info") or order.opening.asked.get("extend_params"))
    place = (shop.get("secondary_merchant_id", ""), shop.get("store_id", ""))
    done = [
        call
        for call in timeline.of("register")
        if (call.asked.get("secondary_merchant_id"), call.asked.get("store_id")) == place and call.result == "SUCCESS"
    ]
    if not done or order.opening not in timeline.after(done[0]):
        raise Wrong("not-registered", order.opening, *done[:1], store="/".join(place))
    return Reason("registered-first", {"store": "/".join(place)})


def s14(timeline: Timeline) -> Reason:
    """vehicle number present or asked for"""
    said = [each for each in timeline.told if each.hook == "pay"]
    if not said:
        raise NotSeen("only-driven")
    without = [each for each in said if not each.asked.get("vehicle")]
    vehicle = next((str(each.asked["vehicle"]) for each in said if each.asked.get("vehicle")), "")
    for each in without:
        if each.answered.get("asks") != "vehicle":
            raise Wrong("no-vehicle-asked", each, status=each.status)
    sent = [order.opening for order in timeline.orders()]
    if not any(vehicle in value for call in sent for value in call.asked.values()):
        raise Wrong("vehicle-not-sent", *sent, vehicle=vehicle)
    return Reason("vehicle-known", {"vehicle": vehicle})


def s15(timeline: Timeline) -> Reason:
    """dynamic confirmation page"""
    shown = [each for each in timeline.visits if each.agent == "driver"]
    if len(shown) < 2:
        raise NotSeen("only-driven")
    number = next((order.number for order in timeline.orders()), "")
    if any(number not in each.page for each in shown):
        raise Wrong("order-not-on-page", *shown, number=number)
    if shown[0].page == shown[1].page:
        raise Wrong("still-page", *shown)
    return Reason("moving-page")


def s16(timeline: Timeline) -> Reason:
    """static QR"""
    made = [call for call in timeline.of("shop code") if call.result == "SUCCESS"]
    asked = timeline.answers("shop_code")
    if not made and not asked:
        raise NotSeen
    if asked and not made and not asked[0].answered.get("code_url"):
        raise Wrong("no-shop-code", *asked)
    if not timeline.notices:
        if timeline.driven:
            raise Wrong("not-told", *made[-1:])
        raise NotSeen
    acknowledged(timeline)
    number = timeline.notices[0].number
    if not timeline.driven:
        return Reason("notices-seen", {"times": len(timeline.notices)})
    standing = [said for said in timeline.answers("query", number) if said.status]
    typed = timeline.facts.get("typed", "")
    if not standing or standing[-1].status != "paid":
        raise Wrong("not-told", timeline.notices[0], *standing[-1:])
    if (told := str(standing[-1].answered.get("amount", typed))) != typed:
        raise Wrong("wrong-amount-told", standing[-1], amount=typed, told=told)
    return Reason("typed-and-told", {"amount": typed})


def s17(timeline: Timeline) -> Reason:
    """reconciliation in the back end"""
    asked = timeline.answers("reconcile")
    if not asked:
        raise NotSeen("only-driven")
    number = first([order for order in timeline.orders() if order.opening.result in ("SUCCESS", "UNKNOWN")]).number
    if number not in json.dumps(asked[-1].answered.get("differences", [])):
        raise Wrong("difference-missed", asked[-1], number=number)
    return Reason("difference-found", {"number": number})


def s18(timeline: Timeline) -> Reason:
    """an iValidate-like run before live"""
    ran = [case for case in timeline.passed if case in WIRE]
    if timeline.failed:
        raise Wrong("not-ready", cases=", ".join(timeline.failed))
    if len(ran) < 3:
        raise NotSeen
    return Reason("ran-before", {"count": len(ran)})


def s19(timeline: Timeline) -> Reason:
    """switch of environment"""
    openings = [order.opening for order in timeline.orders()]
    if not timeline.answers("switch") or len(openings) < 2:
        raise NotSeen("only-driven")
    before, after = openings[0], openings[-1]
    if before.asked.get("partner") == after.asked.get("partner"):
        raise Wrong("not-switched", after)
    changed = {
        name
        for name in before.asked.keys() | after.asked.keys()
        if before.asked.get(name) != after.asked.get(name)
        and name not in _OF_AN_ENVIRONMENT
        and not (name in _OF_AN_ORDER and name in before.asked and name in after.asked)
        and not (name == "notify_url" and _path_names_account(before, after))
    }
    if changed:
        raise Wrong("more-than-names", before, after, names=", ".join(sorted(changed)))
    return Reason("only-names-differ")


def _path_names_account(before: Call, after: Call) -> bool:
    """Whether two addresses differ in one part of their path only: that may name the account."""
    ways = [call.asked.get("notify_url", "").split("/") for call in (before, after)]
    if len(ways[0]) != len(ways[1]):
        return False
    return len([a for a, b in zip(*ways, strict=True) if a != b]) <= 1


def _page(timeline: Timeline) -> tuple[Any, str] | None:
    shown = [each for each in timeline.visits if each.agent == "Alipay, paying"]
    return (shown[-1], shown[-1].page) if shown else None


def _json(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


#: Every case of the solutions, by its id.
SOLUTIONS: Final[dict[str, Callable[[Timeline], Reason]]] = {
    "S1": s1, "S2": s2, "S3": s3, "S4": s4, "S5": s5, "S6": s6, "S7": s7, "S8": s8, "S9": s9, "S10": s10,
    "S11": s11, "S12": s12, "S13": s13, "S14": s14, "S15": s15, "S16": s16, "S17": s17, "S18": s18, "S19": s19,
}  # fmt: skip
