"""One dish in the office: its names, price, choices and photo in one form.

What was typed stays in the form until it can be saved; adding a row to the choices saves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Response, Router, get, post
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from saoma.food.dayparts import CHANNELS
from saoma.food.menus import editing, undo
from saoma.food.menus.dish_form import Checked, DishForm, checked, reshaped, shown, typed
from saoma.food.menus.drafts import Fault
from saoma.food.menus.menu import menu
from saoma.food.menus.photos import MOST_BYTES, keep_photo
from saoma.food.model import ALLERGEN_NAMES, TAG_NAMES, Item, Menu, called
from saoma.food.places import Place, place
from saoma.food.screens.office_menu import EDIT, opened
from saoma.identity import audit
from saoma.identity.counters import AnyRequest
from saoma.kit.clock import Clock
from saoma.kit.db import Database, Transaction
from saoma.kit.errors import Conflict, Invalid, NotFound, Refused
from saoma.kit.storage import Storage
from saoma.web.page import fragment, language_of, page


def _found(of: Menu, item_id: str) -> tuple[Item, str]:
    """The dish and its section's id. Raises `NotFound`."""
    for section in of.sections:
        for item in section.items:
            if item.id == item_id:
                return item, section.id
    raise NotFound("This dish is no longer on the menu.")


def _page(
    request: AnyRequest,
    at: Place,
    of: Menu,
    form: DishForm,
    item: Item | None,
    result: Checked | None = None,
    refusal: Refused | None = None,
    stations: Sequence[editing.Station] = (),
) -> Response[Any]:
    return page(
        request,
        "food/office_dish.html",
        status_code=422 if refusal or (result and result.errors) else 200,
        at=at,
        menu=of,
        form=form,
        item=item,
        errors=result.errors if result else {},
        refusal=refusal,
        known_allergens=ALLERGEN_NAMES,
        known_tags=TAG_NAMES,
        known_channels=CHANNELS,
        stations=[("", "–"), *((one.name, either_name(one, language_of(request))) for one in stations)],
        section_names=[(section.id, section.called(language_of(request))) for section in of.sections],
        zone=at.store.zone,
    )


def _shown(item: Item, section_id: str, of: Menu, stations: Sequence[editing.Station]) -> DishForm:
    return shown(item, section_id, {one.id: one.name for one in stations}, of.dayparts)


def either_name(one: editing.Station, lang: str) -> str:
    """A station's name for a reader of `lang`."""
    return called(one.name, one.name_zh, lang)


def _typed(form: FormMultiDict) -> DishForm:
    values = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    lists = {
        name: [value for value in form.getall(name, []) if isinstance(value, str)]
        for name in ("allergens", "tags", "channels", "dayparts")
    }
    return typed(values, lists)


@get("/office/menu/items/new", guards=EDIT, summary="A new dish")
async def new(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """An empty form, in the section that was asked for."""
    async with db.transaction() as tx:
        at = await place(request, tx)
        of = await opened(tx, at)
        every = await editing.stations(tx, at.store.id)
    if not of.sections:
        raise Conflict("Add a section first: every dish belongs to one.")
    asked = request.query_params.get("section", "")
    known = [section.id for section in of.sections]
    return _page(request, at, of, DishForm(section_id=asked if asked in known else known[0]), None, stations=every)


@get("/office/menu/items/{item_id:str}", guards=EDIT, summary="A dish")
async def edit(request: AnyRequest, db: NamedDependency[Database], item_id: FromPath[str]) -> Response[Any]:
    """The form of a dish as it is."""
    async with db.reading() as rows:
        at = await place(request, rows)
        of = await menu(rows, at.store.id)
        every = await editing.stations(rows, at.store.id)
    item, section_id = _found(of, item_id)
    return _page(request, at, of, _shown(item, section_id, of, every), item, stations=every)


@post("/office/menu/choices", guards=EDIT, status_code=200, summary="Rows of the choices")
async def rows_of_choices(request: AnyRequest, db: NamedDependency[Database]) -> Response[Any]:
    """The choices with a row more or less; nothing is saved."""
    form = await request.form()
    wish = str(form.get("wish", ""))
    async with db.reading() as rows:
        at = await place(request, rows)
        of = await menu(rows, at.store.id)
    changed = reshaped(_typed(form), wish)
    errors: dict[str, Fault] = {}
    return fragment(request, "food/office_dish.html", "choices", form=changed, errors=errors, menu=of)


async def _save(request: AnyRequest, db: Database, clock: Clock, item_id: str | None) -> Response[Any]:
    form = _typed(await request.form())
    async with db.reading() as rows:
        at = await place(request, rows)
        of = await menu(rows, at.store.id)
        every = await editing.stations(rows, at.store.id)
    item = _found(of, item_id)[0] if item_id else None
    result = checked(form, of.currency, item.code if item else "")
    if result.draft is None:
        return _page(request, at, of, form, item, result, stations=every)
    try:
        async with db.transaction() as tx:
            what = "changed_item" if item_id else "added_item"
            await undo.remember(tx, at.store.id, what, at.staff.name)
            saved = await editing.save_item(tx, at.store.id, form.section_id, result.draft, item_id)
            detail = {"name": result.draft.name, "price": result.draft.price, "was": item.price if item else None}
            await _note(tx, clock, at, what, saved, detail)
    except (Invalid, Conflict) as refusal:
        return _page(request, at, of, form, item, result, refusal, every)
    where = "/office/menu" if item_id else f"/office/menu/items/{saved}"
    return Redirect(f"{where}?saved={saved}", status_code=HTTP_303_SEE_OTHER)


async def _note(tx: Transaction, clock: Clock, at: Place, what: str, item_id: str, detail: dict[str, Any]) -> None:
    await audit.note(
        tx, clock, who=at.staff.id, what=what, subject=item_id, merchant_id=at.store.merchant_id, detail=detail
    )


@post("/office/menu/items", guards=EDIT, summary="Add a dish")
async def add(request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock]) -> Response[Any]:
    """Save a new dish; its page then asks for a photo."""
    return await _save(request, db, clock, None)


