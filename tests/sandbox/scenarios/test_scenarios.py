"""A scenario is played by the sandbox's clock and by calls, tells what came of it, and outlives being killed."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from saoma.kit.errors import Invalid
from saoma.kit.money import Money
from saoma.sandbox.book.model import TradeStatus
from saoma.sandbox.book.store import Store
from saoma.sandbox.faults.faults import Fault, FaultKind
from saoma.sandbox.scenarios.playing import ScenarioView, check_buyers
from saoma.sandbox.scenarios.reading import read_scenario
from saoma.sandbox.server import Sandbox
from tests.sandbox import make
from tests.sandbox.make import Running
from tests.sandbox.plus import make as plus
from tests.sandbox.tills import Till, tills


def play(till: Till, steps: str, **more: str) -> None:
    top = "".join(f"{name}: {value}\n" for name, value in more.items())
    till.sandbox.player.play(read_scenario(f"{top}steps:\n{steps}"))


def push(till: Till, **by: float) -> None:
    till.sandbox.book.advance(timedelta(**by))


def view(till: Till) -> ScenarioView:
    found = till.sandbox.player.view()
    assert found is not None
    return found


def states(till: Till) -> list[str]:
    return [step.state for step in view(till).steps]


def test_steps_begin_by_the_clock_and_end_by_it() -> None:
    till = tills()["xml"]
    play(till, "- {at: 10s, fault: system_error_before, service: 'alipay.*', for: 30s}\n- {at: 1m, outage: 5s}")
    assert states(till) == ["waiting", "waiting"]
    assert till.ask("pay", "A").word == "SUCCESS"
    push(till, seconds=10)
    assert [till.ask("pay", number).word for number in "BC"] == ["SYSTEM_ERROR", "SYSTEM_ERROR"]
    assert states(till) == ["on", "waiting"]
    push(till, seconds=30)
    assert till.ask("pay", "B").word == "SUCCESS"
    push(till, seconds=21)
    assert till.sandbox.faults.shut(make.PAY) is not None
    push(till, minutes=1)
    shown = view(till)
    assert (shown.state, shown.elapsed_seconds, shown.calls, shown.played) == ("over", 121.0, 5, 3)
    assert ([step.played for step in shown.steps], shown.never_reached) == ([2, 1], [])


@pytest.mark.parametrize("gateway", ["xml", "open", "plus"])
def test_the_same_seed_and_the_same_calls_give_the_same_faults_at_every_gateway(gateway: str) -> None:
    def history(seed: int) -> list[tuple[str, float]]:
        till = tills()[gateway]
        steps = """
- {fault: silence_after, service: "*", chance: 20%}
- {fault: system_error_before, service: "*", chance: 20%, number: "N-1*"}
- {fault: delay, service: "*", chance: 50%, jitter: 2s}
"""
        play(till, steps, seed=str(seed))
        dice, heard = random.Random(3), []
        for number in range(40):
            said = till.ask(dice.choice(["pay", "query", "cancel"]), f"N-{number // 2}")
            heard.append((said.word, said.wait))
            push(till, seconds=1)
        return heard

    assert history(1) == history(1)
    assert history(1) != history(2)
    assert {word for word, _ in history(1)} >= {"", "SUCCESS" if gateway != "open" else "10000"}


def test_steps_begin_after_so_many_calls_of_a_service() -> None:
    till = tills()["xml"]
    play(
        till,
        """
- {after: {calls: 2, of: alipay.acquire.overseas.query}, fault: silence_before, service: alipay.acquire.cancel}
- {after: {calls: 2, of: alipay.acquire.cancel}, at: 1m, fault: system_error_before, service: "*"}
""",
    )
    till.ask("pay")
    assert [till.ask(what).word for what in ("query", "cancel", "query", "cancel")][3] == ""
    assert states(till) == ["over", "waiting"], "two cancels came, but not yet the minute"
    push(till, minutes=1)
    assert till.ask("query").word == "SYSTEM_ERROR"


async def test_a_buyer_acts_when_the_call_before_is_answered() -> None:
    till = tills()["xml"]
    play(
        till,
        f"""
