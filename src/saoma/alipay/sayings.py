"""The sentences: what a cashier and a customer are told, in English and Chinese. Pure data.

A sentence says what happened, what to do now, and whether goods may leave the counter; it never shows a code. What a
payment's own status says wins over any sentence here: these speak of one answer only."""

from __future__ import annotations

from typing import Final

from saoma.gateway import Saying

_NOT_PAID: Final = (" Don't hand over the goods.", "请勿交付商品。")
_NOT_YET: Final = (
    " Don't hand over the goods yet, and don't charge again.",
    "请先不要交付商品，也不要重复收款。",
)
_NO_GOODS: Final = ("", "")


def _say(
    cashier: tuple[str, str], customer: tuple[str, str], then: tuple[str, str], *, hand_over: bool = False
) -> Saying:
    return Saying(
        cashier={"en": cashier[0] + then[0], "zh": cashier[1] + then[1]},
        customer={"en": customer[0], "zh": customer[1]},
        hand_over=hand_over,
        short={"en": cashier[0], "zh": cashier[1]},
    )


def _unpaid(cashier: tuple[str, str], customer: tuple[str, str]) -> Saying:
    """Nothing was taken: said first, in both languages."""
    return _say(("Not paid. " + cashier[0], "未收款。" + cashier[1]), customer, _NOT_PAID)


_CHECKING_CUSTOMER: Final = ("Checking the payment. One moment, please.", "正在确认付款结果，请稍候。")
_ANOTHER_WAY: Final = (
    "This way of paying did not work. Please choose another one.",
    "付款未成功，请换一种付款方式。",
)
_REFUND_CUSTOMER: Final = (
    "The refund could not be made now. The shop will help you.",
    "暂时无法退款，请联系店员处理。",
)
_SCAN_CUSTOMER: Final = (
    "Signing in did not work. Please scan the code again.",
    "登录未成功，请重新扫码。",
)

# --- how a payment stands -------------------------------------------------------------------------------------------

PAID: Final = _say(
    ("Paid. Hand over the goods and give the receipt.", "收款成功。请交付商品，并给顾客小票。"),
    ("Paid. Thank you!", "付款成功，谢谢惠顾！"),
    _NO_GOODS,
    hand_over=True,
)
CHECKING: Final = _say(("Checking the payment.", "正在确认付款结果。"), _CHECKING_CUSTOMER, _NOT_YET)
WAITING: Final = _say(
    ("Waiting for the customer to confirm on the phone.", "正在等待顾客在手机上确认付款。"),
    ("Please confirm the payment on your phone.", "请在手机上确认付款。"),
    _NOT_YET,
)
SEEMS_PAID: Final = _say(
    ("This order seems to be paid already; checking with Alipay.", "此订单可能已经付过款，正在向支付宝确认。"),
    ("You may have paid already; we are checking.", "你可能已经付过款，正在确认。"),
    _NOT_YET,
)
NOT_FOUND: Final = _say(
    ("Alipay knows no payment for this order so far; checking again.", "支付宝暂无此订单的付款记录，正在继续查询。"),
    _CHECKING_CUSTOMER,
    _NOT_YET,
)
HELD: Final = _say(
    (
        "Alipay is holding this payment. Call Alipay's support for the merchant's account.",
        "此笔付款被支付宝暂时冻结，请联系支付宝客服核实商户账户。",
    ),
    ("Your payment is being held. The shop is asking Alipay.", "你的付款暂时被冻结，商家正在联系支付宝。"),
    _NOT_YET,
)
CLOSED: Final = _say(
    (
        "This payment is closed, and nothing of it is kept. Start a new payment.",
        "此笔付款已关闭，款项未收或已退回。如需付款请重新收款。",
    ),
    (
        "This payment was closed. Anything that was taken goes back to you; please pay again.",
        "此笔付款已关闭，已扣款项会退回，请重新付款。",
    ),
    _NOT_PAID,
)
CANCELLED: Final = _unpaid(
    ("The payment was cancelled; the customer was not charged.", "付款已取消，未向顾客扣款。"),
    ("The payment was cancelled. You have not been charged.", "付款已取消，未扣款。"),
)
CANCELLED_GAVE_BACK: Final = _say(
    (
        "The payment was cancelled, and the customer gets all of the money back.",
        "付款已取消，款项已全额退还顾客。",
    ),
    ("The payment was cancelled. Your money is on its way back.", "付款已取消，款项将原路退回。"),
    _NOT_PAID,
)
CANCELLING: Final = _say(
    ("Cancelling the payment; it is not final yet.", "正在取消付款，结果尚未确定。"),
    ("The payment is being cancelled. One moment, please.", "正在取消付款，请稍候。"),
    _NOT_YET,
)
REFUNDED: Final = _say(
    ("The refund is done. Give the customer the refund slip.", "退款成功，请把退款凭证交给顾客。"),
    ("Your money has been refunded.", "退款成功，款项将原路退回。"),
    _NO_GOODS,
)

