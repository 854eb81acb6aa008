"""Malformed things by the hundred, made by rule: single mistakes in otherwise good requests, forms, answers and files.

Everything is deterministic, so that a count is a count; each maker yields pairs of a name and the thing itself."""

from __future__ import annotations

import io
import itertools
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, Final

from PIL import Image

from saoma.alipay.wire import form

Named = Iterator[tuple[str, bytes]]

# --- daily files ------------------------------------------------------------------------------------------------------

HEAD: Final = "Partner:2088000000000001|Payment_time: 2024-01-05|Total_count:1\n"
_TRADES: Final = (
    "Partner_transaction_id|Transaction_id|Transaction_amount|Charge_amount|Currency|Payment_time|Transaction_type|"
    "Remark|Secondary_merchant_industry|Secondary_merchant_name|Operator_name|Order_scene|Trans_currency|Trans_amount|"
    "Trans_forex_rate\n"
)
_SETTLED: Final = (
    "Partner_transaction_id|Transaction_id|Amount|Rmb_amount|Fee|Settlement|Rmb_settlement|Currency|Rate|Payment_time|"
    "Settlement_time|Type|Status|Remarks|Secondary_merchant_industry|Secondary_merchant_name|Operator_name|Order_scene|"
    "Trans_currency|Trans_amount|Trans_forex_rate\n"
)
_BILL_NAMES: Final = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,"
    "券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,"
    "分润（元）,备注\n"
)
#: Every layout: its column line, one good row, and its end. The rows name the same cells by the same texts.
LAYOUTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "in-store transactions": (
        HEAD + _TRADES,
        "POS-1|2024010521001|12.50|0.10|USD|2024-01-05 12:15:32|PAYMENT||5812|N|T01|q|USD|12.50|1\n",
        "",
    ),
    "in-store settlement": (
        _SETTLED,
        "POS-1|2024010521001|12.50|88.75|0.10|12.40|88.04|USD|7.10000000|2024-01-05 12:15:32|2024-01-08 15:46:00|P|L||"
        "5812|N|T01|q|USD|12.50|1\n",
        "",
    ),
    "AlipayHK settlement": (
        "Partner_transaction_id|Transaction_id|Amount|Fee|Settlement|Currency|Payment_time|Settlement_time|Type|Status|"
        "Remarks|Secondary_merchant_industry|Secondary_merchant_name|Secondary_merchant_id|Operator_name|Order_scene|"
        "Trans_currency|Trans_amount|Trans_forex_rate|Issue\n",
        "POS-1|2024010521001|12.50|0.10|12.40|USD|2024-01-05 12:15:32|2024-01-08 15:00:00|P|L||5812|N|S1|O|q|USD|12.50|"
        "1|HK\n",
        "",
    ),
    "AlipayHK auto debit": (
        "Partner_transaction_id,Transaction_id,Amount,Fee,Settlement,Currency,Payment_time,Settlement_time,Issue,"
        "Product,Type,Status,Remarks,Original_partner_transaction_ID\n",
        "POS-1,2024010521001,12.50,0.10,12.40,USD,2024-01-05 12:15:32,01/08/2024 15:00:00,HK,A,PAYMENT,SETTLED,,AD\n",
        "",
    ),
    "cross-border": (
        "Partner_transaction_id,Transaction_id,Amount,Rmb_amount,Fee,Refund,Settlement,Rmb_settlement,Currency,Rate,"
        "Payment_time,Settlement_time,Type,Status,Stem_from,Remarks\n",
        "POS-1,2024010521001,12.50,88.75,0.10,0.00,12.40,88.04,USD,7.10000000,2024-01-05 12:15:32,2024-01-08 15:00:00,"
        "P,L,shop.example,\n",
        "",
    ),
    "online transactions": (
        "Partner_transaction_id,Transaction_id,Transaction_amount,Charge_amount,Currency,Payment_time,"
        "Transaction_type,Remark\n",
        "POS-1,2024010521001,12.50,0.10,USD,2024-01-05 12:15:32,PAYMENT,\n",
        "",
    ),
    "portal": (
        "Partner Transaction ID,Transaction ID,Gross Amount,Fee,Net Amount,Currency,Payment Time,Settlement Time,Type,"
        "Status\n",
        "POS-1,2024010521001,12.50,0.10,12.40,USD,2024-01-05 12:15:32,2024.01.08 15:00:00,P,L\n",
        "",
    ),
    "mainland bill": (
        "#支付宝业务明细查询\n#账号：[20880000000000010156]\n" + _BILL_NAMES,
        "2024010521001,POS-1,交易,牛肉面,2024-01-05 12:15:32,2024-01-05 12:15:32,S1,面馆,,,买家,12.50,12.50,0.00,0.00,"
        "0.00,0.00,0.00,,0.00,0.00,,-0.10,0.00,\n",
        "#交易合计：1笔，商家实收共12.50元，商家优惠共0.00元\n#退款合计：0笔，商家实收退款共0.00元，商家优惠退款共0.00元\n",
    ),
}
_AMOUNTS: Final = ("12,50", "1 2.50", "12.505", "twelve", "NaN", "1e2", "0x10", "12.50.0", "99999999999999999999.00")
_TIMES: Final = (
    "yesterday",
    "2024-13-05 12:15:32",
    "2024-02-30 12:15:32",
    "2024-01-05 25:15:32",
    "0000-00-00 00:00:00",
)


