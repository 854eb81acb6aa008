"""The same rules in Hypothesis's hands: it chooses them step by step, and makes what fails as short as it can."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from saoma.gateway import Method
from saoma.kit.postgres import EmbeddedPostgres
from tests.simulation.history import Runner
from tests.simulation.planted import NOTHING, PLANTED, Planted
from tests.simulation.shop import FORGERIES, METHODS, MOODS, POLICIES, Shop
from tests.simulation.verdict import Breach

who = st.integers(0, 8)
weather = st.sampled_from([0.0, 0.2, 0.6, 1.0])
flip = st.integers(0, 1)
cents = st.integers(1, 5000)


class Street(RuleBasedStateMachine):
    """One shop. `runner` is set from outside and shared by all examples; the order of steps is Hypothesis's."""

    runner: Runner
    runs = 0
    shop: Shop | None = None

    def step(self, work: Any) -> None:
        """Play one rule and look whether everything still holds."""
        assert self.shop is not None
        self.shop.live(work)
        self.shop.live(self.shop.look())

    @initialize(seed=st.integers(0, 10_000), storm=weather, slow=weather)
    def the_shop_opens(self, seed: int, storm: float, slow: float) -> None:
        # the same seed comes again when an example is replayed, into the same tables: ids must differ, nothing else
        type(self).runs += 1
        if self.runs % 50 == 0:
            self.runner.forget()
        self.shop = self.runner.world(seed, self.runs)
        self.shop.network.storm, self.shop.network.slow = storm, slow
        self.shop.network.forgetful = seed % 3 == 0

    def open_shop(self) -> Shop:
        """The shop of this example."""
        assert self.shop is not None
        return self.shop

    @rule(
        method=st.sampled_from([Method.BARCODE, *METHODS]),
        mood=st.sampled_from(list(MOODS)),
        policy=st.sampled_from(POLICIES),
        cents=cents,
        tab=st.integers(0, 2),
    )
    def someone_pays(self, method: Method, mood: str, policy: str, cents: int, tab: int) -> None:
        self.step(self.open_shop().someone_pays(method, mood, policy, cents, tab))

    @rule(seconds=st.sampled_from([0.2, 1.0, 3.0, 5.0, 8.0, 20.0, 70.0, 330.0]))
    def time_passes(self, seconds: float) -> None:
        self.step(self.open_shop().time_passes(seconds))

    @rule(seconds=st.sampled_from([10.0, 61.0, 7200.0, 40 * 3600.0]))
    def the_clock_jumps(self, seconds: float) -> None:
        self.step(self.open_shop().the_clock_jumps(seconds))

    @rule(seconds=st.sampled_from([-20.0, -1.0, 0.0, 1.0, 30.0]))
    def midnight_comes(self, seconds: float) -> None:
        self.step(self.open_shop().midnight_comes(seconds))

    @rule(seconds=st.sampled_from([4000.0, 40 * 3600.0]))
    def nothing_works(self, seconds: float) -> None:
        self.step(self.open_shop().nothing_works(seconds, int(seconds < 5000)))

    @rule(index=who)
    def alipay_undoes(self, index: int) -> None:
        self.step(self.open_shop().alipay_undoes(index))

    @rule(index=who, what=st.sampled_from(["pays", "refuses", "scans"]))
    def a_buyer_acts(self, index: int, what: str) -> None:
        self.step(self.open_shop().a_buyer_acts(index, what))

    @rule(cents=cents, exact=st.integers(0, 3))
    def someone_pays_at_the_counter(self, cents: int, exact: int) -> None:
        self.step(self.open_shop().someone_pays_at_the_counter(cents, exact))

    @rule(index=who)
    def a_cashier_gives_up(self, index: int) -> None:
        self.step(self.open_shop().a_cashier_gives_up(index))

    @rule(index=who)
    def a_phone_reports(self, index: int) -> None:
        self.step(self.open_shop().a_phone_reports(index))

    @rule(index=who, cents=st.one_of(st.just(0), cents), times=st.integers(1, 2), alone=st.sampled_from([0, 1000]))
    def a_refund_is_asked_for(self, index: int, cents: int, times: int, alone: int) -> None:
        self.step(self.open_shop().a_refund_is_asked_for(index, cents, times, alone))

    @rule(index=who, agrees=flip)
    def a_second_person_looks(self, index: int, agrees: int) -> None:
        self.step(self.open_shop().a_second_person_looks(index, agrees))

    @rule()
    def a_till_asks_again(self) -> None:
        self.step(self.open_shop().a_till_asks_again())

    @rule(index=who, keep=flip)
    def a_cashier_sorts_the_inbox(self, index: int, keep: int) -> None:
        self.step(self.open_shop().a_cashier_sorts_the_inbox(index, keep))

    @rule(index=who)
    def an_operator_rules(self, index: int) -> None:
        self.step(self.open_shop().an_operator_rules(index))

    @rule(index=who)
    def workers_meet(self, index: int) -> None:
        self.step(self.open_shop().workers_meet(index))

    @rule(index=who)
    def workers_meet_at_a_refund(self, index: int) -> None:
        self.step(self.open_shop().workers_meet_at_a_refund(index))

    @rule(which=st.integers(0, 2), moments=st.integers(0, 5))
    def a_process_will_die(self, which: int, moments: int) -> None:
        self.step(self.open_shop().a_process_will_die(which, moments))

    @rule(which=st.integers(0, 2))
    def a_process_dies(self, which: int) -> None:
        self.step(self.open_shop().a_process_dies(which))

    @rule(asleep=flip)
    def workers_sleep(self, asleep: int) -> None:
        self.step(self.open_shop().workers_sleep(asleep))

    @rule(shut=flip)
    def our_door_is_shut(self, shut: int) -> None:
        self.step(self.open_shop().our_door_is_shut(shut))

    @rule(storm=weather, slow=weather)
    def the_weather_changes(self, storm: float, slow: float) -> None:
        self.step(self.open_shop().the_weather_changes(storm, slow))

    @rule(index=who, kind=st.sampled_from(FORGERIES))
    def a_forgery_arrives(self, index: int, kind: str) -> None:
        self.step(self.open_shop().a_forgery_arrives(index, kind))

    @rule(index=who)
    def a_notification_is_replayed(self, index: int) -> None:
        self.step(self.open_shop().a_notification_is_replayed(index))

    def teardown(self) -> None:
        """The end of every example: all comes to rest, people rule, and the books are compared."""
        try:
            if self.shop is not None:
                self.step(self.shop.the_end())
        finally:
            self.runner.end_tasks()


def _played(runner: Runner, examples: int, phases: list[Phase]) -> None:
    class Here(Street):
        pass

    Here.runner = runner
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=examples,
            stateful_step_count=14,
            deadline=None,
            derandomize=True,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def runners(postgres: EmbeddedPostgres, template: str) -> Iterator[Any]:
    """Makes a runner on a database of its own."""
    made: list[tuple[str, Runner]] = []

    def make(planted: Planted = NOTHING) -> Runner:
        name = f"machine_{planted.name}_{os.getpid()}"
        postgres.drop_database(name)
        made.append((name, Runner(postgres.make_database(name, template=template), planted)))
        return made[-1][1]

    yield make
    for name, runner in made:
        runner.close()
        postgres.drop_database(name)
    structlog.reset_defaults()


def test_whatever_hypothesis_plays_ends_in_agreement_with_alipay(runners: Any) -> None:
    _played(runners(), 120, [Phase.generate, Phase.shrink])


def test_hypothesis_finds_a_planted_fault_as_well(runners: Any) -> None:
    with pytest.raises(Breach):
        _played(runners(PLANTED["new_number"]), 400, [Phase.generate])
