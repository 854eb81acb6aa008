"""Whatever is sent to whichever gateway, it answers, keeps its rules of signing, and makes and loses no money."""

from __future__ import annotations

import os

from tests.sandbox.any_request import played

SEED = 20240105
#: A hundred thousand take some minutes: `make storm REQUESTS=100000 SEED=1`.
REQUESTS = int(os.environ.get("SAOMA_ANY_REQUESTS", "1500"))


def test_any_request_is_answered_by_the_rules_and_no_fen_goes_astray() -> None:
    heard = played(SEED, REQUESTS)
    assert heard.total() == REQUESTS
    for gateway in ("xml", "open", "plus"):
        assert heard[f"{gateway} answered"] > REQUESTS / 30, heard
        assert heard[f"{gateway} refused"] > REQUESTS / 30, heard
    assert heard["xml text"] > REQUESTS / 200, heard