def statements() -> Named:
    """Daily files of every layout, each wrong in one way."""
    for layout, (names, row, end) in LAYOUTS.items():
        mark = "|" if "|" in names else ","

        def one(what: str, text: str | bytes, layout: str = layout) -> tuple[str, bytes]:
            return f"{layout}: {what}", text if isinstance(text, bytes) else text.encode()

        for amount in _AMOUNTS:
            quoted = f'"{amount}"' if mark == "," and "," in amount else amount
            yield one(f"amount {amount}", names + row.replace("12.50", quoted, 1) + end)
        for time in _TIMES:
            yield one(f"time {time}", names + row.replace("2024-01-05 12:15:32", time) + end)
        yield one("a cell too few", names + row.replace(mark, "", 1) + end)
        yield one("a cell too many", names + row.replace(mark, mark * 2, 1) + end)
        yield one("names no trade", names + row.replace("2024010521001", "").replace("POS-1", "") + end)
        yield one("an unknown type", names + _typed(row, "GIFT") + end)
        yield (
            one("a row doubled without its count", names + row * 2 + end)
            if end or layout.startswith("in-store tr")
            else one("a blank type", names + _typed(row, "") + end)
        )
        if "USD" in row:
            yield one("an unknown currency", names + row.replace("USD", "XXZ", 1) + end)
        yield one("UTF-16", (names + row + end).encode("utf-16"))
        yield one("a zero byte", (names + row.replace("POS-1", "POS\x00-1") + end).encode())
        yield one(
            "bytes of no charset", names.encode() + row.encode().replace(b"POS-1", b"POS\xff\xff-1") + end.encode()
        )
        yield one("no column names", row + end) if layout != "in-store transactions" else one("a head alone", HEAD)
        yield one("a name doubled", names.replace(f"{mark}", f"{mark}Type{mark}Type{mark}", 1) + row + end)
        yield one("a line without end", names + row.rstrip("\n") + "x" * 70_000)
    for name, body in {
        "empty": b"",
        "blank": b"\n\n  \n",
        "an archive": b"PK\x03\x04" + b"\x00" * 40,
        "a page": b"<html><body>502 Bad Gateway</body></html>",
        "the gateway's refusal": b"<alipay><is_success>F</is_success><error>ILLEGAL_PARTNER</error></alipay>",
        "an entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        "no file today": b"File download failed:Over 10 days to Date period",
        "a picture": b"\x89PNG\r\n\x1a\n" + b"\x00" * 64,
        "another partner's": (HEAD.replace("0001|", "9999|") + _TRADES + LAYOUTS["in-store transactions"][1]).encode(),
        "another day's": (HEAD.replace("01-05", "01-06") + _TRADES + LAYOUTS["in-store transactions"][1]).encode(),
        "no such day": (HEAD.replace("01-05", "13-05") + _TRADES).encode(),
        "a count too high": (
            HEAD.replace("count:1", "count:2") + _TRADES + LAYOUTS["in-store transactions"][1]
        ).encode(),
        "a count too low": (
            HEAD.replace("count:1", "count:0") + _TRADES + LAYOUTS["in-store transactions"][1]
        ).encode(),
    }.items():
        yield name, body
    for name, body in archives():
        yield name, body