# --- asking again because an answer proved nothing -----------------------------------------------------------------

NO_ANSWER: Final = _say(
    ("Alipay has not answered; asking again.", "支付宝暂未响应，正在重新查询。"), _CHECKING_CUSTOMER, _NOT_YET
)
NOT_CONNECTED: Final = _say(
    (
        "No connection to Alipay: the request did not leave the shop. Check the network; it is tried again.",
        "无法连接支付宝，请求没有发出。请检查网络，系统会自动重试。",
    ),
    ("The shop has no connection right now. One moment, please.", "商家网络暂时中断，请稍候。"),
    _NOT_YET,
)
NOT_TRUSTED: Final = _say(
    (
        "An answer came that can't be proved to be Alipay's; asking again. If this goes on, call support.",
        "收到的应答无法证明来自支付宝，正在重新查询。如反复出现，请联系技术支持。",
    ),
    _CHECKING_CUSTOMER,
    _NOT_YET,
)
TECHNICAL: Final = _say(
    (
        "A technical problem: Alipay did not accept our request. Call support, and wait until this payment is closed.",
        "系统故障：支付宝未受理请求。请联系技术支持，并等待此笔付款关闭。",
    ),
    (
        "A technical problem at the shop. Please wait a moment before paying another way.",
        "商家系统出现故障，请稍候，暂勿用其他方式付款。",
    ),
    _NOT_YET,
)
ORDER_MIXED_UP: Final = _say(
    (
        "This order number was used before with other details; checking what became of it.",
        "此订单号曾以不同内容使用过，正在核对。",
    ),
    _CHECKING_CUSTOMER,
    _NOT_YET,
)
OTHER_BUYER: Final = _say(
    (
        "Another customer has begun to pay this order. Use that phone, or wait until this payment is closed.",
        "另一位顾客已开始支付此订单。请用原手机付款，或等待此笔付款关闭。",
    ),
    ("Someone else has begun to pay this order.", "已有其他人正在支付此订单。"),
    _NOT_YET,
)

# --- declined: the customer can do something ----------------------------------------------------------------------

