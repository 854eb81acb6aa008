"""Signing vectors: published ones, and ones computed with published throw-away keys. Data only.

Sources are public test suites and documents: https://docs.antom.com/ac/gr/globalgs and the MIT-licensed suites of
`chloerei/alipay`, `alipay_global`, `omnipay-alipay` and Alipay's Node SDK. None of these keys guards anything."""

from __future__ import annotations

FOREX_KEY = "760bdzec6y9goq7ctyx96ezkz78287de"
STORE_KEY = "w0nu2sn0o97s8ruzrpj64fgc8vj8wus6"
SAMPLE_KEY = "abcdefghijklmnopqrstuvwxyz123456"
PRIVATE_KEY = (
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAKM1WEl/09gMU3U8V3hJcS/GaMPR2f7FDiVC7qjwdsZfPh179FFVMkMv"
    "jyrDGfzWVqvlw1IiNueENFeb19lyvO7BuOrFc6/Y6/sxkBr9YkRx++nddxKDEo8HngUtW8ej+vG4wrbGmmzjsulzu+mmS+Leh9tdbrVL"
    "5pPRNYWRQxOfAgMBAAECgYB7xOSjOJFK8m4IJi6fRfLULD8e4XHUR1Qm5c9fxpwMbAYLDgmF9HodgV+tKi/3EgTAb4nkK5Y/lH6tQb47"
    "ZUvo/lKzRlIVZ6Rm76V07g/+5exIZzTyvdD9T2fLeYQwKV/2JYUv0KSYWPvWykdaV4aNkCuwmxTUjvhDxK/Ns31CIQJBANI1Y3gGBqbB"
    "IN9wxjx3ShBtt/U8YnipUJ92eTI7OU9pZsCIFPoeYG/X40miwDb5ouPnvJTtzuY4PkPokEefN9MCQQDGwurqa8RNK2APA62UCdZbJuWi"
    "mkdHEc53IKvD/l2tWVFqhVAy8bs+3LGzBNfuxUuAxOoQm9n0IVRaH5jnl8GFAkEAijuTmsUTsKsGDAmkQvULHnyYYUuBUem92+9TycWK"
    "bX9Zk7ipWsWJE2N70tuU3VISXR7yM1mjGl/YCl4wKvk4AwJAE1DkBY4dkKZTeoIP/2AJXehkzq2Rmb2IRBl/t9djgTI58FEuXxUQ7mYC"
    "OvSQi5rO4J/CY4TR5KDMksmZUYB1BQJAIEfVDxz45yoHL7L+6EoC5TWxUxFMN7z7FhObyKeaLKj3inEsbjfcPCA09zPUce0FSKBc/dVh"
    "DEorJMaPK5vXiA=="
)
PUBLIC_KEY = (
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCjNVhJf9PYDFN1PFd4SXEvxmjD0dn+xQ4lQu6o8HbGXz4de/RRVTJDL48qwxn81lar"
    "5cNSIjbnhDRXm9fZcrzuwbjqxXOv2Ov7MZAa/WJEcfvp3XcSgxKPB54FLVvHo/rxuMK2xpps47Lpc7vppkvi3ofbXW61S+aT0TWFkUMT"
    "nwIDAQAB"
)