def _typed(row: str, kind: str) -> str:
    for known in ("PAYMENT", "交易", "|P|", ",P,"):
        if known in row:
            return row.replace(known, known[0] + kind + known[-1] if len(known) == 3 else kind)
    raise AssertionError(row)


def archives() -> Named:
    """ZIP files that hold no day."""

    def packed(**files: bytes) -> bytes:
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name.replace("_", "."), content)
        return whole.getvalue()

    good = packed(a_csv=b"x")
    yield "an empty archive", packed()
    yield "an archive of pictures", packed(a_png=b"x", b_png=b"y")
    yield "an archive of two days", packed(a_csv=b"x", b_csv=b"y")
    yield "an archive cut short", good[: len(good) // 2]
    yield "an archive with a broken directory", good[:-6] + b"\xff" * 6
    yield "an archive of nonsense", packed(a_csv=b"\xff\xff\xff|\xff")
    yield "an archive with a broken sum", good.replace(b"PK\x01\x02", b"PK\x01\x03")


# --- notifications ----------------------------------------------------------------------------------------------------


def broken_forms(true: Mapping[str, str]) -> Iterator[tuple[str, bytes, str]]:
    """Bodies that are no notification, with the type they claim to be."""
    plain = "application/x-www-form-urlencoded; charset=utf-8"
    body = form(true, "utf-8")
    for name, wrong in {
        "empty": b"",
        "noise": b"\x00\xff\xfe&&==%%%",
        "a broken escape": body + b"&x=%zz",
        "half an escape": body + b"&x=%e",
        "no such letter": body + b"&x=%ff%fe",
        "a zero byte": body + b"&x=%00",
        "thousands of fields": b"a=1&" * 5000,
        "a field of a megabyte": b"x=" + b"9" * 1_000_000,
        "one field": b"trade_status=TRADE_SUCCESS",
        "semicolons": body.replace(b"&", b";"),
        "JSON": b'{"trade_status":"TRADE_SUCCESS"}',
        "XML": b"<notify><trade_status>TRADE_SUCCESS</trade_status></notify>",
        "cut short": body[: len(body) // 2],
        "reversed": body[::-1],
    }.items():
        yield name, wrong, plain
    for charset in (
        "utf-7",
        "utf-16",
        "utf-32",
        "ebcdic-us",
        "x",
        "idna",
        "rot13",
        "base64",
        "hex",
        "zlib",
        "unicode_escape",
    ):
        yield f"in {charset}", body, f"application/x-www-form-urlencoded; charset={charset}"
    for kind in (
        "",
        "text/plain",
        "application/json",
        "text/xml",
        "multipart/form-data; boundary=x",
        "image/png",
        "x" * 500,
    ):
        yield f"as {kind[:40]}", body, kind


def forged_fields(true: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Changes to a true notification's fields, to be sent with the signature that it had."""
    for name in true:
        if name in ("sign", "sign_type"):
            continue
        for what, value in {
            "changed": true[name] + "0",
            "emptied": "",
            "blank": " ",
            "long": "9" * 3000,
            "a quotation": f"{true[name]}' OR '1'='1",
        }.items():
            if value != true[name]:
                yield f"{name} {what}", {**true, name: value}
        yield f"{name} left out", {other: value for other, value in true.items() if other != name}
    for name in ("extra", "__proto__", "total_fee[]", "Total_fee", "refund_fee", "discount", "signature"):
        yield f"with {name}", {**true, name: "0.01"}


def untrue_fields() -> Iterator[tuple[str, dict[str, str]]]:
    """Changes that whoever has the key might sign, and which still fit no payment of ours."""
    for amount in (
        "0.01",
        "0",
        "-12.50",
        "12.49",
        "12.51",
        "1250",
        "12,50",
        "12.505",
        "1e2",
        "NaN",
        "Infinity",
        "٢",
        "$12.50",
    ):
        yield f"amount {amount}", {"total_fee": amount}
    for currency in ("CNY", "HKD", "usd", "XXX", "US", "USDX", "", "840"):
        if currency:
            yield f"currency {currency}", {"currency": currency}
    for number in ("SM0NOBODY", "", "x" * 200, "'; DROP TABLE payments; --", "SM\x00", "../../etc/passwd", "日本"):
        yield f"order {number[:20]!r}", {"out_trade_no": number}
    for number in ("2026030221001000000000009999", "x", "' OR 1=1", "-1"):
        yield f"trade {number}", {"trade_no": number}
    for status in ("TRADE_DONE", "trade_success", "SUCCESS", "", "TRADE_SUCCESS ", "1"):
        yield f"status {status!r}", {"trade_status": status}
    for partner in ("2088999999999999", "2088", "x", "0"):
        yield f"partner {partner}", {"seller_id": partner}
    yield "no id", {"notify_id": ""}


# --- XML --------------------------------------------------------------------------------------------------------------

_GOOD_XML: Final = (
    "<alipay><is_success>T</is_success><request></request><response><alipay><result_code>SUCCESS</result_code>"
    "<alipay_trans_status>TRADE_SUCCESS</alipay_trans_status><out_trade_no>{number}</out_trade_no>"
    "<trans_amount>12.50</trans_amount></alipay></response><sign>0123456789abcdef0123456789abcdef</sign>"
    "<sign_type>MD5</sign_type></alipay>"
)


def answers(number: str) -> Named:
    """Answers to a query that say `paid` and prove nothing, or can't be read at all."""
    good = _GOOD_XML.format(number=number)
    declared = '<?xml version="1.0" encoding="{}"?>' + good
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 9}">' for n in range(1, 10))
    whole = {
        "well formed, with a wrong signature": good,
        "no signature": good.replace("<sign>0123456789abcdef0123456789abcdef</sign>", ""),
        "an empty signature": good.replace("0123456789abcdef0123456789abcdef", ""),
        "no sign type": good.replace("<sign_type>MD5</sign_type>", ""),
        "a billion laughs": f'<!DOCTYPE l [<!ENTITY l0 "ha">{laughs}]>' + good.replace("12.50", "&l9;"),
        "a quadratic blow-up": f'<!DOCTYPE l [<!ENTITY a "{"x" * 20_000}">]>' + good.replace("12.50", "&a;" * 200),
        "an entity": '<!DOCTYPE a [<!ENTITY n "12.50">]>' + good.replace("12.50", "&n;"),
        "an external entity": '<!DOCTYPE a [<!ENTITY n SYSTEM "file:///etc/passwd">]>' + good.replace("12.50", "&n;"),
        "a parameter entity": '<!DOCTYPE a [<!ENTITY % n SYSTEM "http://127.0.0.1:9/x.dtd"> %n;]>' + good,
        "a DOCTYPE": "<!DOCTYPE alipay>" + good,
        "a DOCTYPE with an address": '<!DOCTYPE alipay SYSTEM "http://127.0.0.1:9/x.dtd">' + good,
        "an undeclared entity": good.replace("12.50", "&nbsp;"),
        "a stylesheet": '<?xml-stylesheet href="file:///etc/passwd"?>' + good,
        "an inclusion": good.replace(
            "12.50", '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>'
        ),
        "a comment in a number": good.replace("12.50", "1<!-- -->2.50"),
        "a comment": good.replace("<request>", "<!-- --><request>"),
        "an instruction": good.replace("<request>", "<?php 1 ?><request>"),
        "a status twice": good.replace(
            "</alipay></response>", "<result_code>SUCCESS</result_code></alipay></response>"
        ),
        "two responses": good.replace("<sign>", "<response><alipay/></response><sign>"),
        "two signatures": good.replace("<sign_type>", "<sign>x</sign><sign_type>"),
        "two answers": good + good,
        "text after": good + "paid",
        "text before": "paid" + good,
        "unclosed": good[:-9],
        "cut short": good[: len(good) // 2],
        "crossed": good.replace("</alipay></response>", "</response></alipay>"),
        "another root": good.replace("<alipay><is_success>", "<trade><is_success>")[:-9] + "</trade>",
        "a namespace": good.replace("<alipay>", '<alipay xmlns="urn:x">', 1),
        "a prefix": good.replace("is_success", "a:is_success"),
        "nested": good.replace("12.50", "<b>12.50</b>"),
        "neither yes nor no": good.replace("<is_success>T", "<is_success>Y"),
        "small letters": good.replace("<is_success>T", "<is_success>t"),
        "a control character": good.replace("12.50", "12\x0b.50"),
        "a zero byte": good.replace("12.50", "12\x00.50"),
        "a reference to nothing": good.replace("12.50", "&#0;"),
        "half of a pair": good.replace("12.50", "&#xD800;"),
        "ten thousand deep": "<a>" * 10_000 + "</a>" * 10_000,
        "ten thousand attributes": good.replace(
            "<request>", "<request " + " ".join(f'a{n}="1"' for n in range(10_000)) + ">"
        ),
        "a page": "<html><body>502 Bad Gateway</body></html>",
        "JSON": '{"is_success":"T","response":{"alipay":{"result_code":"SUCCESS"}}}',
        "one word": "success",
        "empty": "",
        "blank": " \n ",
    }
    for name, text in whole.items():
        yield name, text.encode("utf-8", "surrogatepass")
    for charset in ("UTF-7", "UTF-16", "UTF-32", "EBCDIC-CP-US", "ISO-2022-CN-EXT", "x-nonsense", "", "rot13", "idna"):
        yield f"declared in {charset or 'nothing'}", declared.format(charset).encode()
    yield "called UTF-8, written in GBK", declared.format("UTF-8").replace("12.50", "面").encode("gbk")
    yield "called GBK, written in UTF-8", declared.format("GBK").replace("12.50", "面🍜x").encode()
    for charset in ("utf-16", "utf-16-be", "utf-32", "utf-7", "cp037"):
        yield f"written in {charset}", good.encode(charset)
    yield "a megabyte and more", b"<alipay>" + b" " * 1_100_000 + b"</alipay>"
    yield "bytes", bytes(range(256)) * 4


# --- menus and photos -------------------------------------------------------------------------------------------------

_CSV: Final = "section,code,name,price,allergens,choice_group,choose_min,choose_max,choice,choice_price,hidden\n"
_ROW: Final = "Noodles,b,Beef,9.50,,,,,,,\n"


def menus() -> Iterator[tuple[str, str, bytes]]:
    """Menu files that are wrong in one way: name, file name, content."""
    rows = {
        "price": ["", "-1", "9,50", "9.505", "x", "1e3", "NaN", "99999999999", "9.50 USD", "٩"],
        "code": ["b!", "b b", "x" * 100, "<b>"],
        "allergens": ["grass", "gluten,grass", "1"],
        "hidden": ["perhaps", "2", "ja!"],
    }
    columns = _CSV.strip().split(",")
    for column, values in rows.items():
        for value in values:
            cells = _ROW.strip().split(",")
            cells[columns.index(column)] = f'"{value}"' if "," in value else value
            yield f"{column} {value[:12]!r}", "m.csv", (_CSV + ",".join(cells) + "\n").encode()
    for name, text in {
        "no section": _CSV + ",b,Beef,9.50,,,,,,,\n",
        "no name": _CSV + "Noodles,b,,9.50,,,,,,,\n",
        "a code twice": _CSV + _ROW + "Noodles,b,Tea,2.00,,,,,,,\n",
        "more than at most": _CSV + "Noodles,b,Beef,9.50,,Size,2,1,Big,,\n",
        "a number of choices that is none": _CSV + "Noodles,b,Beef,9.50,,Size,x,1,Big,,\n",
        "below zero choices": _CSV + "Noodles,b,Beef,9.50,,Size,-1,1,Big,,\n",
        "a choice's price": _CSV + "Noodles,b,Beef,9.50,,Size,1,1,Big,lots,\n",
        "a choice without a group": _CSV + "Noodles,b,Beef,9.50,,,,,Big,1.00,\n",
        "an unknown column": _CSV.replace("hidden", "hiden") + _ROW,
        "no price column": _CSV.replace("price", "prise", 1) + _ROW,
        "no columns": _ROW,
        "names alone": _CSV,
        "an open quotation": _CSV + '"Noodles,b,Beef,9.50,,,,,,,\n',
        "a column twice": _CSV.replace("hidden", "name") + _ROW,
        "empty": "",
        "blank": "  \n\n",
        "a page": "<html></html>",
        "half of JSON": "{",
    }.items():
        yield name, "m.csv", text.encode()
    for name, json in {
        "a list": "[]",
        "a number": "[1]",
        "null": "null",
        "a text": '"x"',
        "no sections": "{}",
        "sections that are no list": '{"sections": 1}',
        "a section that is none": '{"sections": [1]}',
        "a section without a name": '{"sections": [{"items": []}]}',
        "a dish without a price": '{"sections": [{"name": "N", "items": [{"name": "B"}]}]}',
        "a price that is a list": '{"sections": [{"name": "N", "items": [{"name": "B", "price": []}]}]}',
        "a price that is a word": '{"sections": [{"name": "N", "items": [{"name": "B", "price": "x"}]}]}',
        "an unknown field": '{"sections": [], "cook": 1}',
        "a hundred thousand deep": "[" * 100_000,
        "twice the same key": '{"sections": [], "sections": 1}',
        "not a number": '{"sections": [{"name": "N", "items": [{"name": "B", "price": NaN}]}]}',
    }.items():
        yield f"JSON: {name}", "m.json", json.encode()
    for name, content in {
        "UTF-16 cut": (_CSV + _ROW).encode("utf-16")[:-1],
        "bytes": bytes(range(256)),
        "zeros": b"\x00" * 100,
        "a spreadsheet": b"PK\x03\x04" + b"\x00" * 100,
        "a picture": b"\x89PNG\r\n\x1a\n" + b"\xff" * 100,
        "a broken charset": _CSV.encode() + b"Noodles,b,\xff\xff\xff,9.50,,,,,,,\n",
    }.items():
        yield name, "m.csv", content
    for ending in ("xlsx", "xls", "ods", "numbers"):
        yield f"by its name: {ending}", f"m.{ending}", (_CSV + _ROW).encode()


def photos() -> Named:
    """Files that are no photo of a dish."""

    def drawn(kind: str, size: tuple[int, int] = (40, 40)) -> bytes:
        whole = io.BytesIO()
        Image.new("RGB", size, "red").save(whole, kind)
        return whole.getvalue()

    yield "empty", b""
    yield "text", b"a photo of noodles"
    yield "a page", b"<html><script>alert(1)</script></html>"
    yield "a drawing", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    yield "a drawing with an entity", b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'
    yield "a program", b"\x7fELF" + b"\x00" * 200
    yield "an archive", b"PK\x03\x04" + b"\x00" * 200
    yield "a paper", b"%PDF-1.4\n" + b"x" * 200
    yield "a film", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 200
    yield "zeros", b"\x00" * 5000
    yield "a commands file", b"push graphic-context\nviewbox 0 0 640 480\nimage over 0,0 0,0 'https://127.0.0.1/x'\n"
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"):
        whole = drawn(kind)
        yield f"{kind} cut after its head", whole[:24]
        yield (
            f"{kind} with another's head",
            b"\xff\xd8\xff\xe0" + whole[4:] if kind != "JPEG" else b"\x89PNG" + whole[4:],
        )
        yield f"{kind} of noise", whole[:30] + bytes(range(256)) * 4
    for kind in ("PNG", "JPEG", "WEBP"):
        whole = drawn(kind, (300, 300))
        yield f"{kind} cut in half", whole[: len(whole) // 2]
    bomb = bytearray(drawn("PNG"))
    for width, height in ((0, 0), (0xFFFFFFF, 0xFFFFFFF), (100_000, 100_000), (1, 0x7FFFFFFF)):
        bomb[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
        yield f"a picture of {width} x {height}", bytes(bomb)


# --- codes ------------------------------------------------------------------------------------------------------------

#: What a scanner may read that is no payment code.
SCANS: Final = (
    *("", " ", "12345", "2" * 15, "2" * 25, "2" * 5000, "6901234567892", "281234567890123x", "28123456789012345O"),
    *(
        "http://qr.alipay.com/x",
        "https://a.example/",
        "alipays://x",
        "weixin://x",
        "134567890123456789",
        "00000000000000000",
    ),
    *(
        "２８１２３４５６７８９０１２３４５６",
        "٢٨١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦",
        "281234567890123456\x00",
        "281234567890123456'",
        "28123456789012345-x",
    ),
    *("2812345678901234.6", "0x281234567890123456", "281234567890123456;281234567890123457", "\x1b]2;x\x07", "🍜" * 18),
    *(
        "null",
        "undefined",
        "[object Object]",
        "%00",
        "../../etc/passwd",
        "<script>alert(1)</script>",
        "{{7*7}}",
        "${7*7}",
    ),
    *(
        "' OR '1'='1",
        "1; DROP TABLE payments",
        "=cmd|'/C calc'!A0",
        "\u202e281234567890123456",
        "281234567890123456\n281234",
    ),
)
#: What a path may carry in the place of an id, a code or a token.
PATHS: Final = (
    *(
        "x",
        "0",
        "-1",
        "1e9",
        "null",
        "undefined",
        "%00",
        "%ff",
        "%2e%2e",
        "%252e%252e",
        "..%2f..%2fetc%2fpasswd",
        "'",
        "%22",
    ),
    *(
        "' OR 1=1 --",
        "<script>",
        "{{7*7}}",
        "${7*7}",
        "日本",
        "🍜",
        "a" * 300,
        "pay_",
        "pay_" + "0" * 24,
        "pay_" + "0" * 26,
    ),
    *(
        "PAY_" + "0" * 25,
        "pay_" + "o" * 25,
        "pay-" + "0" * 25,
        "%0d%0aSet-Cookie:x=1",
        "%u0000",
        "a%20b",
        "a;b",
        "a|b",
        "a\\b",
    ),
)


# --- requests to the partner API --------------------------------------------------------------------------------------

JUNK: Final[list[Any]] = [
    *(None, True, 0, 1.5, -1, "", " ", "\x00", "x" * 70_000, [], {}, [1], {"a": 1}, "日本\x7f", "\ud800", "1e3\n"),
]


def api_bodies(good: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Good bodies by path, each with one field that is junk, missing or unknown."""
    for path, body in good.items():
        for name, junk in itertools.product(body, JUNK):
            if junk != body[name] and not (name in ("reason", "name_zh") and junk in ("", " ")):
                yield path, {**body, name: junk}
        for name in ("Amount", "id", "status", "merchant_id", "__proto__", "constructor", "a" * 200, ""):
            yield path, {**body, name: "x"}