CODE_INVALID: Final = _unpaid(
    ("The payment code is no longer valid. Ask the customer to refresh it, then scan again.",
     "付款码已失效。请顾客刷新付款码后重新扫码。"),
    ("Please refresh your payment code and show it again.", "请刷新付款码后再次出示。"),
)  # fmt: skip
NOT_A_CODE: Final = _unpaid(
    ("That was not an Alipay payment code. Scan the code under “Pay” in the customer's Alipay app.",
     "扫到的不是支付宝付款码。请扫描顾客支付宝“收付款”页面上的付款码。"),
    ("Please open “Pay” in Alipay and show the code.", "请打开支付宝“收付款”，出示付款码。"),
)  # fmt: skip
PHONE_TROUBLE: Final = _unpaid(
    ("The customer's phone could not open the payment. Ask for a refreshed code, then scan again.",
     "顾客手机无法打开付款页面。请顾客检查网络并刷新付款码，然后重新扫码。"),
    ("Please check your network, refresh the payment code and show it again.", "请检查网络，刷新付款码后再次出示。"),
)  # fmt: skip
NO_MONEY: Final = _unpaid(
    ("The customer's balance or card is too low. Ask for another card in Alipay, or another way to pay.",
     "顾客余额或银行卡资金不足。请顾客在支付宝内更换付款方式，或改用其他方式付款。"),
    ("Not enough money there. Please choose another card, or top up.", "余额不足，请更换银行卡或充值后再付。"),
)  # fmt: skip
NO_SOURCE: Final = _unpaid(
    ("The customer has no usable card or balance in Alipay. Ask for another way to pay.",
     "顾客的支付宝暂无可用的付款方式，请改用其他方式收款。"),
    ("Please add a card in Alipay, or pay another way.", "请在支付宝内添加银行卡，或换一种付款方式。"),
)  # fmt: skip
BUYER_LIMIT: Final = _unpaid(
    ("The customer has reached the spending limit at Alipay. Ask for another way to pay.",
     "顾客已达到支付宝付款限额，请改用其他方式收款。"),
    ("You have reached your limit in Alipay. Please pay another way.", "你已达到支付宝付款限额，请换一种付款方式。"),
)  # fmt: skip
SWITCHED_OFF: Final = _unpaid(
    ("This way of paying is switched off in the customer's Alipay. It can be switched on there, or paid another way.",
     "顾客在支付宝中关闭了此付款方式。请顾客开启，或改用其他方式付款。"),
    ("Please switch this way of paying on in Alipay, or use a card.", "请在支付宝中开启此付款方式，或使用银行卡。"),
)  # fmt: skip
BUYER_RESTRICTED: Final = _unpaid(
    ("The customer's Alipay account is restricted. Ask for another way to pay; Alipay can tell the customer why.",
     "顾客的支付宝账户受限，请改用其他方式收款。原因可由顾客咨询支付宝。"),
    ("Your Alipay account is restricted. Please ask Alipay, or pay another way.",
     "你的支付宝账户受限，请联系支付宝，或换一种付款方式。"),
)  # fmt: skip
BUYER_NOT_VERIFIED: Final = _unpaid(
    ("The customer's identity is not verified far enough at Alipay. Ask for another way to pay.",
     "顾客的支付宝实名认证级别不足，请改用其他方式收款。"),
    ("Please complete your identity check in Alipay, or pay another way.",
     "请先在支付宝完成实名认证，或换一种付款方式。"),
)  # fmt: skip
SAME_ACCOUNT: Final = _unpaid(
    ("Buyer and seller are the same Alipay account. Ask for another customer's code.",
     "付款人与收款人是同一个支付宝账户，请使用其他账户付款。"),
    ("You can't pay yourself. Please use another account.", "不能向自己付款，请更换账户。"),
)  # fmt: skip
APP_TOO_OLD: Final = _unpaid(
    ("The customer's Alipay app is too old. Ask for an update, or another way to pay.",
     "顾客的支付宝版本过低。请升级后再付，或改用其他方式收款。"),
    ("Please update the Alipay app, or pay another way.", "请升级支付宝，或换一种付款方式。"),
)  # fmt: skip
REFUSED_BY_ALIPAY: Final = _unpaid(
    ("Alipay refused the payment. Try once with a refreshed code, then another way to pay.",
     "支付宝拒绝了此笔付款。可请顾客刷新付款码再试一次，仍不成功请改用其他方式收款。"),
    _ANOTHER_WAY,
)  # fmt: skip

# --- declined: the shop must do something --------------------------------------------------------------------------

SHOP_LIMIT: Final = _unpaid(
    ("The amount is above what this shop may take by Alipay. Take another way to pay, and call support.",
     "金额超过本店支付宝收款限额。请改用其他方式收款，并联系支付宝提高限额。"),
    _ANOTHER_WAY,
)  # fmt: skip
AMOUNT_WRONG: Final = _unpaid(
    ("Alipay does not take this amount. Check it, then start again.", "支付宝不接受此金额。请核对金额后重新收款。"),
    ("The amount is being corrected. One moment, please.", "正在更正金额，请稍候。"),
)  # fmt: skip
SHOP_BLOCKED: Final = _unpaid(
    ("The merchant's account at Alipay can't take payments now. Take another way to pay, and call support.",
     "商户的支付宝账户暂时无法收款。请改用其他方式收款，并联系支付宝。"),
    _ANOTHER_WAY,
)  # fmt: skip
TEXT_REFUSED: Final = _unpaid(
    ("Alipay does not allow a word in this order's title. Change the title, then start again.",
     "订单标题含有不允许的文字。请修改标题后重新收款。"),
    _ANOTHER_WAY,
)  # fmt: skip
NOT_ASKED: Final = _unpaid(
    ("The request was not complete, so nothing was sent to Alipay. Call support, and take another way to pay.",
     "收款信息不完整，未向支付宝发出请求。请联系技术支持，并改用其他方式收款。"),
    _ANOTHER_WAY,
)  # fmt: skip
SET_UP_WRONG: Final = _unpaid(
    ("This shop is not fully set up at Alipay. Call support, and take another way to pay.",
     "本店的支付宝收款设置不完整。请联系技术支持，并改用其他方式收款。"),
    _ANOTHER_WAY,
)  # fmt: skip