- {{fault: unknown, service: "*pay", times: always}}
- {{after: {{calls: 1, of: {make.PAY}}}, buyer: pays, number: "T-*"}}
- {{at: 1m, buyer: refuses, who: alice, partner: "{make.PARTNER}"}}
- {{at: 2m, buyer: pays}}
""",
    )
    assert till.ask("pay", "T-1").word == "UNKNOWN"
    assert till.ask("query", "T-1").word == "SUCCESS"
    trade = till.trade("T-1")
    assert trade is not None and trade.status is TradeStatus.TRADE_SUCCESS
    till.ask("pay", "B-1")
    push(till, minutes=3)
    refused = till.trade("B-1")
    assert refused is not None and refused.close_reason == "refused"
    shown = view(till)
    assert [step.played for step in shown.steps] == [2, 1, 1, 0]
    assert (shown.never_reached, shown.steps[3].note) == ([4], "no order waited for its buyer")


def test_what_a_push_of_the_clock_passes_happens_in_its_order() -> None:
    till = tills()["xml"]
    play(
        till,
        """
- {fault: unknown, service: "*pay", times: 2}
- {at: 170s, buyer: pays, number: A}
- {at: 1h, clock: 1d}
- {at: 20h, buyer: pays}
""",
    )
    till.ask("pay", "A")
    till.ask("pay", "B")
    push(till, hours=2)
    a, b = till.trade("A"), till.trade("B")
    assert a is not None and b is not None and a.paid_at is not None
    assert a.paid_at - a.created_at == timedelta(seconds=170), "before the three minutes were over"
    assert (b.status, b.close_reason) == (TradeStatus.TRADE_CLOSED, "timeout")
    assert view(till).elapsed_seconds == 26 * 3600
    assert states(till) == ["over"] * 4


def test_time_may_begin_with_the_first_call() -> None:
    till = tills()["plus"]
    play(till, "- {at: 5s, fault: system_error_before, service: '/ams/*'}", start="first_call")
    push(till, minutes=5)
    assert view(till).state == "waiting"
    assert till.ask("pay", "A").word == "SUCCESS"
    push(till, seconds=5)
    assert till.ask("pay", "B").word == "UNKNOWN_EXCEPTION"
    assert view(till).state == "over"


def test_rows_of_daily_files_are_missing_or_altered() -> None:
    till = tills()["xml"]
    play(till, "- {at: 1h, file: drop_row, day: today, number: A}\n- {file: drop_row, partner: '2099*'}")
    till.ask("pay", "A")
    till.ask("pay", "B")
    push(till, days=1)
    name = next(name for name in till.sandbox.daily_files.names(make.PARTNER) if "transaction" in name)
    content = till.sandbox.daily_files.read(make.PARTNER, name) or b""
    assert b"\nB|" in content and b"\nA|" not in content
    assert view(till).never_reached == [2]


def test_a_new_scenario_takes_the_place_of_the_last_and_leaves_faults_planned_by_hand() -> None:
    till = tills()["xml"]
    by_hand = Fault(make.REFUND, FaultKind.UNKNOWN)
    till.sandbox.faults.plan(by_hand)
    play(till, "- {fault: silence_before, service: '*', times: always}\n- {at: 1m, outage: 1h}")
    assert len(till.sandbox.faults.planned()) == 2
    play(till, "- {at: 5m, buyer: pays}")
    assert till.sandbox.faults.planned() == [by_hand]
    push(till, minutes=2)
    assert states(till) == ["waiting"]
    assert till.sandbox.faults.planned() == [by_hand], "what the first one had in mind never came"
    till.sandbox.player.stop()
    assert till.sandbox.player.view() is None


def test_a_buyer_nobody_knows_is_refused() -> None:
    with pytest.raises(Invalid, match="line 2: there is no buyer 'zed' here"):
        check_buyers(read_scenario("steps:\n- {buyer: pays, who: zed}"), tills()["xml"].sandbox.book)


def test_a_killed_sandbox_goes_on_where_it_was(tmp_path: Path) -> None:
    path, clock = tmp_path / "book.sqlite", make.clock()
    scenario = read_scenario("""
