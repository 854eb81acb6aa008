"""What the Open API says no with: the gateway's codes, and which `ACQ.` word stands for a no of the trade engine.

`code` says whose fault it is, `sub_code` what happened; only 20000 and `ACQ.SYSTEM_ERROR` leave open whether the work
was done (https://docs.antom.com/ac/global/oauth_token and the error tables of each method)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

SUCCESS: Final = {"code": "10000", "msg": "Success"}

#: The gateway's numbers with their texts.
MESSAGES: Final[Mapping[str, str]] = {
    "20000": "Service Currently Unavailable",
    "20001": "Insufficient Token Permissions",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40003": "Insufficient Conditions",
    "40004": "Business Failed",
    "40005": "Call Limited",
    "40006": "Insufficient Permissions",
}
#: Sentences as Alipay words them where captured ones are known, else in its manner.
_SAID: Final[Mapping[str, str]] = {
    "isv.code-invalid": "授权码code无效",
    "isv.refresh-token-invalid": "刷新令牌refresh_token无效",
    "isv.refresh-token-time-out": "刷新令牌refresh_token已过期",
    "isv.refreshed-token-invalid": "刷新令牌refresh_token已被替换",
    "isv.grant-type-invalid": "授权类型grant_type无效",
    "isv.invalid-app-id": "无效的AppID参数",
    "isv.invalid-signature": "验签出错",
    "isv.invalid-signature-type": "无效的签名类型",
    "isv.invalid-timestamp": "非法的时间戳参数",
    "isv.invalid-method": "不存在的方法名",
    "isv.invalid-charset": "无效的字符集参数",
    "isv.invalid-encoding": "参数的编码与字符集不符",
    "isv.invalid-version": "无效的版本参数",
    "isv.invalid-format": "无效的数据格式",
    "isv.invalid-encrypt-type": "无效的加密类型",
    "isv.invalid-parameter": "参数重复且取值不同",
    "isv.invalid-biz-content": "biz_content不是合法的JSON对象",
    "isv.decryption-error-unknown": "解密出错, 未知错误",
    "isv.unmatched-app-id": "授权码或令牌不属于该应用",
    "isv.insufficient-user-permissions": "用户权限不足",
    "isv.invalid-token": "无效的令牌",
    "isv.app-call-limited": "应用调用次数超限",
    "aop.invalid-auth-token": "无效的访问令牌",
    "aop.auth-token-time-out": "访问令牌已过期",
    "aop.app-auth-token-time-out": "应用授权令牌已过期",
    "aop.invalid-app-auth-token-no-api": "应用授权令牌未授权当前接口",
    "aop.no-product-reg-by-partner": "商户未签约该产品",
    "aop.unsupport-operation": "不支持的操作",
    "AUTH_CODE_NOT_EXIST": "授权码不存在",
    "isv.invalid-app-cert-sn": "应用公钥证书序列号不匹配",
    "isv.invalid-alipay-root-cert-sn": "支付宝根证书序列号不匹配",
    "isv.insufficient-isv-permissions": "ISV权限不足",
    "aop.invalid-app-auth-token": "无效的应用授权令牌",
    "aop.unknow-error": "系统繁忙",
    "isp.unknow-error": "系统繁忙",
    "ACQ.SYSTEM_ERROR": "系统错误",
    "ACQ.INVALID_PARAMETER": "参数无效",
    "ACQ.ACCESS_FORBIDDEN": "无权限使用接口",
    "ACQ.PAYMENT_AUTH_CODE_INVALID": (
        "支付失败，获取顾客账户信息失败，请顾客刷新付款码后重新收款，如再次收款失败，请联系管理员处理。"
        "[SOUNDWAVE_PARSER_FAIL]"
    ),
    "ACQ.TOTAL_FEE_EXCEED": "订单总金额不在允许范围内",
    "ACQ.CONTEXT_INCONSISTENT": "交易信息被篡改",
    "ACQ.TRADE_HAS_SUCCESS": "交易已被支付",
    "ACQ.TRADE_HAS_CLOSE": "交易已经关闭",
    "ACQ.TRADE_BUYER_NOT_MATCH": "交易买家不匹配",
    "ACQ.BUYER_BALANCE_NOT_ENOUGH": "买家余额不足",
    "ACQ.BUYER_NOT_EXIST": "买家不存在",
    "ACQ.SELLER_NOT_EXIST": "卖家不存在",
    "ACQ.BUYER_ENABLE_STATUS_FORBID": "买家状态非法",
    "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR": "买家付款日限额超限",
    "ACQ.BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR": "买家付款月限额超限",
    "ACQ.PAYMENT_FAIL": "支付失败",
    "ACQ.PAYMENT_REQUEST_HAS_RISK": "支付有风险",
    "ACQ.PULL_MOBILE_CASHIER_FAIL": "唤起移动收银台失败",
    "ACQ.AMOUNT_OR_CURRENCY_ERROR": "订单金额或币种信息错误",
    "ACQ.CURRENCY_NOT_SUPPORT": "订单币种不支持",
    "ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR": "超时时间早于当前时间",
    "ACQ.TRADE_NOT_EXIST": "交易不存在",
    "ACQ.TRADE_STATUS_ERROR": "交易状态不合法",
    "ACQ.REASON_TRADE_STATUS_INVALID": "交易状态异常",
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": "退款金额无效",
    "ACQ.REASON_TRADE_BEEN_FREEZEN": "请求退款的交易被冻结",
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": "退款金额超限",
    "ACQ.REFUND_FEE_ERROR": "退款金额错误",
    "ACQ.DISCORDANT_REPEAT_REQUEST": "不一致的请求",
    "ACQ.TRADE_CANCEL_TIME_OUT": "超过撤销时间范围",
    "ACQ.TRADE_HAS_FINISHED": "交易已完结",
    "ACQ.TRADE_NOT_ALLOW_REFUND": "当前交易不允许退款",
    "ACQ.CANCEL_NOT_ALLOWED": "当前产品不支持撤销",
    "ACQ.NOT_ALLOW_PARTIAL_REFUND": "交易使用了优惠，不支持部分退款",
    "ACQ.ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND": "优惠券已使用，不允许退款",
    "ACQ.BUYER_ERROR": "买家账户异常",
    "ACQ.CUSTOMER_VALIDATE_ERROR": "买家账户校验失败",
    "ACQ.REFUND_CHARGE_ERROR": "退手续费失败，请稍后重试",
    "ACQ.REFUND_ACCOUNT_NOT_EXIST": "退款出资账户不存在",
    "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR": "退分账金额校验失败",
    "ACQ.REFUND_ROYALTY_PAYEE_ACCOUNT_NOT_EXIST": "退分账收入方账户不存在",
    "ACQ.EXIST_FORBIDDEN_WORD": "订单信息中包含违禁词",
    "ACQ.PARTNER_ERROR": "应用APP_ID填写错误或未激活",
    "ACQ.BUYER_SELLER_EQUAL": "买卖家不能相同",
    "ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH": "买家银行卡余额不足",
    "ACQ.ERROR_BALANCE_PAYMENT_DISABLE": "买家关闭了余额支付",
    "ACQ.MOBILE_PAYMENT_SWITCH_OFF": "买家关闭了无线支付",
    "ACQ.USER_FACE_PAYMENT_SWITCH_OFF": "买家关闭了当面付",
    "ACQ.BEYOND_PAY_RESTRICTION": "商户收款额度超限",
    "ACQ.BEYOND_PER_RECEIPT_RESTRICTION": "商户月收款额度超限",
    "ACQ.BEYOND_PER_RECEIPT_DAY_RESTRICTION": "商户日收款额度超限",
    "ACQ.BEYOND_PER_RECEIPT_SINGLE_RESTRICTION": "商户单笔收款额度超限",
    "ACQ.SELLER_BEEN_BLOCKED": "商家账号被冻结",
    "ACQ.ERROR_BUYER_CERTIFY_LEVEL_LIMIT": "买家未通过人行认证",
    "ACQ.NOT_CERTIFIED_USER": "买家未实名认证",
    "ACQ.NO_PAYMENT_INSTRUMENTS_AVAILABLE": "没有可用的支付工具",
    "ACQ.INVALID_STORE_ID": "商户门店编号无效",
    "ACQ.SUB_MERCHANT_CREATE_FAIL": "二级商户创建失败",
    "ACQ.SUB_MERCHANT_TYPE_INVALID": "二级商户类型非法",
    "ACQ.MERCHANT_AGREEMENT_NOT_EXIST": "商户协议不存在",
    "ACQ.MERCHANT_AGREEMENT_INVALID": "商户协议已失效",
    "ACQ.MERCHANT_STATUS_NOT_NORMAL": "商户状态非正常",
    "ACQ.INVALID_RECEIVE_ACCOUNT": "收款账户不支持",
    "AQC.SYSTEM_ERROR": "系统错误",
    "UNKNOW_ERROR": "未知错误",
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": "卖家余额不足",
    "BILL_NOT_EXIST": "账单不存在",
    "INVAILID_ARGUMENTS": "入参不合法",
}
#: The engine speaks the XML gateway's words; most are the same with `ACQ.` before them.
_OF_THE_BOOK: Final[Mapping[str, str]] = {
    "SOUNDWAVE_PARSER_FAIL": "PAYMENT_AUTH_CODE_INVALID",
    "RETURN_AMOUNT_EXCEED": "REFUND_AMT_NOT_EQUAL_TOTAL",
    "REQUEST_AMOUNT_EXCEED": "TOTAL_FEE_EXCEED",
}


#: Which number stands before which word, by how that begins; what is of no kind is a business failure.
_NUMBERS: Final = (
    ("40001", "isv.missing-"),
    ("40006", "isv.insufficient-"),
    ("40005", "isv.app-call-limited"),
    ("40002", "isv."),
    ("20000", "isp."),
    ("20000", "aop.unknow-error"),
    ("20000", "aop.unsupport-operation"),
    ("20001", "aop."),
)


class Refusal(Exception):
    """The Open API says no. `why` is for the developer who reads the call log; `more` are further fields."""

    def __init__(self, code: str, sub_code: str, why: str = "", more: Mapping[str, Any] | None = None) -> None:
        super().__init__(sub_code)
        self.code = code
        self.sub_code = sub_code
        self.why = why
        self.more = dict(more or {})


def failed(word: str, why: str = "", more: Mapping[str, Any] | None = None, *, prefix: str = "ACQ.") -> Refusal:
    """A business failure: 40004 and an `ACQ.` word; one that has a prefix already keeps it."""
    said = _OF_THE_BOOK.get(word, word)
    return Refusal("40004", said if "." in said else f"{prefix}{said}", why, more)


def rejected(code: str) -> Refusal:
    """A no of the gateway by its number (`40005`) or by its word, whose number follows from it."""
    if code in MESSAGES:
        return Refusal(code, "")
    return Refusal(next((number for number, begin in _NUMBERS if code.startswith(begin)), "40004"), code)


def wrong(name: str, why: str) -> Refusal:
    """A business parameter that is not as documented."""
    return failed("INVALID_PARAMETER", f"{name} {why}")


def told(refusal: Refusal) -> dict[str, str]:
    """The four fields of a no."""
    said = _SAID.get(refusal.sub_code)
    if said is None and refusal.sub_code.startswith("isv.missing-"):
        said = f"缺少{refusal.sub_code.removeprefix('isv.missing-')}参数"
    if refusal.sub_code == "isv.invalid-signature" and refusal.why:
        said = f"{_SAID[refusal.sub_code]}，网关生成的验签字符串为：{refusal.why.replace('&', '&amp;')}"
    return {
        "code": refusal.code,
        "msg": MESSAGES[refusal.code],
        "sub_code": refusal.sub_code,
        "sub_msg": said or refusal.sub_code,
    }