# --- cancel and refund ---------------------------------------------------------------------------------------------

TOO_LATE_TO_CANCEL: Final = _say(
    ("Too late to cancel. If the customer was charged, give the money back by refund.",
     "已超过取消时限。如顾客已被扣款，请用退款退还。"),
    ("The shop will give your money back if you were charged.", "如已扣款，商家会为你退款。"),
    _NOT_YET,
)  # fmt: skip
CANNOT_CANCEL: Final = _say(
    ("Alipay won't cancel this payment. Keep its details and call support; money goes back by refund.",
     "支付宝不允许取消此笔付款。请保留单据并联系技术支持，款项可用退款退还。"),
    ("The shop is settling this with Alipay and will contact you.", "商家正在与支付宝核实，会尽快与你联系。"),
    _NOT_YET,
)  # fmt: skip
REFUND_TOO_MUCH: Final = _say(
    ("No refund was made: the amount is more than what is left of this payment. Check what was refunded before.",
     "未退款：金额超过此笔付款的可退余额。请核对已退款项。"),
    _REFUND_CUSTOMER,
    _NO_GOODS,
)  # fmt: skip
REFUND_IN_FULL_ONLY: Final = _say(
    ("No refund was made: this payment can only be refunded in full.", "未退款：此笔付款只能全额退款。"),
    _REFUND_CUSTOMER,
    _NO_GOODS,
)
REFUND_TOO_LATE: Final = _say(
    ("No refund was made: the period for refunds is over. Give the money back another way.",
     "未退款：已超过退款期限。请用其他方式退还顾客。"),
    _REFUND_CUSTOMER,
    _NO_GOODS,
)  # fmt: skip
REFUND_REFUSED: Final = _say(
    ("No refund was made: Alipay refused it. Check the payment, and call support.",
     "未退款：支付宝拒绝了此笔退款。请核对付款信息并联系技术支持。"),
    _REFUND_CUSTOMER,
    _NO_GOODS,
)  # fmt: skip
REFUND_NO_FUNDS: Final = _say(
    ("No refund was made: the merchant's balance at Alipay is too low. Top it up, then refund again.",
     "未退款：商户的支付宝余额不足。请充值后再次退款。"),
    _REFUND_CUSTOMER,
    _NO_GOODS,
)  # fmt: skip
REFUND_CHECKING: Final = _say(
    ("Checking whether this refund was made. Don't refund again.", "正在确认此笔退款是否成功，请勿重复退款。"),
    ("Checking your refund. One moment, please.", "正在确认退款结果，请稍候。"),
    _NO_GOODS,
)

# --- signing in ----------------------------------------------------------------------------------------------------

SIGN_IN_AGAIN: Final = _say(
    ("The customer could not be signed in. Ask them to scan the code again.", "顾客登录未成功，请顾客重新扫码。"),
    _SCAN_CUSTOMER,
    _NO_GOODS,
)
SIGN_IN_SET_UP: Final = _say(
    ("Signing in by Alipay is not set up correctly. Call support; orders can be paid at the till.",
     "支付宝登录设置有误。请联系技术支持，可先在收银台付款。"),
    ("Signing in does not work at this shop now. Please pay at the till.", "本店暂时无法登录，请到收银台付款。"),
    _NO_GOODS,
)  # fmt: skip