#: key, charset, string to sign, MD5 signature
MD5 = [
    (
        "760bdzec6y9goq7ctyx96ezkz78287de",
        "utf-8",
        "partner=2088101122136241&service=forex_rate_file",
        "4051af1716d522b47acff927d4fb9781",
    ),
    (
        "760bdzec6y9goq7ctyx96ezkz78287de",
        "utf-8",
        "end_date=20120205&partner=2088101122136241&service=forex_compare_file&start_date=20120202",
        "3d09abe0980696bb39bb72c6137266ca",
    ),
    (
        "760bdzec6y9goq7ctyx96ezkz78287de",
        "utf-8",
        "end_date=20120205&partner=2088101122136241&service=forex_liquidation_file&start_date=20120202",
        "68c26fcba73dc3134bc88bb04a8be865",
    ),
    (
        "760bdzec6y9goq7ctyx96ezkz78287de",
        "utf-8",
        ("_input_charset=utf-8&out_trade_no=SAMPLE_TRANSACTION_ID&partner=2088101122136241&service=single_trade_query"),
        "d4d3825356fd0799ee16829acffc1460",
    ),
    (
        "760bdzec6y9goq7ctyx96ezkz78287de",
        "utf-8",
        "_input_charset=utf-8&partner=2088101122136241&service=single_trade_query",
        "af7007238531b0b0917f3972e24c6c64",
    ),
    (
        "760bdzec6y9goq7ctyx96ezkz78287de",
        "utf-8",
        (
            "_input_charset=utf-8&currency=USD&notify_url=https://example.com/notify&out_trade_no=12345&partner=2"
            "088101122136241&service=create_forex_trade&subject=product_name&supplier=company_name&total_fee=350."
            "45"
        ),
        "2dd75a3023c0a3a795a83109966bbc7d",
    ),
    (
        "760bdzec6y9goq7ctyx96ezkz78287de",
        "utf-8",
        (
            "_input_charset=utf-8&currency=USD&notify_url=https://example.com/notify&out_trade_no=12345&partner=2"
            "088101122136241&service=create_forex_trade_wap&subject=product_name&supplier=company_name&total_fee="
            "350.45"
        ),
        "c19f42a597963f118c4f99f2fc7f716f",
    ),
    (
        "760bdzec6y9goq7ctyx96ezkz78287de",
        "utf-8",
        (
            "_input_charset=utf-8&currency=USD&notify_url=https://example.com/notify&out_trade_no=12345&partner=2"
            "088101122136241&rmb_fee=0.10&service=create_forex_trade&subject=product_name&supplier=company_name"
        ),
        "4986b31c8febb978ee6d6c45f76614ac",
    ),
    (
        "760bdzec6y9goq7ctyx96ezkz78287de",
        "utf-8",
        (
            "_input_charset=utf-8&currency=USD&gmt_return=20150320120000&out_return_no=SAMPLE_REFUND_ID&out_trade"
            "_no=SAMPLE_TRANSACTION_ID&partner=2088101122136241&reason=hello&return_rmb_amount=200.00&service=for"
            "ex_refund"
        ),
        "a77e894e71491f41e73ebe40319cc300",
    ),
    (
        "760bdzec6y9goq7ctyx96ezkz78287de",
        "utf-8",
        (
            "_input_charset=utf-8&currency=USD&gmt_return=20150320120000&out_return_no=SAMPLE_REFUND_ID&out_trade"
            "_no=SAMPLE_TRANSACTION_ID&partner=2088101122136241&reason=no_reason&return_rmb_amount=200.00&service"
            "=forex_refund"
        ),
        "c4c09ca3fc78d04b88d9459b02673b1b",
    ),
    (
        "XXXX",
        "utf-8",
        (
            '_input_charset=utf-8&body=iphone cellphone&currency=USD&extend_params={"secondary_merchant_name":"'
            'Lotte","secondary_merchant_id":"123","secondary_merchant_industry":"5812","store_id":"A1'
            '01","store_name":"McDonald in 966 3rd Ave, New York"}&notify_url=http://商户网关地址/alipay.acq'
            "uire.precreate-PHP-UTF-8-MD5/notify_url.php&out_trade_no=1234&partner=2088021966388155&passback_para"
            "meters=test&price=0.01&product_code=OVERSEAS_MBARCODE_PAY&quantity=1&seller_email=testoverseas1980@a"
            "lipay.com&seller_id=2088021966388155&service=alipay.acquire.precreate&show_url=http://www.taobao.com"
            "/product/113714.html&subject=Payment by QR-Code&timestamp=2000-12-31 08:00:00&total_fee=0.01&trans_c"
            "urrency=USD"
        ),
        "6c478998267d747565aff1b8ab595380",
    ),
    ("10000000000000000000000000000000", "utf-8", "partner=123&service=test", "bbd13b52823b576291595f472ebcfbc2"),
    ("20000000000000000000000000000000", "utf-8", "partner=123&service=test", "6d581af270c023fdaaca6880491e9bf7"),
    ("hello", "utf-8", "aaa=111&bbb=2222&ccc=3333&ggg=1", "7e63e20bcc6ad2ba695305e340592ffd"),
    (
        "w0nu2sn0o97s8ruzrpj64fgc8vj8wus6",
        "utf-8",
        (
            "_input_charset=UTF-8&alipay_seller_id=2088021966388155&biz_product=OVERSEAS_MBARCODE_PAY&buyer_ident"
            'ity_code=288888888888888888&currency=USD&extend_info={"secondary_merchant_name":"Lotte","second'
            'ary_merchant_id":"123","secondary_merchant_industry":"5812","store_id":"A101","store_nam'
            'e":"McDonald in 966 3rd Ave, New York"}&identity_code_type=barcode&partner=2088021966388155&partn'
            "er_trans_id=T20200801000001&quantity=1&service=alipay.acquire.overseas.spot.pay&trans_amount=0.01&tr"
            "ans_create_time=20200801120000&trans_name=Mika's coffee shop"
        ),
        "baad08ca515f942ce995105fb07a277f",
    ),
    (
        "w0nu2sn0o97s8ruzrpj64fgc8vj8wus6",
        "utf-8",
        (
            "alipay_buyer_login_id=abc***@126.com&alipay_trans_id=2020080122001400000000000001&alipay_trans_statu"
            "s=TRADE_SUCCESS&partner_trans_id=T20200801000001&result_code=SUCCESS&trans_amount=0.01"
        ),
        "36322695cbf09db3dc2f5507b84f6d79",
    ),
    (
        "760bdzec6y9goq7ctyx96ezkz78287de",
        "gbk",
        "_input_charset=GBK&partner=2088101122136241&service=single_trade_query&subject=测试",
        "57a6883018b52436f375c396e098fe7a",
    ),
    (
        "760bdzec6y9goq7ctyx96ezkz78287de",
        "utf-8",
        "_input_charset=GBK&partner=2088101122136241&service=single_trade_query&subject=测试",
        "6a0ada049a0cdfd7a0b84599290794c7",
    ),
    (
        "10000000000000000000000000000000",
        "utf-8",
        (
            "_input_charset=utf-8&partner=1000000000000000&partner_trans_id=2010121000000002&service=alipay.acqui"
            "re.overseas.query"
        ),
        "2a7f598bbb13d02f7de819ae689f80ba",
    ),
    (
        "10000000000000000000000000000000",
        "utf-8",
        (
            "_input_charset=utf-8&currency=USD&is_sync=Y&partner=1000000000000000&partner_refund_id=3010121330000"
            "02&partner_trans_id=2010121000000002&refund_amount=0.01&service=alipay.acquire.overseas.spot.refund"
        ),
        "397685a0c6b2d71d0d1f374ddba331a0",
    ),
    ("10000000000000000000000000000000", "utf-8", "notify_id=1234", "22fc7e38e5acdfede396aa463870d111"),
]