seed: 5
steps:
- {fault: silence_before, service: "*", chance: 30%}
- {fault: system_error_after, service: "*query", times: 3}
- {at: 1m, buyer: pays}
- {after: {calls: 12}, outage: 5m}
""")

    def started() -> Till:
        store = Store(path)
        if store.one("key", "alipay", tuple[str, str]) is None:
            store.keep("key", "alipay", make.alipay_keys())
        return tills(Sandbox(make.settings(partners=[plus.partner()]), clock, 1, store))["xml"]

    def history(till: Till, killed_after: int) -> list[str]:
        heard = []
        for number in range(14):
            if number == killed_after:
                # nothing is closed, flushed or said good-bye to
                till = started()
                assert till.sandbox.player.resume(scenario), "it goes on"
            heard.append(till.ask(["pay", "query"][number % 2], f"N-{number // 2}").word)
            clock.advance(timedelta(seconds=10))
        shown = view(till)
        return [*heard, *(f"{step.state} {step.played}" for step in shown.steps), str(shown.calls)]

    first = started()
    assert not first.sandbox.player.resume(scenario), "it begins"
    through = history(first, 99)
    path.unlink()
    clock = make.clock()
    second = started()
    second.sandbox.player.resume(scenario)
    assert history(second, 7) == through
    assert "SYSTEM_ERROR" in through and "" in through


def test_a_buyer_who_pays_late_and_is_turned_down_reads_why() -> None:
    till = tills()["xml"]
    play(till, "- {fault: pays_late, service: '*pay', seconds: 45}\n- {at: 1m, buyer: pays}")
    book = till.sandbox.book
    assert till.ask("pay", "A").word == "UNKNOWN"
    book.add_buyer("alice", balance=Money(1_00, "CNY"))
    push(till, minutes=2)
    trade = till.trade("A")
    assert trade is not None and trade.status is TradeStatus.WAIT_BUYER_PAY
    read = [(one.kind, one.code) for one in book.messages("alice") if one.kind == "declined"]
    assert read == [("declined", "BUYER_BALANCE_NOT_ENOUGH")] * 2, "at 45 seconds, and at a minute"
    assert view(till).steps[1].note == "Alipay declined whoever wanted to pay"


async def test_the_control_api_plays_shows_and_ends_a_scenario(wire: Running) -> None:
    async def send(body: str, query: str = "", status: int = 200) -> dict[str, object]:
        async with wire.client.post(f"{wire.url}/control/scenarios{query}", data=body) as answer:
            said: dict[str, object] = await answer.json(content_type=None)
            assert answer.status == status, said
            return said

    listed = await wire.control("GET", "scenarios")
    assert listed["playing"] is None and "late-payer" in listed["known"]
    begun = await send("name: One\nsteps:\n- {fault: silence_before, service: '*', seconds: 0}", "?seed=3")
    assert (begun["name"], begun["seed"], begun["state"]) == ("One", 3, "playing")
    with pytest.raises(aiohttp.ClientError):
        await wire.call(make.pay_fields())
    shown = (await wire.control("GET", "scenarios"))["playing"]
    assert (shown["state"], shown["played"], shown["steps"][0]["left"]) == ("over", 1, 0)
    assert (await send('{"name": "JSON", "steps": [{"clock": "1h"}]}'))["name"] == "JSON"
    assert (await send("", "?name=outage"))["name"] == "An outage"
    assert "line 1: a scenario has no stepps: did you mean steps?" in str(
        (await send("stepps: 1", status=422))["detail"]
    )
    assert "no buyer 'zed'" in str((await send("steps: [{buyer: pays, who: zed}]", status=422))["detail"])
    assert "There is no scenario" in str((await send("", "?name=nope", 404))["detail"])
    await send("steps: [{clock: 1h}]", "?name=outage", 422)
    assert (await wire.control("DELETE", "scenarios"))["playing"] is None
    assert (await wire.control("GET", "faults"))["faults"] == []
