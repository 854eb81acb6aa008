"""Questions that many ask at once: asked once, never answered with what was true before, nobody left behind."""

from __future__ import annotations

import asyncio

import pytest

from saoma.kit.together import Together


class World:
    """Something that changes, and how often it was looked at; a look takes until it is let go."""

    def __init__(self) -> None:
        self.state = 0
        self.looks = 0
        self.go = asyncio.Event()

    async def look(self) -> int:
        """What it is when the look begins."""
        self.looks += 1
        seen = self.state
        await self.go.wait()
        return seen


async def settled() -> None:
    """Let everybody who can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_fifty_who_ask_at_once_share_one_look_and_nothing_is_kept() -> None:
    together, world = Together(), World()
    world.go.set()
    assert await asyncio.gather(*(together.ask("board", world.look) for _ in range(50))) == [0] * 50
    assert (world.looks, together.open) == (1, 0)
    world.state = 1
    assert await together.ask("board", world.look) == 1


async def test_who_comes_after_a_look_began_is_never_told_what_it_saw() -> None:
    together, world = Together(), World()
    early = asyncio.create_task(together.ask("board", world.look))
    await settled()
    world.state = 1
    late = [asyncio.create_task(together.ask("board", world.look)) for _ in range(30)]
    await settled()
    assert world.looks == 1 and together.open == 2, "one is looking, all the others wait for one more"
    world.go.set()
    assert await early == 0
    assert await asyncio.gather(*late) == [1] * 30
    assert (world.looks, together.open) == (2, 0)


async def test_different_questions_do_not_wait_for_each_other() -> None:
    together, slow, quick = Together(), World(), World()
    waiting = asyncio.create_task(together.ask(("board", "a"), slow.look))
    quick.go.set()
    assert await together.ask(("board", "b"), quick.look) == 0
    assert not waiting.done()
    slow.go.set()
    await waiting


async def test_a_browser_that_goes_away_takes_the_answer_from_nobody() -> None:
    together, world = Together(), World()
    first = asyncio.create_task(together.ask("board", world.look))
    await settled()
    others = [asyncio.create_task(together.ask("board", world.look)) for _ in range(2)]
    await settled()
    first.cancel()
    others[0].cancel()
    world.go.set()
    assert await others[1] == 0
    assert first.cancelled() and together.open == 0


async def test_what_one_look_raises_is_raised_for_those_who_shared_it_and_for_nobody_later() -> None:
    together, world = Together(), World()
    world.go.set()

    async def fails() -> int:
        raise ConnectionError("the database went away")

    found = await asyncio.gather(*(together.ask("board", fails) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in found] == [ConnectionError] * 3
    with pytest.raises(ConnectionError):
        await together.ask("board", fails)
    assert await together.ask("board", world.look) == 0 and together.open == 0


async def test_different_things_of_a_kind_are_asked_for_in_one_question_and_each_gets_its_own() -> None:
    together, asked, go = Together(), [], asyncio.Event()

    async def lengths(words: list[str]) -> dict[str, int]:
        asked.append(words)
        await go.wait()
        return {word: len(word) for word in words if word != "unknown"}

    first = asyncio.create_task(together.each("length", "one", lengths))
    await settled()
    words = ("three", "eleven", "unknown", "three")
    later = [asyncio.create_task(together.each("length", word, lengths)) for word in words]
    await settled()
    go.set()
    assert await asyncio.gather(first, *later) == [3, 5, 6, None, 5]
    assert asked == [["one"], ["three", "eleven", "unknown"]], "who came while the first was asked shares the next"
    assert await together.each("length", "two", lengths) == 3 and together.open == 0
