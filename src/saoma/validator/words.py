"""What verdicts say: one sentence per reason, with values given by name. The English text is the key of the Chinese."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from saoma.kit.i18n import Texts, texts


class Reason(msgspec.Struct, frozen=True):
    """Why a verdict is what it is: a key of `SENTENCES` and its values."""

    key: str
    values: dict[str, Any] = {}

    def say(self, text: Texts | None = None) -> str:
        """In words of one language, English unless told otherwise."""
        return (text or texts("en"))(SENTENCES[self.key], **self.values)


SENTENCES: Final[dict[str, str]] = {
    # --- all is well
    "paid-once": "Paid, told once, nothing sent twice.",
    "whole-code": "All 24 digits arrived.",
    "asked-until-paid": "Asked {asked} times, {gaps} s apart, until it was paid; one receipt, no cancel.",
    "asked-then-cancelled": "Asked {asked} times, cancelled after {seconds} s, {cancels} cancel until SUCCESS.",
    "found-paid": "Asked under the same number and found it paid.",
    "solved-nothing": "Nothing had been created: {way} settled it under the same number.",
    "cancel-repeated": "{cancels} identical cancels, until SUCCESS.",
    "person-called": "{cancels} cancels, then it stopped, noted the order for a person and raised an alarm.",
    "bounded": "{cancels} cancels, then it stopped. Whether a person was called only drive mode sees.",
    "took-no": "One refusal with retry_flag=N, and no further cancel.",
    "refund-repeated": "Repeated with the same refund number, {times} times in all, until SUCCESS.",
    "asked-again": "The answer was not used: it asked again until a signature held.",
    "notices-right": "True ones are acknowledged and booked once; forged and wrong ones are refused.",
    "notices-seen": "Acknowledged each time it came: {times} deliveries, all answered with success.",
    "plain-words": "The cashier reads: {words}",
    "wallets-told-apart": "Alipay is sent to authorization before anything else; other phones are not.",
    "silently-known": "auth_base, one token call {seconds} s later, and not asked again in the same session.",
    "number-on-page": "The trade is made for the buyer of the session, and its number is on the page.",
    "page-not-believed": "The page calls tradePay; its word alone moved nothing, Alipay's did.",
    "late-and-double": "Late and double notifications are acknowledged; there is one receipt.",
    "receipt-or-not": "SUCCESS gave a receipt, FAILED gave none.",
    "offline-to-online": "Unknown led to questions: one ended in a receipt, one in a cancel.",
    "polled-as-published": "Asked {gaps} s apart, {asked} times; cancelled after {seconds} s.",
    "asked-after-all": "Asked after every transaction, first after {first} s, then {gaps} s apart.",
    "repeated-and-listed": "Cancels are repeated on SYSTEM_ERROR; one that never works is on the manual list.",
    "repeated-with-alarm": "Queries and refunds are repeated as they were; persistent trouble raised an alarm.",
    "repeated-seen": "Queries and refunds are repeated as they were. Whether an alarm rang only drive mode sees.",
    "registered-first": "{store} was registered before its first payment.",
    "vehicle-known": "Without a vehicle number it asks; with one it sends it: {vehicle}.",
    "moving-page": "The confirmation names the order and is another a moment later.",
    "typed-and-told": "The customer's amount, {amount}, arrived by notification, and the shop was told.",
    "difference-found": "The planted difference was found: {number}.",
    "ran-before": "{count} cases of the wire passed in this same run.",
    "only-names-differ": "Under another gateway, partner and key the very same parameters are sent.",
    # --- what is wrong
    "refused-at-the-door": "The request was refused by the gateway: {code}. Why is at /calls of the local Alipay.",
    "called-elsewhere": (
        "It says {status}, but no call reached {gateway}: which gateway does it call, and for which partner?"
    ),
    "refused": "The request was refused by the gateway: {code}. {why}",
    "incomplete-extend-info": "extend_info is not complete: store and secondary merchant must all be named. {why}",
    "paid-twice": "pay was sent again although it had succeeded.",
    "cancelled-though-paid": "It was cancelled although the buyer had paid.",
    "not-paid-in-the-end": "The buyer has paid, but the integration says {status}.",
    "never-learned": "The buyer has paid, and nothing shows that the integration ever learned of it.",
    "receipts": "There should be one receipt; there are {count}.",
    "receipt-without-money": "A receipt was printed although nobody paid.",
    "code-cut": "The code arrived with {digits} digits instead of 24.",
    "never-asked": "It never asked what became of the payment.",
    "asked-too-soon": "The first question came after {seconds} s; published: {published} s.",
    "asked-too-late": "The first question came only after {seconds} s; published: {published} s.",
    "asked-too-often": "Two questions were only {seconds} s apart; published: {published} s.",
    "asked-too-seldom": "Two questions were {seconds} s apart; published: {published} s.",
    "no-cancel": "It stopped asking without a cancel: the buyer could still pay.",
    "gave-up-early": "It cancelled after {seconds} s already; a buyer gets about a minute.",
    "gave-up-late": "It cancelled only after {seconds} s; a minute from the payment request is published.",
    "cancel-left-open": "The last cancel was answered {answer}, and it was left at that.",
    "not-closed-in-the-end": "The order is cancelled, but the integration says {status}.",
    "second-number": "A second order number, {number}, was used before the first was settled.",
    "changed-repeat": "A repeat must be identical; these parameters differ: {names}.",
    "left-open": "Nothing was created, and it neither paid again nor cancelled.",
    "cancel-given-up": "The cancel was answered SYSTEM_ERROR and not repeated until SUCCESS: {cancels} in all.",
    "cancel-after-success": "A cancel was sent again after SUCCESS.",
    "endless-cancel": "{cancels} cancels, and it goes on: retries must be bounded.",
    "nobody-called": "The cancel kept failing, and there is no record for a person to act on.",
    "no-alarm": "Trouble went on, and no alarm was raised.",
    "cancel-after-no": "retry_flag=N forbids another cancel; {times} followed.",
    "closed-without-proof": "Cancel did not succeed, but the integration says the sale is {status}.",
    "refund-given-up": "The refund was not answered, and it was not repeated.",
    "new-refund-number": "The repeat had another refund number, {number}: the money could go back twice.",
    "believed-forgery": "An answer with a bad signature was used: nothing genuine says the same.",
    "nobody-listens": "A true notification found nobody at notify_url: does what hears notifications run, too?",
    "not-acknowledged": "A true notification was answered with {answer} instead of success.",
    "accepted-forgery": "A notification with a bad signature was believed.",
    "accepted-wrong-amount": "A notification of another amount was believed.",
    "booked-twice": "The same payment was booked {count} times.",
    "went-back": "An older notification changed a paid order to {status}.",
    "no-words": "The cashier is told nothing.",
    "technical-words": "The cashier reads a technical code: {words}",
    "same-words": "Different refusals are told in the same words: {words}",
    "not-authorized": "A phone with Alipay was not sent to the authorization.",
    "wrong-wallet-authorized": "A phone without mainland Alipay ({agent}) was sent to the authorization.",
    "not-silent": "The scope is {scope}; silent authorization is auth_base.",
    "authorization-refused": "Alipay refused the authorization: {why}",
    "no-state": "There is no state in the authorization, so anybody could send the answer.",
    "no-token-call": "The code was never exchanged for the user ID.",
    "token-twice": "The same code was used {times} times.",
    "token-late": "The token call came {seconds} s after the authorization; codes live for minutes.",
    "asked-each-time": "The session forgot the user ID: the next page asked for authorization again.",
    "no-create": "No trade was created for the page.",
    "wrong-buyer": "The trade was created for {buyer}, but the session belongs to {owner}.",
    "no-number-on-page": "The trade number {number} is not on the page.",
    "no-trade-pay": "The page does not call tradePay with tradeNO.",
    "page-believed": "The page said 9000, nobody had paid, and the integration says {status}.",
    "nobody-listed": "A cancel that never works must be on a list for a person; the integration says {status}.",
    "query-given-up": "A query that failed ({answer}) was not repeated.",
    "not-registered": "{store} was not registered before its first payment.",
    "no-vehicle-asked": "Without a vehicle number the passenger must be asked for it; the integration says {status}.",
    "vehicle-not-sent": "The vehicle number {vehicle} is not in the request.",
    "still-page": "The confirmation looks the same a moment later: a screenshot would pass for it.",
    "order-not-on-page": "The confirmation does not name the order {number}.",
    "no-shop-code": "No code was made for the shop.",
    "not-told": "The customer paid, and the shop was not told.",
    "wrong-amount-told": "The customer paid {amount}, the shop was told {told}.",
    "difference-missed": "Order {number} differs between the books and Alipay's file, and it was not found.",
    "not-ready": "Not before these pass: {cases}",
    "more-than-names": "Between two environments more than gateway, partner and keys changed: {names}.",
    "not-switched": "The second environment's partner was not used.",
    "hook-failed": "The adapter could not: {why}",
    "refund-not-done": "The refund was answered {answer} at last, and it was left at that.",
    # --- not seen, not applicable
    "adapter-failed": "Not staged: the adapter had failed at {hook} before.",
    "not-happened": "This has not happened yet.",
    "still-running": "This is still going on.",
    "only-driven": "Only drive mode can see this: it needs the integration's own word.",
    "no-hook": "The adapter does not offer {hooks}.",
    "other-solution": "Not asked of this solution.",
    "optional": "Optional for this solution, and the adapter does not offer {hooks}.",
    "optional-unseen": "Optional for this solution, and it was not seen.",
    "unnamed-solution": "Seen, and not as {solutions} want it: name your solution (--solution) to be judged by it.",
    "other-wire": "It calls {wire}: this case is about the XML gateway (service=…) and can't be seen there.",
    "no-notice": "There is no notification to send again: the request named no notify_url.",
    "no-order": "No order was taken: {why}",
    "no-barcode": "The integration takes no barcode payments.",
}
