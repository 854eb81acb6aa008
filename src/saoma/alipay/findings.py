"""What the key doctor says: one finding per check, from one table of faults, each with what to do. Pure.

The sentences are keys of the texts. A finding holds values for them, never a key; what was tried is for developers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec


def N_(text: str) -> str:
    """Mark a text for the catalogs."""
    return text


class Mark(StrEnum):
    """How a check ended."""

    WELL = "well"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class Finding(msgspec.Struct, frozen=True):
    """One check: how it ended, which fault was found, values for its sentence, and what was tried."""

    check: str
    mark: Mark
    fault: str = ""
    values: dict[str, str] = {}
    tried: list[str] = []


@dataclass(frozen=True, slots=True)
class Words:
    """What is the matter, and what to do about it."""

    what: str
    todo: str = ""


#: The checks in their order: what each is called, and what it means that it went well.
CHECKS: Final[Mapping[str, tuple[str, str]]] = {
    "addresses": (N_("Addresses"), N_("All of them belong to the account's environment.")),
    "partner": (N_("Partner id"), N_("It has the shape of a PID.")),
    "charset": (N_("Charset"), N_("Alipay takes it.")),
    "our_key": (N_("Our own key"), N_("It can be read and signs.")),
    "gateway": (N_("Gateway"), N_("Alipay's gateway answers at this address.")),
    "clock": (N_("Clock"), N_("This machine's clock agrees with the gateway's.")),
    "signature": (N_("Our signature"), N_("Alipay accepts it: PID, key and sign type belong together.")),
    "answer": (N_("Alipay's key"), N_("The answer's signature holds with the key we have of Alipay.")),
    "letters": (N_("Chinese letters"), N_("They arrive as they were signed.")),
    "sign_in": (N_("Sign-in in the wallet"), N_("The APPID and its key are accepted.")),
    "url": (N_("Acquirer's address"), N_("A Saoma answers there.")),
    "api_key": (N_("API key"), N_("The acquirer knows it.")),
    "scopes": (N_("What the key may do"), N_("All that is needed to pay, cancel and refund.")),
    "store": (N_("Store"), N_("The key is for this store.")),
    "webhook": (N_("Webhook"), N_("It is made, and messages that came were signed with our secret.")),
}

#: Every fault the doctor can name.
FAULTS: Final[Mapping[str, Words]] = {
    # addresses
    "address_shape": Words(
        N_("This is not an address: {url}"), N_("Write it as https://host/path, without a user or a query.")
    ),
    "address_production": Words(
        N_("{host} belongs to production, but this is a sandbox account."),
        N_("Take the sandbox's address, or make an account for production."),
    ),
    "address_sandbox": Words(
        N_("{host} is a sandbox or a private address, but this is a production account."),
        N_("Take production's address. Sandbox keys are unknown there: production has its own."),
    ),
    "address_not_https": Words(
        N_("An address of a production account must begin with https: {url}"), N_("Write https instead of http.")
    ),
    # partner id
    "partner_blanks": Words(
        N_("Blanks or other letters stand around the partner id."), N_("Enter the 16 digits only.")
    ),
    "partner_is_app_id": Words(
        N_("The partner id and the APPID are exchanged."), N_("The PID begins with 2088; the other one is the APPID.")
    ),
    "partner_shape": Words(
        N_("This is no partner id: a PID is 16 digits that begin with 2088."), N_("Copy it again from the portal.")
    ),
    "charset_unknown": Words(N_("Alipay takes UTF-8, GBK and GB2312, not {charset}."), N_("Use UTF-8.")),
    # key texts
    "key_missing": Words(N_("There is no key to sign with."), N_("Make a key pair, or enter the MD5 key.")),
    "key_other_half": Words(
        N_("This is a public key; a private one is needed here."),
        N_("Enter the private half of the pair. The public half is what Alipay gets."),
    ),
    "key_certificate": Words(N_("This is a certificate, not a key."), N_("Enter the private key that belongs to it.")),
    "key_encrypted": Words(
        N_("The private key is locked with a password."),
        N_("Take the password off (openssl rsa), then enter it again."),
    ),
    "key_not_rsa": Words(N_("This is not an RSA key."), N_("Alipay takes RSA keys only: make a new pair.")),
    "key_too_short": Words(N_("The key has {bits} bits only."), N_("Make a new pair with 2048 bits.")),
    "key_cut_off": Words(N_("The end of the private key is missing."), N_("Copy it again, whole.")),
    "key_junk_after": Words(N_("More text follows the private key."), N_("Copy the key alone.")),
    "key_unreadable": Words(
        N_("The private key can't be read: it is neither PEM nor base64."),
        N_("Copy it again, whole, or make a new pair."),
    ),
    "key_escaped": Words(
        N_("The line ends of the private key are written out as \\n."), N_("Saving it here mends that by itself.")
    ),
    "key_invisible": Words(
        N_("Invisible letters stand in the private key."), N_("Saving it here mends that by itself.")
    ),
    "key_plus_lost": Words(
        N_("Each plus sign of the private key has become a blank: some form decoded it once too often."),
        N_("Saving it here mends that by itself."),
    ),
    "key_percent": Words(
        N_("The private key is percent-encoded, as in an address."), N_("Saving it here mends that by itself.")
    ),
    "key_url_letters": Words(
        N_("The private key is written in the letters for addresses (- and _)."),
        N_("Saving it here mends that by itself."),
    ),
    "key_label": Words(
        N_("The first line of the private key names another kind of key than follows."),
        N_("Saving it here mends that by itself."),
    ),
    "md5_blank": Words(
        N_("The MD5 key holds a blank or a line end."),
        N_("Saving it here mends that by itself; it signs well without."),
    ),
    "md5_invisible": Words(N_("Invisible letters stand in the MD5 key."), N_("Saving it here mends that by itself.")),
    "md5_quoted": Words(N_("The MD5 key stands in quotes."), N_("Saving it here mends that by itself.")),
    "md5_letters": Words(
        N_("The MD5 key holds letters that no MD5 key has."), N_("Copy it again from the portal: letters and digits.")
    ),
    # reaching the gateway
    "not_reached": Words(
        N_("Nothing answers at {host}."), N_("Check the address, the name service and the firewall's way out.")
    ),
    "silent": Words(N_("{host} takes the connection but does not answer in time."), N_("Try again; then ask Alipay.")),
    "not_alipay": Words(
        N_("What answers at this address is not Alipay's gateway (HTTP {status})."),
        N_("The address ends with /gateway.do. A proxy's own page also looks like this."),
    ),
    "is_openapi": Words(
        N_("This is the gateway of the Open API, which answers in JSON."),
        N_("Enter it as Open API address, and the one for in-store payments here."),
    ),
    "clock_fast": Words(
        N_("This machine's clock is {minutes} minutes fast."),
        N_("Synchronise it (NTP). Alipay refuses requests that are half an hour off, and webhooks five minutes."),
    ),
    "clock_slow": Words(
        N_("This machine's clock is {minutes} minutes slow."),
        N_("Synchronise it (NTP). Alipay refuses requests that are half an hour off, and webhooks five minutes."),
    ),
    # the signature
    "sign_type_other": Words(
        N_("Alipay expects {right} from this PID, and the account signs with {wrong}."),
        N_("Set the account's sign type to {right}."),
    ),
    "key_wrong_other_works": Words(
        N_("Alipay has another {wrong} key for this PID; {right} with our key is accepted."),
        N_("Enter the {wrong} key again, or set the account's sign type to {right}."),
    ),
    "our_key_unknown": Words(
        N_("Alipay holds another public key than the one that belongs to our private key."),
        N_("Upload our public key at Alipay ({fingerprint}), or enter the private key of the one that is there."),
    ),
    "md5_key_wrong": Words(N_("Alipay has another MD5 key for this PID."), N_("Copy it again from the portal.")),
    "key_of_other_account": Words(
        N_("This PID signs with the key of the account {name}."),
        N_("The keys of two accounts are exchanged: enter each."),
    ),
    "key_is_spare": Words(
        N_("Alipay already holds a newer pair that was made here ({fingerprint})."), N_("Put that pair to use.")
    ),
    "partner_of_other_key": Words(
        N_("Alipay does not know this PID, but the keys belong to {partner}."), N_("Correct the PID.")
    ),
    "partner_elsewhere": Words(
        N_("This PID and key are unknown here and known at {host}."),
        N_("They are the other environment's: change the address, or the PID and keys."),
    ),
    "partner_unknown": Words(
        N_("Alipay does not know this PID here."), N_("Is it the other environment's? Check it digit by digit.")
    ),
    "no_such_profile": Words(
        N_("Alipay has no key of this PID for {wrong}, nor for any other sign type we have a key for."),
        N_("Upload the public key at Alipay ({fingerprint})."),
    ),
    "charset_other": Words(
        N_("The signature holds only when it is made in {right}, not in {wrong}."),
        N_("Set the account's charset to {right}, or look for a proxy that changes the request."),
    ),
    "query_lost": Words(
        N_("The gateway does not see the part of the address after the question mark."),
        N_("A proxy between us cuts it off: let requests pass unchanged."),
    ),
    "product_missing": Words(
        N_("The signature is right, but this PID may not use in-store payments."), N_("Ask Alipay to sign the product.")
    ),
    "expired": Words(N_("Alipay says the request is too old."), N_("Synchronise this machine's clock (NTP).")),
    "busy": Words(N_("Alipay's system is busy ({code})."), N_("Try again in a minute.")),
    "refused": Words(N_("Alipay refuses for a reason of its own ({code})."), N_("Ask Alipay with this code.")),
    # Alipay's key
    "alipay_key_is_ours": Words(
        N_("What stands as Alipay's public key is our own."),
        N_("Take Alipay's public key from the portal: it is shown after ours has been uploaded."),
    ),
    "alipay_key_of": Words(
        N_("The answer is signed with the key that belongs to {name}."), N_("Enter that as Alipay's public key.")
    ),
    "alipay_key_wrong": Words(
        N_("The answer is genuine, but not signed with the key we hold of Alipay."),
        N_("Take Alipay's public key again from the portal, of this environment and this product."),
    ),
    "alipay_key_unreadable": Words(
        N_("Alipay's public key can't be read."), N_("Copy it again from the portal, whole.")
    ),
    "alipay_key_private": Words(
        N_("A private key stands where Alipay's public key belongs."),
        N_("Take Alipay's public key from the portal. If that private key is Saoma's, make a new pair."),
    ),
    "alipay_key_mendable": Words(
        N_("Alipay's public key was changed by copying."), N_("Saving it here mends that by itself.")
    ),
    "answer_sign_type": Words(
        N_("The answer is signed with {right}, and the account expects {wrong}."),
        N_("Set the account's sign type to {right}."),
    ),
    # sign-in
    "app_id_unknown": Words(N_("Alipay does not know this APPID here."), N_("Copy it from the developer centre.")),
    "app_key_unknown": Words(
        N_("The application has another public key than the one that belongs to our private key."),
        N_("Upload our public key in the application's settings as well ({fingerprint})."),
    ),
    "app_sign_type": Words(
        N_("The application expects {right}, and the account signs with {wrong}."),
        N_("Set the sign type in the application's settings to {wrong}."),
    ),
    "sign_in_no_key": Words(
        N_("Signing people in needs an RSA key pair; this account has none."),
        N_("Make a key pair and upload its public half in the application."),
    ),
    "openapi_not_alipay": Words(
        N_("What answers at the Open API address is not Alipay's Open API."), N_("Check the address.")
    ),
    # acquirers
    "not_saoma": Words(
        N_("What answers at {host} is not the partner API of a Saoma (HTTP {status})."),
        N_("Enter the acquirer's public address, without /api/v1."),
    ),
    "api_key_blank": Words(N_("The API key holds blanks or other letters."), N_("Enter it again: sk_ and 43 letters.")),
    "api_key_unknown": Words(
        N_("The acquirer does not know this API key: it was revoked, or is another deployment's."),
        N_("Ask the acquirer for a new one and enter it."),
    ),
    "scope_missing": Words(N_("The key lacks: {scopes}."), N_("Ask the acquirer for a key with these scopes.")),
    "store_unknown": Words(
        N_("The acquirer has no store {store} for this key."), N_("Enter the store's id as the acquirer tells it.")
    ),
    "webhook_none": Words(
        N_("No webhook at the acquirer leads to {url}."),
        N_("Make one with this address, and enter the secret it tells. Until then Saoma asks for each payment."),
    ),
    "webhook_no_secret": Words(
        N_("The webhook's secret is missing, so no message is believed."), N_("Enter the secret the webhook told.")
    ),
    "webhook_disabled": Words(
        N_("The acquirer has given up on our webhook."), N_("See that {url} answers, then make the webhook anew.")
    ),
    "webhook_secret": Words(
        N_("The last messages that came were not signed with the secret we hold."),
        N_("Enter the secret that the webhook told, or make the webhook anew."),
    ),
}

#: Why a check came to nothing.
UNKNOWN: Final[Mapping[str, str]] = {
    "": N_("Can't be told before the points above are in order."),
    "no_date": N_("The gateway did not say what time it is."),
    "no_app_id": N_("The account has no APPID: pages in the wallet can't know their guests."),
    "unsigned": N_("Alipay's answer carried no signature to check."),
    "no_scope": N_("The key may not look at webhooks, so this can't be seen from here."),
    "nothing_came": N_("It is made; no message has come yet."),
}


def words_of(finding: Finding) -> tuple[str, str, str]:
    """What the check is called, what was found, what to do (empty when nothing): keys of the texts."""
    name, well = CHECKS[finding.check]
    match finding.mark:
        case Mark.WELL:
            return name, well, ""
        case Mark.UNKNOWN if finding.fault in UNKNOWN:
            return name, UNKNOWN[finding.fault], ""
        case _:
            fault = FAULTS[finding.fault]
            return name, fault.what, fault.todo


def all_well(findings: list[Finding]) -> bool:
    """Whether nothing is wrong and something was proven."""
    return any(each.mark is Mark.WELL for each in findings) and not any(each.mark is Mark.WRONG for each in findings)