#: sign type, text, signature by PRIVATE_KEY (requests, and answers of a gateway that uses the same pair)
RSA = [
    (
        "RSA",
        "partner=123&service=test",
        (
            "TaVXdP/0ia5NxIv9T76v6vGOrtgoaFrwnchKIWP9PQeX1UkUVxaq6ejDFmXFrFR+Plk+E/XzfV2DYJSVt0Am0qJRSgeg+PuvK+yW"
            "GCGm9GJgUJlS4Eyta3g+8DWwRWTjUyh5yzlf9JoSnbNjYpBolnMRD7B/u1JLkTMJuMx2TVM="
        ),
    ),
    (
        "RSA",
        (
            "_input_charset=UTF-8&alipay_seller_id=2088021966388155&biz_product=OVERSEAS_MBARCODE_PAY&buyer_ident"
            'ity_code=288888888888888888&currency=USD&extend_info={"secondary_merchant_name":"Lotte","second'
            'ary_merchant_id":"123","secondary_merchant_industry":"5812","store_id":"A101","store_nam'
            'e":"McDonald in 966 3rd Ave, New York"}&identity_code_type=barcode&partner=2088021966388155&partn'
            "er_trans_id=T20200801000001&quantity=1&service=alipay.acquire.overseas.spot.pay&trans_amount=0.01&tr"
            "ans_create_time=20200801120000&trans_name=Mika's coffee shop"
        ),
        (
            "lKIuEeAOl83ch5hVtEG5E3lg/ieDN3b7q7/Uvp0dCVTdnfnvYLi76FlN8Zo34VafDTQQ0obHTkDwkco6iF2P06Dtz2shpR1Laufw"
            "k7HPDw1diAZ9O8mH3YUN9i8nITuBGnXc2rm1CDjEowVSHPh3IrhNxvHKWW8etKn2EnPnWw4="
        ),
    ),
    (
        "RSA2",
        "partner=123&service=test",
        (
            "NQ/NS3M3CLeCE0WFaX0PU6Dh/LS0ig2ngh/JDXtDqZWQw36sUOucgU9qNVd/f/KZEz78dPNdWjNE6Ay6hy1EayGEhxnTJ8uuOOFh"
            "dshRRYDoNB3LmIhuXt3B23eqfnSgO4GiarHBHpGa+x8GARWb0KHRWjCzuxZ8fL4+/8ebLFQ="
        ),
    ),
    (
        "RSA2",
        (
            "_input_charset=UTF-8&alipay_seller_id=2088021966388155&biz_product=OVERSEAS_MBARCODE_PAY&buyer_ident"
            'ity_code=288888888888888888&currency=USD&extend_info={"secondary_merchant_name":"Lotte","second'
            'ary_merchant_id":"123","secondary_merchant_industry":"5812","store_id":"A101","store_nam'
            'e":"McDonald in 966 3rd Ave, New York"}&identity_code_type=barcode&partner=2088021966388155&partn'
            "er_trans_id=T20200801000001&quantity=1&service=alipay.acquire.overseas.spot.pay&trans_amount=0.01&tr"
            "ans_create_time=20200801120000&trans_name=Mika's coffee shop"
        ),
        (
            "hP8fWM0LU3EMHYLhBaz8iVp/hCkRmZ/ZTag4hOFNXNF1d0AtkSFY67IqghexLb63dsrAJ4gTWMYWGM1+izltDWlnkeV08IeUtjf4"
            "cR+e0jlRCXOQw775OCRhiiA1wsYhhxOJLiW4+b+8LbIAsDfAkzIoDYzaDSTtvvsRRXpMMgM="
        ),
    ),
    (
        "RSA2",
        (
            "alipay_root_cert_sn=28d1147972121b91734da59aa10f3c16_28d1147972121b91734da59aa10f3c16&app_cert_sn=28"
            'd1147972121b91734da59aa10f3c16&app_id=2016000000000000&biz_content={"out_trade_no":"2016040100000'
            '0","product_code":"FAST_INSTANT_TRADE_PAY","total_amount":"0.01","subject":"test"}&char'
            "set=UTF-8&method=alipay.trade.page.pay&sign_type=RSA2&timestamp=2016-04-01 00:00:00&version=1.0"
        ),
        (
            "SEOXB35dlg5c4P1dwFnZDuvI/AsjMx6rfC9Y2F83lLx86GK1C1bQ05HR/w/QhAbnXVIKt1/h9IrDx6q8mlalQbWiNMrWHDZHm5/M"
            "FYln29LDNxtOT9T3s4bSvzzwfjzmnock68H7dW+Jm+bf5q6KFzen6iiR3/y9BPwgldJhRh0="
        ),
    ),
    (
        "RSA2",
        (
            "alipay_root_cert_sn=28d1147972121b91734da59aa10f3c16_28d1147972121b91734da59aa10f3c16&app_cert_sn=28"
            'd1147972121b91734da59aa10f3c16&app_id=2016000000000000&biz_content={"out_trade_no":"2016040100000'
            '0","product_code":"QUICK_MSECURITY_PAY","total_amount":"0.01","subject":"test"}&charset'
            "=UTF-8&method=alipay.trade.page.pay&sign_type=RSA2&timestamp=2016-04-01 00:00:00&version=1.0"
        ),
        (
            "Zr2UkxZcW69WB8bNsERgJrd73zBdiOeb08CmoI946Fiuh2dIYZKW8MqYEa46nPbqPL4Q0gv3djc1IWFMgY9J4Ku8TltV5NRxrIrt"
            "fRxVZa59Sg+lAI7EiHENqJfXpZptn+Fa7SaV4ZzLsMWaNC2RceF2unPH17/Zr1ZpkzUFYlE="
        ),
    ),
    (
        "RSA2",
        (
            "app_id=2016000000000000&charset=utf-8&code=ca34ea491e7146cc87d25fca24c4cD11&format=JSON&grant_type=a"
            "uthorization_code&method=alipay.system.oauth.token&sign_type=RSA2&timestamp=2024-01-01 12:00:00&vers"
            "ion=1.0"
        ),
        (
            "FcD6z6s4qR5fHaVy10Ea40Yuh3/+TLJFj6PW1rMLAmLnIpHfABDu6R1yk32hOts89Y97azb0oWgl0LvzXAKomVl5unsxQ8O2nOP5"
            "cfXq5HamBHAWiXjYrZ6aaiuRuW80k/ls0LBlzhHTcPIQC4kiFz02jORUKZrz8t3RcMxgmDc="
        ),
    ),
    (
        "RSA2",
        (
            "app_id=2016000000000000&charset=utf-8&format=JSON&grant_type=refresh_token&method=alipay.system.oaut"
            "h.token&refresh_token=20120823ac6ffaa4d2d84e7384bf983531473993&sign_type=RSA2&timestamp=2024-01-01 1"
            "2:00:00&version=1.0"
        ),
        (
            "D/o1uXKkHa0ldYvVOr5OYvgH2yuRC7Rz2CetjVFCzebulad7dls2IwICDz6fxk7oAKmZO+ykDBn0okGVjOpvTj/58yd+vX2S1GLD"
            "MuXIG1epMboCvUNpLT5Qwrr4EVPcL1nNti6H6QkVVmPJ7hhZFlY20AhO1Ynd8ginZfYX8qc="
        ),
    ),
    (
        "RSA2",
        (
            '{"access_token":"auth_baseBtest0001","alipay_user_id":"20880000000000000000000000000001","e'
            'xpires_in":1296000,"re_expires_in":2592000,"refresh_token":"auth_baseBtest0002","user_id":"'
            '2088000000000001"}'
        ),
        (
            "mgVh5b0cuVjflTdQlyRcSFzj13F8P8VRsf07xApQBptGyLQdn7HlGDk41xpt6GzhRIFXR5XjJ1uLVgzyMWM5rkNWCOD54igSKPSu"
            "GwujzHNpgQAscrvPNC4h/rMhEad3tjHzQKxzeiCoTZdn5krJ9X5upZmXM7bVM1VE7BmXe34="
        ),
    ),
    (
        "RSA2",
        ('{"code":"40002","msg":"Invalid Arguments","sub_code":"isv.code-invalid","sub_msg":"授权码code无效"}'),
        (
            "C3zQXzpXp+IsYDJ50F/hSfIedt8D7C56ZnoEdetvczjc6meGQPMePd2UjFEIWJRAgiyspljpqS7Fdqf20LjFL3Uhig0KUeWrgDxG"
            "HjeR+SecMBGPJCSLSNdV8f0RV1kttlopH6GBRD/Tb0xhuVqER7Nxj2IU8t7zs2tb2CV5MNs="
        ),
    ),
]

