"""What proves that a phone is at a table now: a signed code and a word of four digits, both good for one party only.

The code printed on the table (`/t/...`) never changes and proves nothing. A table counts its parties (`turn`); code and
word are made of table and turn with the deployment's secret, so the next party's are others. Pure."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from saoma.kit.seal import Seal

_PURPOSE: Final = "table turn"
#: After so many wrong words nobody gets in by a word until the next party: one guess in five hundred stays lucky.
WRONG_WORDS: Final = 20

OLD_CODE: Final = "That code was for an earlier party. Scan the one shown at the table now, or ask the staff."
WRONG_WORD: Final = "These are not the four digits of your table now. Look at the slip or ask the staff."
NO_MORE_WORDS: Final = "Too many wrong digits were typed for this table. Scan the code at the table, or ask the staff."


def code_of(seal: Seal, table_id: str, turn: int) -> str:
    """What the code that rotates carries for this party of a table."""
    return seal.sign(_PURPOSE, f"{table_id}:{turn}")


def turn_in(seal: Seal, code: str, table_id: str) -> int | None:
    """Which party of this table a code was made for; None for what we did not sign, or another table's."""
    text = seal.unsign(_PURPOSE, code)
    named, _, turn = (text or "").rpartition(":")
    return int(turn) if named == table_id and turn.isdecimal() else None


def word_of(seal: Seal, table_id: str, turn: int) -> str:
    """Four digits that the staff or a slip tell this party."""
    mark = hashlib.sha256(seal.sign(f"{_PURPOSE} word", f"{table_id}:{turn}").encode()).digest()
    return f"{int.from_bytes(mark[:8]) % 10_000:04}"


def is_word(seal: Seal, table_id: str, turn: int, typed: str) -> bool:
    """Whether somebody typed this party's word; spaces are forgiven."""
    tidy = "".join(typed.split())
    return hmac.compare_digest(word_of(seal, table_id, turn).encode(), tidy.encode())
