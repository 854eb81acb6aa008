"""What a puzzle's solution means, in words for the one who programs the other side. Pure.

A text may speak of one parameter as `{name}`; the texts are keys of the catalogs."""

from __future__ import annotations

from typing import Final


def N_(text: str) -> str:
    """Mark a text for the catalogs."""
    return text


#: What is odd about how a signature was made, in words for the one who programs it.
ODDITIES: Final = {
    "sign_type_kept": N_("sign_type was signed, too: leave it out."),
    "sign_type_left_out": N_("sign_type was left out: in the Open API it is signed."),
    "percent_encoded": N_("The values were signed percent-encoded: sign them raw, encode afterwards."),
    "text_encoded": N_("The whole text was signed percent-encoded: sign it raw, encode the values afterwards."),
    "repeated": N_("A parameter that stands in the address and in the body was signed twice: sign it once."),
    "backwards": N_("The parameters were sorted backwards: sort them by name from a to z."),
    "unsorted": N_("The parameters were signed in the order they are sent: sort them by name."),
    "case_ignored": N_(
        "The names were sorted as words are: sort by ASCII, capitals first, then _, then small letters."
    ),
    "empty_kept": N_("Parameters without a value were signed: leave them out."),
    "charset_left_out": N_("_input_charset was left out: it is signed, also when it stands in the address."),
    "quoted": N_("The values were signed in quotes: only in-app payments do that."),
    "plus_kept": N_("A plus sign stands for a blank in a form: decode before signing."),
    "blanks_cut": N_("Blanks at the ends of values were cut before signing: send what is signed."),
    "ampersand_after": N_("An & was signed after the last parameter."),
    "line_end": N_("A line end was signed after the last parameter."),
    "order_mark": N_("A byte order mark (BOM) was signed before the text: save without BOM."),
    "line_ends": N_("Line ends within a value were signed otherwise than they were sent (LF and CR LF)."),
    "no_separator": N_("The parameters were signed without & between them."),
    "one_left_out": N_("{name} was not signed: sign every parameter that is sent."),
    "one_rewritten": N_("{name} was signed in another spelling than it was sent: sign the very text that is sent."),
    "as_pasted": N_("The text was signed as it stands, not built by Alipay's rule."),
    "capitals": N_("The MD5 signature is in capitals: Alipay wants small letters."),
    "key_line_end": N_("A line end was taken for part of the key."),
    "key_blank": N_("A blank was taken for part of the key."),
    "key_order_mark": N_("A byte order mark (BOM) was taken for part of the key: save the key's file without it."),
    "key_named": N_("&key= stands before the key: append the key alone."),
    "key_apart": N_("An & stands before the key: append the key alone."),
    "key_first": N_("The key stands before the text: append it."),
    "key_missing": N_("No key was appended to the text: for MD5 it stands behind it, without a separator."),
    "md5_blank": N_("The key that is kept here holds a blank; the signature was made without."),
    "md5_invisible": N_("The key that is kept here holds invisible letters; the signature was made without."),
    "md5_quoted": N_("The key that is kept here stands in quotes; the signature was made without."),
    "other_charset": N_("The bytes were made in another charset than the message names."),
    "other_sign_type": N_("The message names another sign type than was used."),
    "sign_plus_lost": N_("The plus signs of the signature have become blanks: percent-encode it."),
    "sign_encoded": N_("The signature was percent-encoded once too often."),
    "sign_url_letters": N_("The signature is written in the letters for addresses: use plain base64."),
    "sign_wrapped": N_("The signature is broken into lines: write it on one."),
}
#: What the whole means.
VERDICTS: Final = {
    "right": N_("The signature holds, and is made as Alipay wants it."),
    "odd": N_("This key made the signature, but not as Alipay wants it."),
    "other_text": N_("This key made the signature, over another text than this one."),
    "no_key": N_("None of these keys made this signature."),
    "no_signature": N_("This is no signature: neither 32 hex digits (MD5) nor base64 (RSA, RSA2)."),
}