#: sign type, text, Alipay's public key, signature: captured answers and notifications of the real gateway
REAL = [
    (
        "RSA2",
        '{"code":"10000","msg":"Success","file_id":"CAxAToWB1JsAAAAAAAAAAAAADgSLAQBr"}',
        (
            "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAk7LzhmMa2c4qQd4fqAqenfbuFoA7stPKvoS1LrZEsVnOOGUUjwoa1oU9"
            "xsSPjcOWhIerU/VAN4J95GIAXx59ipcleIyfLn2FhHXPgLJpvo+b2jJFyn/1/DbeJDh+0yDVAOf50Z7HhI0mdUhFMkXlT7BU0ZMt"
            "Jf/TmISFEfhDU/w6qFd6D42L97byAkq0K6LroglSVF24GqJEa7hSeUIkZWj7RasykXrc2uVJ1+ejkXE0LyPxa2AHykMGbJLf5SiZ"
            "vaNzUZgnKIR36mLOHpQ/2JCXxhXZYUWHzy0kMH54JcUEeksFWBYLGvLjV1phbcUIc3Q76tIuqApY6E222OoZZQIDAQAB"
        ),
        (
            "F+LDzpTNiavn7xVZPGuPCSSVRSmWzJGgtuji6tVELGEaqMaNj0jRKXUEr5nloZJBBmwEnddOyCjjepMmrTKTvoOqQ0Efxpr/R1iE"
            "eHTHVbb/Q8TTh6Up5gHJDkILdaWS2q1cWeQ6VT+HQY9P3WRXS7uhILHuDODIhpAyCu5KhWGt0rMCIG+Im6NODJP2oohtSCtmTFXg"
            "58HH587Z2y2bdbjzOxLvzD9IrU1imghXQ2S/Q+wMIvRk9on6cWnBLkrNvJKapA2ReNGWOwyuASvB9zDVzhMPbR+3mfRGkVDxsq5H"
            "YLjBKGskJMXHw0HuugZij6ScRuaLPODhmHwr/pJ9yw=="
        ),
    ),
    (
        "RSA2",
        (
            "app_id=2019073166072302&auth_app_id=2019073166072302&buyer_id=2088102534368455&buyer_logon_id=xud***"
            '@126.com&buyer_pay_amount=0.10&charset=utf-8&fund_bill_list=[{"amount":"0.10","fundChannel":"'
            'ALIPAYACCOUNT"}]&gmt_create=2019-08-15 15:56:22&gmt_payment=2019-08-15 15:56:24&invoice_amount=0.10'
            "&notify_id=2019081500222155624068450559358070&notify_time=2019-08-15 15:56:25&notify_type=trade_stat"
            "us_sync&out_trade_no=20190815155618536-564-57&point_amount=0.00&receipt_amount=0.10&seller_email=z97"
            "-yuquerevenue@service.aliyun.com&seller_id=2088531891668739&subject=语雀空间 500人规模&total_amount="
            "0.10&trade_no=2019081522001468450512505578&trade_status=TRADE_SUCCESS&version=1.0"
        ),
        (
            "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqObrdC7hrgAVM98tK0nv3hSQRGGKT4lBsQjHiGjeYZjOPIPHR5knm2jn"
            "nz/YGIXIofVHkA/tAlBAd5DrY7YpvI4tP5EONLtZKC2ghBMx7McI2wRD0xiqzxOQr1FuhZGJ8/AUokBzJrzY+aGX2xcOrxFYRlFi"
            "lvVLTXg4LWjR1tdPkO6+i7wQZAIVMClPkwVRZEbaERRHlKqTzv2gGv5rDU8gRoe1LeaN+6BlbTqHWkQcNCUNrA8C6l17XAXGKDsm"
            "/9TFWwO8EPHHHCaQdjtV5/FdcWIt+L8SR1ss7EXTjYDFtxcKVv9rEoY1lX8T4mX+GbXfZHraG5NCF1+XioL5JwIDAQAB"
        ),
        (
            "QfTb8tqE1BMhS5qAnXtvsF3/jBkEvu9q9en0pdbBUDDjvKycZhQb7h8GDs4FKfi049PynaNuatxSgLb/nLWZpXyyh0LEWdK2S6Ri"
            "7nPwrVgOs08zugLO20vOQz44y3ti2Ncm8/wZts1Fr2gZ7pShnVX3d1B50hbsXnObT1r/U8ONNQjWXd0HIul4TG+Q3fm3svmSvFEy"
            "0WnzuhcyHPX5Gm4ELNctL6Qd5YniGJFNcc7kopHYtI/XD9YCKCH6Ct02rzUs9i11C9CsadtZn+WhxF26Dqt9sGEFajkJ8cxUTLi8"
            "+VCpLHsgPE8P0y095uQcDdK0YjCh4x7wVSov+lrmOQ=="
        ),
    ),
    (
        "RSA2",
        (
            "app_id=2017122801303261&charset=UTF-8&commodity_order_id=2019030800000018079639&contactor=技术支持测"
            "试的公司&merchant_pid=2088721996721370&method=alipay.open.servicemarket.order.notify&name=技术支持测"
            "试的公司&notify_id=2019030800222102023008121054923345&notify_time=2019-03-08 10:20:23&notify_type=se"
            "rvicemarket_order_notify&order_item_num=1&order_ticket=29b1c37d99ab48c5bd5bdaeaeaefbB37&order_time=2"
            "019-03-08 10:20:08&phone=17826894615&service_code=58621634&sign_type=RSA2&timestamp=2019-03-08 10:20"
            ":23&title=麦禾商城模版&total_price=0.00&version=1.0"
        ),
        (
            "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAk6DCsBIUhWriFohzRV8Fic6oQWNnLKKILNk97VU5qcHEuxYzCujKoyva"
            "5gy1170mFJw4IcgJF8AyS7iDUwzAwF4Pp9CpWxDhUhe7mdQJhjBmvTcPLGFFrzlj6unO5lAcbdwaxPUtSxOaNxPJGrTK/wnKQSbj"
            "TMMltp1J68q2Tfgrsn/NdZ6lrxO9rvmky8kowqaH5NjntyHO59jCGabMj5sI14z8N61wB/QuIJrDuzIPMPrSNbq0cOWcSCDG09oU"
            "HTp9fk7suDB8UiFcmVTXOvK3d4HbeX8V9YsEMxrwxEoYgRRj6K2qrC6oxw480cqf2ueumCmHg6xrcgkyXK81hwIDAQAB"
        ),
        (
            "MsK5SCw8oqLw4f0hiNSd5OVGXxBY3wnQeT8vn5PklJSZFWSZbK4hQbNvkp4ZezeXQH514cEv0ul6Qow8yh6e6yM06LfEL+EZjcpZ"
            "0nxzFGRNQ5qq2AUc1OaXQdk92AGvxh+Iq4NGpPQFBd4D8EBJa3NJd8+czMfQskceosOQFqUtLQMYa5DPs+VpN7VM5BdXjaVIuKn5"
            "d9Wm2B9dI9ObIM+YRySDkZZPv14DVmUvcrcqJfOR8aHvtSd7B4l92wUQPQgQKNcOQho7xOHS/Bk+Y74AZL2y7TkNmdDoq9OGsThu"
            "F5tDW9rI9nVwXxOtsuB+bstra+W7aw9x9DvkKgdSRw=="
        ),
    ),
    (
        "RSA",
        (
            '{"code":"40004","msg":"Business Failed","sub_code":"ACQ.PAYMENT_AUTH_CODE_INVALID","sub'
            '_msg":"支付失败，获取顾客账户信息失败，请顾客刷新付款码后重新收款，如再次收款失败，请联系管理员处理'
            '。[SOUNDWAVE_PARSER_FAIL]","buyer_pay_amount":"0.00","invoice_amount":"0.00","out_trade_no'
            '":"20160901160434","point_amount":"0.00","receipt_amount":"0.00"}'
        ),
        (
            "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDIgHnOn7LLILlKETd6BFRJ0GqgS2Y3mn1wMQmyh9zEyWlz5p1zrahRahbXAfCf"
            "SqshSNfqOmAQzSHRVjCqjsAw1jyqrXaPdKBmr90DIpIxmIyKXv4GGAkPyJ/6FTFY99uhpiq0qadD/uSzQsefWo0aTvP/65zi3eof"
            "7TcZ32oWpwIDAQAB"
        ),
        (
            "E9cbpTCdX4hJx+FlrUhu5/VMpBLXTMIg6ynN4AO6MLIp9GPZlDgAV6KtFNRg8FpUUNVI5SjJbYMYXBluKPXviGI+pz90WC6UqUID"
            "ljjaDxj7W7npNLx4eUNy4V4KsnzrUnEnbUnZHEOH6dV3u2EAoJCxPHizs5IiJGaWm0NaYYg="
        ),
    ),
]

