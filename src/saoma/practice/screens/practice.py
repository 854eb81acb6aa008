"""Practice: the lessons, the way in and out of the practice till, and the coach beside it.

In practice the session belongs to the person's double; the band and the coach come with every page until they leave."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.checkout.checkout import Checkout
from saoma.identity import audit
from saoma.identity.guards import May, needs, staff_of
from saoma.identity.model import Staff
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Rows
from saoma.kit.errors import Conflict, Invalid, NotFound, Refused
from saoma.kit.money import Money
from saoma.kit.seal import Seal
from saoma.practice import model, place, rehearsal
from saoma.practice.judging import Outcome, What, face, hint, phone
from saoma.practice.lessons import LESSONS, after, lesson_of, number_of
from saoma.practice.model import Run
from saoma.practice.script import SENTENCES, Face, Word
from saoma.settings import Settings
from saoma.web.page import language_of, page

AnyRequest = Request[Any, Any, Any]

NO_LESSON = "No lesson is running. Choose one."


async def _person(request: AnyRequest, rows: Rows) -> Staff:
    """The real person, also while they are their double."""
    staff = staff_of(request)
    return await place.person_of(rows, staff) if rehearsal.in_practice(staff) else staff


def _go(where: str) -> Redirect:
    return Redirect(where, status_code=HTTP_303_SEE_OTHER)


def _bill(run: Run) -> str:
    """Where a lesson begins on the till: at its bill, or where a bill must be chosen."""
    return "/till" if run.script.gives_back else f"/till/bills/{run.sittings[0]}"


async def _overview(
    request: AnyRequest, db: Database, settings: Settings, refusal: Refused | None = None
) -> Response[Any]:
    async with db.reading() as rows:
        person = await _person(request, rows)
        progress = await model.progress_of(rows, person.id, person.name)
        run = await model.run_of(rows, person.id)
    return page(
        request,
        "practice/practice.html",
        status_code=refusal.status if refusal else 200,
        person=person,
        progress=progress,
        lessons=LESSONS,
        run=run if run is not None and run.outcome is Outcome.GOING else None,
        running=lesson_of(run.lesson) if run is not None else None,
        sandbox=settings.practice_sandbox_url,
        may_see_team=person.may(May.APPROVE_REFUNDS),
        refusal=refusal,
    )


@get("/practice", guards=[needs(May.TAKE_PAYMENTS)], summary="Practice")
async def show(
    request: AnyRequest, db: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Response[Any]:
    """All lessons, and how far this person has come."""
    return await _overview(request, db, settings)


@post("/practice/lessons/{key:str}/begin", guards=[needs(May.TAKE_PAYMENTS)], summary="Begin a lesson")
async def begin(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    seal: NamedDependency[Seal],
    settings: NamedDependency[Settings],
    checkout: NamedDependency[Checkout],
    key: FromPath[str],
) -> Response[Any]:
    """Set the lesson up and go to the practice till."""
    lesson = lesson_of(key)
    try:
        await place.knock(db, seal, settings.practice_sandbox_url)
        async with db.reading() as rows:
            person = await _person(request, rows)
        run = await rehearsal.begin(db, clock, checkout, person, lesson)
    except (place.NoSandbox, Conflict, Invalid) as refusal:
        return await _overview(request, db, settings, refusal)
    _enter(request, person.id, run)
    return _go(_bill(run))


def _enter(request: AnyRequest, person_id: str, run: Run) -> None:
    request.session["staff_id"] = run.double_id
    request.session["practice"] = person_id


@post("/practice/resume", guards=[needs(May.TAKE_PAYMENTS)], summary="Go on with the lesson")
async def resume(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """Back to the lesson that was left."""
    async with db.reading() as rows:
        person = await _person(request, rows)
        run = await model.run_of(rows, person.id)
    if run is None or run.outcome is not Outcome.GOING:
        return _go("/practice")
    _enter(request, person.id, run)
    return _go(_bill(run))


@post("/practice/leave", guards=[needs()], summary="Leave practice")
async def leave(request: AnyRequest) -> Response[Any]:
    """Be oneself again. The lesson waits."""
    person_id = request.session.pop("practice", None)
    if isinstance(person_id, str):
        request.session["staff_id"] = person_id
    return _go("/practice")


@post("/practice/reset", guards=[needs(May.TAKE_PAYMENTS)], summary="Begin all lessons anew")
async def reset(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Take off what was passed."""
    async with db.transaction() as tx:
        person = await _person(request, tx)
        await rehearsal.forget(tx, person)
        await audit.note(
            tx, clock, who=person.id, what="practice_reset", subject=person.id, merchant_id=person.merchant_id
        )
    return _go("/practice")


def _coach(request: AnyRequest, scene: rehearsal.Scene) -> Response[Any]:
    run, lesson, seen = scene.run, scene.lesson, scene.seen
    shows = face(lesson, seen)
    said = hint(lesson, seen)
    return page(
        request,
        "practice/coach.html",
        headers={"Cache-Control": "no-store"},
        run=run,
        lesson=lesson,
        number=number_of(lesson),
        count=len(LESSONS),
        stage=scene.verdict.stage,
        tell=lesson.stages[min(scene.verdict.stage, len(lesson.stages) - 1)].tell,
        outcome=scene.verdict.outcome,
        why=scene.verdict.why,
        hint=said,
        hint_right=bool(seen.acts) and seen.acts[-1].right,
        held=phone(lesson, seen),
        face=shows,
        code=run.code if shows is Face.CODE else "",
        amount=Money(seen.owed(lesson), seen.currency),
        words=[(word.value, SENTENCES[word][language_of(request)]) for word in Word],
        next_lesson=after(lesson),
    )


async def _run(request: AnyRequest, db: Database) -> Run:
    """The lesson of whoever practises on this device. Raises `NotFound` outside of practice."""
    staff = staff_of(request)
    async with db.reading() as rows:
        run = await model.run_at(rows, staff.store_id) if rehearsal.in_practice(staff) else None
    if run is None:
        raise NotFound(NO_LESSON)
    return run


@post("/practice/coach", guards=[needs()], status_code=200, summary="What the coach says now")
async def coach(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    checkout: NamedDependency[Checkout],
) -> Response[Any]:
    """The coach, after a look at the till. A refund that waits for a second person finds one."""
    run = await _run(request, db)
    await rehearsal.agree(db, checkout, run)
    return _coach(request, await rehearsal.look(db, clock, run))


@post("/practice/do", guards=[needs()], status_code=200, summary="Do something beside the till")
async def do(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Hand over the goods, say something to the customer, hold the scanner to the phone."""
    form = await request.form()
    try:
        what, word = What(str(form.get("what", ""))), str(form.get("word", ""))
        if what is What.SAY:
            Word(word)
    except ValueError:
        raise Invalid("Nothing like that can be done here.") from None
    scene, _ = await rehearsal.act(db, clock, await _run(request, db), what, word)
    return _coach(request, scene)


@get("/practice/team", guards=[needs(May.APPROVE_REFUNDS)], summary="Who is ready for the till")
async def show_team(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """For managers: who passed which lesson, and when."""
    async with db.reading() as rows:
        person = await _person(request, rows)
        people = await model.team(rows, person.merchant_id, person.store_id)
    return page(request, "practice/team.html", person=person, people=people, lessons=LESSONS)


router = Router(path="/", route_handlers=[show, begin, resume, leave, reset, coach, do, show_team])