@post("/office/menu/items/{item_id:str}", guards=EDIT, summary="Save a dish")
async def save(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], item_id: FromPath[str]
) -> Response[Any]:
    """Save what was changed; baskets hear of another price before they are sent."""
    return await _save(request, db, clock, item_id)


@post("/office/menu/items/{item_id:str}/remove", guards=EDIT, summary="Remove a dish")
async def remove(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], item_id: FromPath[str]
) -> Response[Any]:
    """Off the menu for good; what was ordered of it stays in the books."""
    async with db.transaction() as tx:
        at = await place(request, tx)
        await undo.remember(tx, at.store.id, "removed_item", at.staff.name)
        await editing.retire_item(tx, at.store.id, item_id)
        await _note(tx, clock, at, "removed_item", item_id, {})
    return Redirect("/office/menu", status_code=HTTP_303_SEE_OTHER)


@post(
    "/office/menu/items/{item_id:str}/photo",
    guards=EDIT,
    request_max_body_size=MOST_BYTES + 100_000,
    summary="Give a dish a photo",
)
async def put_photo(
    request: AnyRequest,
    db: NamedDependency[Database],
    clock: NamedDependency[Clock],
    storage: NamedDependency[Storage],
    item_id: FromPath[str],
) -> Response[Any]:
    """Keep the photo in every width, then show it with the dish."""
    form = await request.form()
    async with db.reading() as rows:
        at = await place(request, rows)
        of = await menu(rows, at.store.id)
        every = await editing.stations(rows, at.store.id)
    item, section_id = _found(of, item_id)
    file = form.get("photo")
    try:
        if not isinstance(file, UploadFile) or not file.filename:
            raise Invalid("Choose a photo first.")
        photo = await keep_photo(storage, await file.read())
        async with db.transaction() as tx:
            await editing.set_photo(tx, at.store.id, item_id, photo)
            await _note(tx, clock, at, "changed_photo", item_id, {"photo": photo.name})
    except Invalid as refusal:
        return _page(request, at, of, _shown(item, section_id, of, every), item, refusal=refusal, stations=every)
    return Redirect(f"/office/menu/items/{item_id}", status_code=HTTP_303_SEE_OTHER)


@post("/office/menu/items/{item_id:str}/photo/remove", guards=EDIT, summary="Take a dish's photo away")
async def remove_photo(
    request: AnyRequest, db: NamedDependency[Database], clock: NamedDependency[Clock], item_id: FromPath[str]
) -> Response[Any]:
    """Back to the plain sign of a dish."""
    async with db.transaction() as tx:
        at = await place(request, tx)
        await editing.set_photo(tx, at.store.id, item_id, None)
        await _note(tx, clock, at, "removed_photo", item_id, {})
    return Redirect(f"/office/menu/items/{item_id}", status_code=HTTP_303_SEE_OTHER)


router = Router("/", route_handlers=[new, edit, rows_of_choices, add, save, remove, put_photo, remove_photo])