#: the answer printed in https://docs.antom.com/ac/global/overseas_query, as a document with our sample key
QUERY_ANSWER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<alipay>\n  <is_success>T</is_success>\n  <request>\n    <param '
    'name="service">alipay.acquire.overseas.query</param>\n    <param name="partner">2088000000000001</par'
    'am>\n    <param name="_input_charset">UTF-8</param>\n    <param name="partner_trans_id">POS-20240105-0'
    '00001</param>\n    <param name="sign">bda7a63326e215c64ff2b8e8dea1cad9</param>\n    <param name="sign_t'
    'ype">MD5</param>\n  </request>\n  <response>\n    <alipay>\n      <alipay_buyer_login_id>ali***@example.com'
    "</alipay_buyer_login_id>\n      <alipay_buyer_user_id>2088000000009999</alipay_buyer_user_id>\n      <alip"
    "ay_pay_time>20240105121532</alipay_pay_time>\n      <alipay_trans_id>2024010521001000000000000001</alipay"
    "_trans_id>\n      <alipay_trans_status>TRADE_SUCCESS</alipay_trans_status>\n      <currency>USD</currency>"
    "\n      <exchange_rate>7.10000000</exchange_rate>\n      <forex_total_fee>12.50</forex_total_fee>\n      <o"
    "ut_trade_no>POS-20240105-000001</out_trade_no>\n      <partner_trans_id>POS-20240105-000001</partner_tran"
    "s_id>\n      <result_code>SUCCESS</result_code>\n      <trans_amount>12.50</trans_amount>\n      <trans_amo"
    "unt_cny>88.75</trans_amount_cny>\n      <trans_forex_rate>1</trans_forex_rate>\n    </alipay>\n  </response"
    ">\n  <sign>3b7c527e7eb0a3a41886944d514e760d</sign>\n  <sign_type>MD5</sign_type>\n</alipay>"
)

#: business node, MD5 signature by SAMPLE_KEY
NODES = [
    (
        (
            "<alipay><action>refund</action><out_trade_no>POS-20240105-000001</out_trade_no><result_code>SUCCESS<"
            "/result_code><retry_flag>N</retry_flag><trade_no>2024010521001000000000000001</trade_no></alipay>"
        ),
        "7164ce3250dda2533f9ca6461485f796",
    ),
    (
        (
            "<alipay><alipay_trans_id>2024010521001000000000000001</alipay_trans_id><currency>USD</currency><exch"
            "ange_rate>7.10000000</exchange_rate><partner_refund_id>RF-20240106-000001</partner_refund_id><partne"
            "r_trans_id>POS-20240105-000001</partner_trans_id><refund_amount>2.50</refund_amount><refund_amount_c"
            "ny>17.75</refund_amount_cny><result_code>SUCCESS</result_code></alipay>"
        ),
        "39d81ff9e29e9506d54839ce8a9b6e54",
    ),
    (
        (
            "<alipay><big_pic_url>https://mobilecodec.alipay.com/show.htm?code=bax00000example0001&amp;picSize=L<"
            "/big_pic_url><out_trade_no>QR-20240105-000007</out_trade_no><pic_url>https://mobilecodec.alipay.com/"
            "show.htm?code=bax00000example0001&amp;picSize=M</pic_url><qr_code>https://qr.alipay.com/bax00000exam"
            "ple0001</qr_code><result_code>SUCCESS</result_code><small_pic_url>https://mobilecodec.alipay.com/sho"
            "w.htm?code=bax00000example0001&amp;picSize=S</small_pic_url><voucher_type>qrcode</voucher_type></ali"
            "pay>"
        ),
        "a2b142e52fe66fd5bff6b2eaff8b5036",
    ),
    (
        "<alipay><error>BUYER_NOT_EXIST</error><result_code>FAILED</result_code></alipay>",
        "d1c4aa8db38747b5de6dd037a1a2b285",
    ),
    (
        ("<alipay><partner_trans_id>POS-20240105-000001</partner_trans_id><result_code>UNKNOWN</result_code></alipay>"),
        "321a8147152cab7b27b6842a80c5a701",
    ),
    (
        "<alipay><error>TRADE_NOT_EXIST</error><result_code>FAIL</result_code></alipay>",
        "d4f7d3755e2b869a136df53413b0fdef",
    ),
    (
        (
            "<alipay><alipay_buyer_login_id>ali***@example.com</alipay_buyer_login_id><alipay_buyer_user_id>20880"
            "00000009999</alipay_buyer_user_id><alipay_pay_time>20240105121532</alipay_pay_time><alipay_trans_id>"
            "2024010521001000000000000001</alipay_trans_id><currency>USD</currency><exchange_rate>7.10000000</exc"
            "hange_rate><partner_trans_id>POS-20240105-000001</partner_trans_id><result_code>SUCCESS</result_code"
            "><trans_amount>12.50</trans_amount><trans_amount_cny>88.75</trans_amount_cny></alipay>"
        ),
        "e7bc0958326041413a46a027dbab9dac",
    ),
]

#: whole requests as they are sent, percent-encoded, signed with SAMPLE_KEY
REQUESTS = [
    (
        "_input_charset=UTF-8&partner=2088000000000001&partner_trans_id=POS-20240105-000001&service=alipay.ac"
        "quire.overseas.query&sign_type=MD5&sign=bda7a63326e215c64ff2b8e8dea1cad9"
    ),
    (
        "_input_charset=UTF-8&out_trade_no=POS-20240105-000001&partner=2088000000000001&service=alipay.acquir"
        "e.cancel&timestamp=1704428135000&sign_type=MD5&sign=a2ef72e90091362ed8a680d1f01b560c"
    ),
    (
        "_input_charset=UTF-8&currency=USD&is_sync=Y&partner=2088000000000001&partner_refund_id=RF-20240106-0"
        "00001&partner_trans_id=POS-20240105-000001&refund_amount=2.50&refund_reason=item+missing&service=ali"
        "pay.acquire.overseas.spot.refund&sign_type=MD5&sign=076527e87068f03ce085248752207861"
    ),
    (
        "_input_charset=UTF-8&alipay_seller_id=2088000000000001&biz_product=OVERSEAS_MBARCODE_PAY&buyer_ident"
        "ity_code=281234567890123456&currency=USD&extend_info=%7B%22secondary_merchant_id%22%3A%22SM_1001%22%"
        "2C%22secondary_merchant_industry%22%3A%225812%22%2C%22secondary_merchant_name%22%3A%22Example+Noodle"
        "+Bar%22%2C%22store_id%22%3A%22ST_01%22%2C%22store_name%22%3A%22Harbour+Branch%22%2C%22terminal_id%22"
        "%3A%22T01%22%7D&identity_code_type=barcode&notify_url=https%3A%2F%2Fpos.example.com%2Falipay%2Fnotif"
        "y&partner=2088000000000001&partner_trans_id=POS-20240105-000001&service=alipay.acquire.overseas.spot"
        ".pay&trans_amount=12.50&trans_create_time=20240105121530&trans_name=Noodle+set&sign_type=MD5&sign=88"
        "e1cf93c654949b81c7be7350d7e653"
    ),
    (
        "service=alipay.acquire.precreate&partner=2088000000000001&notify_url=https%3A%2F%2Fpos.example.com%2"
        "Falipay%2Fnotify&timestamp=2024-01-05+12%3A20%3A00&out_trade_no=QR-20240105-000007&subject=Noodle+se"
        "t&product_code=OVERSEAS_MBARCODE_PAY&total_fee=12.50&currency=USD&trans_currency=USD&it_b_pay=10m&pa"
        "ssback_parameters=table7&extend_params=%7B%22secondary_merchant_id%22%3A%22SM_1001%22%2C%22secondary"
        "_merchant_industry%22%3A%225812%22%2C%22secondary_merchant_name%22%3A%22Example+Noodle+Bar%22%2C%22s"
        "tore_id%22%3A%22ST_01%22%2C%22store_name%22%3A%22Harbour+Branch%22%2C%22terminal_id%22%3A%22T01%22%7"
        "D&sign_type=MD5&sign=16fbeb8c0f80d88371c952a984880948"
    ),
]

NOTIFICATION = (
    "notify_time=2024-01-05+12%3A21%3A10&notify_type=trade_status_sync&notify_id=0000000000000000000000000000"
    "0000aa&out_trade_no=QR-20240105-000007&subject=Noodle+set&trade_no=2024010521001000000000000002&trade_st"
    "atus=TRADE_SUCCESS&gmt_create=2024-01-05+12%3A20%3A40&gmt_payment=2024-01-05+12%3A21%3A09&seller_email=m"
    "erchant%40example.com&buyer_email=ali%2A%2A%2A%40example.com&seller_id=2088000000000001&buyer_id=2088000"
    "000009999&price=12.50&quantity=1&total_fee=12.50&paytools_pay_amount=%5B%7B%22ALIPAYACCOUNT%22%3A%2288.7"
    "5%22%7D%5D&extra_common_param=table7&sign_type=MD5&sign=2ad53d9e88aa06b48ec2bfdcfe7dce00"
)
