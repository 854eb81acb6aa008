"""A menu goes out to a file and comes back the same; a faulty file says where and changes nothing."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saoma.food.dayparts import CHANNELS, Daypart, days_in
from saoma.food.menus.drafts import COURSES, GroupDraft, ItemDraft, MenuDraft, OptionDraft, SectionDraft
from saoma.food.menus.editing import Stored
from saoma.food.menus.example import EXAMPLE
from saoma.food.menus.importing import Read, Unreadable, export_menu, import_menu, read_menu
from saoma.food.menus.menu import menu, open_menu
from saoma.food.menus.menu_csv import read_csv, write_csv
from saoma.food.menus.menu_json import read_json, write_json
from saoma.food.model import ALLERGENS, TAGS
from saoma.food.orders.courses import Course
from saoma.kit.db import Database
from tests.food.make import STORE, noodle_house, noodle_house_menu

NAMES = st.text(
    st.sampled_from(string.ascii_letters + string.digits + " =+-@'\",;|#&<>{}[]\\/面牛肉é€😀"), min_size=1, max_size=20
).map(lambda text: text.strip() or "x")
TEXTS = st.one_of(st.just(""), NAMES, NAMES.map(lambda text: f"{text}\nsecond, line"))
PRICES = st.integers(0, 100_000)


#: Names of parts of the day stand in lists.
PART_NAMES = NAMES.map(lambda text: text.replace(";", "").replace(",", "").replace("|", "").strip() or "x")
CHANNEL_LISTS = st.lists(st.sampled_from(list(CHANNELS)), unique=True, max_size=3).map(tuple)
MINUTES = st.integers(0, 24 * 60 - 1)


@st.composite
def parts(draw: st.DrawFn) -> tuple[Daypart, ...]:
    """Parts of a day with different names."""
    return tuple(
        Daypart(
            id="",
            name=name,
            name_zh=draw(st.one_of(st.just(""), NAMES)),
            starts=draw(MINUTES),
            ends=draw(MINUTES),
            days=tuple(sorted(draw(st.sets(st.integers(0, 6), min_size=1)))),
        )
        for name in _distinct(draw(st.lists(PART_NAMES, max_size=3)))
    )


def _distinct(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


@st.composite
def groups(draw: st.DrawFn) -> tuple[GroupDraft, ...]:
    """Groups with different names and their choices."""
    made = []
    for name in _distinct(draw(st.lists(NAMES, max_size=2))):
        options = tuple(
            OptionDraft(
                name=option,
                name_zh=draw(st.one_of(st.just(""), NAMES)),
                price_change=draw(st.integers(-500, 500)),
                sold_out=draw(st.booleans()),
            )
            for option in _distinct(draw(st.lists(NAMES, min_size=1, max_size=3)))
        )
        least = draw(st.integers(0, len(options)))
        most = draw(st.integers(max(1, least), 5))
        made.append(GroupDraft(name=name, min_choices=least, max_choices=most, options=options))
    return tuple(made)


@st.composite
def menus(draw: st.DrawFn) -> MenuDraft:
    """Any menu that passes its own checks."""
    codes = iter(range(1_000))
    day = draw(parts())
    when = st.lists(st.sampled_from([part.name for part in day]), unique=True).map(tuple) if day else st.just(())
    sections: list[SectionDraft] = []
    for name in _distinct(draw(st.lists(NAMES, min_size=1, max_size=3))):
        items = [
            ItemDraft(
                code=f"c{next(codes)}",
                name=draw(NAMES),
                name_zh=draw(st.one_of(st.just(""), NAMES)),
                description=draw(TEXTS),
                description_zh=draw(TEXTS),
                price=draw(PRICES),
                allergens=tuple(draw(st.lists(st.sampled_from(ALLERGENS), unique=True, max_size=3))),
                tags=tuple(draw(st.lists(st.sampled_from(TAGS), unique=True, max_size=3))),
                hidden=draw(st.booleans()),
                sold_out=draw(st.booleans()),
                channels=draw(CHANNEL_LISTS),
                dayparts=draw(when),
                station=draw(st.one_of(st.just(""), NAMES)),
                per_day=draw(st.one_of(st.none(), st.integers(0, 9_999))),
                groups=draw(groups()),
            )
            for _ in range(draw(st.integers(0 if sections else 1, 3)))
        ]
        station = draw(st.one_of(st.just(""), NAMES))
        sections.append(
            SectionDraft(
                name=name,
                station=station,
                hidden=draw(st.booleans()),
                channels=draw(CHANNEL_LISTS),
                dayparts=draw(when),
                course=draw(st.sampled_from(COURSES)),
                items=tuple(items),
            )
        )
    return MenuDraft(sections=tuple(sections), dayparts=day)


@settings(max_examples=100, deadline=None)
@given(menus(), st.sampled_from(["USD", "JPY"]))
def test_any_menu_comes_back_from_csv_as_it_went(draft: MenuDraft, currency: str) -> None:
    assert read_csv(write_csv(draft, currency), currency) == Read(draft)


@settings(max_examples=100, deadline=None)
@given(menus(), st.sampled_from(["USD", "JPY"]))
def test_any_menu_comes_back_from_json_as_it_went(draft: MenuDraft, currency: str) -> None:
    assert read_json(write_json(draft, currency), currency) == Read(draft)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)), st.sampled_from(["m.csv", "m.json"]))
def test_no_file_at_all_can_break_the_reader(content: bytes, name: str) -> None:
    assert isinstance(read_menu(content, name, "USD"), Read | Unreadable)


def problems(text: str, name: str = "menu.csv") -> list[tuple[int, str, str]]:
    """What the reader says of a file: line, column, text."""
    found = read_menu(text.encode(), name, "USD")
    assert isinstance(found, Unreadable), found
    return [(one.line, one.column, one.msgid.format(**one.values)) for one in found.problems]


CSV = "section,code,name,price,allergens,choice_group,choose_min,choose_max,choice,choice_price,hidden\n"


@pytest.mark.parametrize(
    ("rows", "line", "column", "says"),
    [
        ('Noodles,b,Beef,"9,50",,,,,,,', 2, "price", "“9,50” is not a price"),
        ("Noodles,b,Beef,,,,,,,,", 2, "price", "Write a price such as 12.50"),
        ("Noodles,b,Beef,-1,,,,,,,", 2, "price", "can't be below zero"),
        ("Noodles,b,Beef,9.505,,,,,,,", 2, "price", "is not a price"),
        ("Noodles,b,,9.50,,,,,,,", 2, "name", "has no name"),
        (",b,Beef,9.50,,,,,,,", 2, "section", "needs a section"),
        ("Noodles,b!,Beef,9.50,,,,,,,", 2, "code", "letters, digits, dots and dashes"),
        ("Noodles,b,Beef,9.50,,,,,,,\nNoodles,b,Tea,2.00,,,,,,,", 3, "code", "was used in line 2 already"),
        ("Noodles,b,Beef,9.50,grass,,,,,,", 2, "allergens", "“grass” is not known here. Use: gluten"),
        ("Noodles,b,Beef,9.50,,,,,,,perhaps", 2, "hidden", "neither yes nor no"),
        ("Noodles,b,Beef,9.50,,Size,2,1,Big,,", 2, "choose_min", "can't be more than at most"),
        ("Noodles,b,Beef,9.50,,Size,one,1,Big,,", 2, "choose_min", "is not a number"),
        ("Noodles,b,Beef,9.50,,Size,2,2,Big,,", 2, "choose_min", "fewer choices"),
        ("Noodles,b,Beef,9.50,,Size,,,Big,,\n,,,,,,,,Big,,", 2, "choice", "“Big” is there twice"),
        ("Noodles,b,Beef,9.50,,,,,,,\n,,,,,,,,Egg,1.00,", 3, "choice_group", "has no group"),
        (",,,,,Size,,,Big,,", 2, "choice", "no dish above"),
        ("Noodles,b,Beef,9.50,,Size,,,Big,much,", 2, "choice_price", "“much” is not a price"),
        ("Noodles,b,Beef,9.50,,,,,,,,,too many", 2, "", "too many cells"),
        ('Noodles,b,"Beef,9.50,,,,,,,', 2, "", "Quotes do not match"),
        ("Noodles,b," + "B" * 81 + ",9.50,,,,,,,", 2, "name", "At most".lower()),
    ],
)
def test_a_faulty_csv_names_line_column_and_what_to_do(rows: str, line: int, column: str, says: str) -> None:
    found = problems(CSV + rows + "\n")
    assert any(one[:2] == (line, column) and says in one[2] for one in found), found


def test_every_fault_of_a_file_is_told_at_once_in_the_order_of_lines() -> None:
    found = problems(CSV + "Noodles,a,Beef,x,,,,,,,\nNoodles,b,Fish,9,,,,,,,\nNoodles,c,,9,grass,,,,,,\n")
    assert [(line, column) for line, column, _ in found] == [(2, "price"), (4, "name"), (4, "allergens")]


def test_a_file_with_very_many_faults_says_how_many_more_there_are() -> None:
    found = read_menu((CSV + "Noodles,,Beef,x,,,,,,,\n" * 150).encode(), "menu.csv", "USD")
    assert isinstance(found, Unreadable)
    assert (len(found.problems), found.more > 0) == (100, True)


@pytest.mark.parametrize(
    ("heading", "says"),
    [
        ("section,name,cost", "“cost” is not a column"),
        ("section,name", "The column “price” is missing"),
        ("section,name,price,name", "there twice"),
    ],
)
def test_a_wrong_heading_is_told_before_anything_else(heading: str, says: str) -> None:
    assert any(line == 1 and says in text for line, _, text in problems(heading + "\nA,B,1\n"))


@pytest.mark.parametrize(
    "content",
    [
        "section;name;price\r\n面;牛肉面;9.50\r\n".encode("utf-8-sig"),
        "section\tname\tprice\n面\t牛肉面\t9.50\n".encode("utf-16"),
        "section,name,price\n面,牛肉面,9.50\n".encode("gb18030"),
        "Section, Name ,Price\n面,牛肉面,9.5\n".encode(),
    ],
)
def test_what_spreadsheets_write_is_read(content: bytes) -> None:
    found = read_menu(content, "menu.csv", "USD")
    assert isinstance(found, Read), found
    (section,) = found.draft.sections
    assert (section.name, section.items[0].name, section.items[0].price) == ("面", "牛肉面", 950)


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "menu.csv", "empty"),
        (b"PK\x03\x04", "menu.xlsx", "spreadsheet"),
        (b"\xff\xfe\x00", "menu.csv", "not text"),
        (b"a" * 2_000_001, "menu.csv", "too large"),
        (b"[" * 50_000, "menu.json", "not a menu"),
        (b"section,name,price\n", "menu.csv", "no dish"),
    ],
)
def test_a_file_that_is_no_menu_is_refused_with_a_sentence(content: bytes, name: str, says: str) -> None:
    found = read_menu(content, name, "USD")
    assert isinstance(found, Unreadable)
    assert says in str(found.problems[0])


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ('{"sections": [\n {"name": "A"\n "items": []}]}', 3, "2", "not JSON"),
        ('{"sections": [{"name": "A", "items": [\n {"name": "B", "price": 9.505}]}]}', 2, "price", "is not a price"),
        ('{"sections": [{"name": "A", "items": [\n {"name": "B", "price": true}]}]}', 2, "price", "is not a price"),
        ('{"sections": [{"name": "A", "items": [\n {"name": "B", "prize": "1"}]}]}', 2, "prize", "is not known here"),
        ('{"sections": [\n{"name": 7}]}', 2, "name", "text in quotes"),
        ('{"sections": [\n{"name": "A", "hidden": "yes"}]}', 2, "hidden", "true or false"),
        ('{"sections": {"name": "A"}}', 1, "sections", "list of objects"),
        ('{"sections": [\n{"name": "A", "name": "B"}]}', 2, "name", "there twice"),
        ('{"currency": "EUR", "sections": []}', 1, "currency", "is in EUR, but the shop sells in USD"),
        ("[1, 2]", 1, "", "object with sections"),
    ],
)
def test_a_faulty_json_names_line_and_field(text: str, line: int, column: str, says: str) -> None:
    found = problems(text, "menu.json")
    assert any(one[:2] == (line, column) and says in one[2] for one in found), found


def test_a_number_in_json_is_read_as_it_is_written() -> None:
    found = read_json('{"sections": [{"name": "A", "items": [{"name": "B", "price": 0.29}]}]}', "USD")
    assert isinstance(found, Read)
    assert found.draft.sections[0].items[0].price == 29


def test_a_name_that_looks_like_a_formula_is_written_as_text() -> None:
    item = ItemDraft(code="x", name="=HYPERLINK(1)", price=100)
    text = write_csv(MenuDraft(sections=(SectionDraft(name="A", items=(item,)),)), "USD")
    assert "'=HYPERLINK(1)" in text


@pytest.mark.parametrize("as_json", [False, True])
async def test_an_export_goes_back_in_and_changes_nothing(database: Database, as_json: bool) -> None:  # noqa: FBT001
    await noodle_house_menu(database)
    async with database.reading() as rows:
        before = await menu(rows, STORE)
        content = await export_menu(rows, STORE, as_json=as_json)
    stored = await import_menu(database, STORE, content, "menu", retire_others=True)
    assert stored == Stored(added=0, changed=4, retired=0)
    async with database.reading() as rows:
        assert (await menu(rows, STORE)).sections == before.sections


async def test_a_file_with_one_fault_changes_nothing(database: Database) -> None:
    before = await noodle_house_menu(database)
    content = (CSV + "Noodles,new,New,1.00,,,,,,,\nNoodles,beef,Beef noodles,free,,,,,,,\n").encode()
    assert isinstance(await import_menu(database, STORE, content, "menu.csv"), Unreadable)
    async with database.reading() as rows:
        assert await menu(rows, STORE) is before


async def test_a_file_with_one_more_dish_leaves_its_section_as_it_was(database: Database) -> None:
    before = await noodle_house_menu(database)
    section = before.sections[-1]
    content = f"section,name,price\n{section.name},One more,4.50\n".encode()
    assert await import_menu(database, STORE, content, "menu.csv") == Stored(added=1, changed=0, retired=0)
    async with database.reading() as rows:
        after = (await menu(rows, STORE)).sections
    assert [(one.name, one.name_zh, one.course) for one in after] == [
        (one.name, one.name_zh, one.course) for one in before.sections
    ]
    assert [item.name for item in after[-1].items] == [*(item.name for item in section.items), "One more"]


async def test_a_menu_goes_into_an_empty_shop(database: Database) -> None:
    async with database.transaction() as tx:
        await open_menu(tx, STORE, "USD")
    content = write_json(noodle_house(), "USD").encode()
    assert await import_menu(database, STORE, content, "menu.json") == Stored(added=4, changed=0, retired=0)


def test_files_know_every_course_that_kitchens_know() -> None:
    assert set(COURSES) == {course.value for course in Course}


@pytest.mark.parametrize(
    ("rows", "line", "column", "says"),
    [
        (
            "Food,b,Beef,9,Brunch,,,,,",
            2,
            "dayparts",
            "no part of the day called “Brunch”. Write when it is, or one of: –",
        ),
        ("Food,b,Beef,9,,drone,,,,", 2, "channels", "“drone” is not known here. Use: table, tablet"),
        (",,,,,,,Brunch,9-11,", 2, "daypart_hours", "“9-11” is not a span of the day. Write it as 07:00-11:00"),
        (",,,,,,,Brunch,9:00-11:00,Someday", 2, "daypart_days", "“Someday” are not days"),
        ("Food,b,Beef,9,,,lunch,,,", 2, "course", "“lunch” is not known here. Use: drinks, starter, main, dessert"),
        (",,,,,,,A;B,9:00-11:00,", 2, "daypart", "no commas, semicolons"),
        (",,,,,,,A,9:00-11:00,\n,,,,,,,A,9:00-11:00,", 3, "daypart", "“A” is there twice"),
    ],
)
def test_limits_that_nobody_knows_are_named_with_their_line(rows: str, line: int, column: str, says: str) -> None:
    heading = "section,code,name,price,dayparts,channels,course,daypart,daypart_hours,daypart_days\n"
    found = problems(heading + rows + "\nFood,tea,Tea,2,,,,,,")
    assert any((at, where) == (line, column) and says in text for at, where, text in found), found


async def test_a_file_may_name_the_parts_of_the_day_that_the_shop_has(database: Database) -> None:
    await noodle_house_menu(database)
    first = b"section,name,price,dayparts,daypart,daypart_hours\n,,,,Lunch,11:30-14:30\nFood,Set,9,Lunch,,\n"
    assert isinstance(await import_menu(database, STORE, first, "a.csv"), Stored)
    second = b"section,name,price,dayparts\nFood,Soup,4,Lunch\n"
    assert isinstance(await import_menu(database, STORE, second, "b.csv"), Stored)
    async with database.reading() as rows:
        stored = await menu(rows, STORE)
    soup = next(item for section in stored.sections for item in section.items if item.name == "Soup")
    assert [part.id for part in stored.dayparts if part.name == "Lunch"] == list(soup.dayparts)


MENU = "section,name,name_zh,price\r\nDesserts,Crème brûlée,焦糖布丁,6.50\r\n"
WESTERN = "section;name;price\r\nDesserts;Crème brûlée à l’orange;6,50\r\nBoissons;Café crème;2,80\r\n"
CHINESE = "section,name,price\r\n面,牛肉面（大）,9.50\r\n饮料,茶,2.00\r\n"


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (MENU.encode("utf-8-sig"), ["Crème brûlée"]),
        (MENU.encode("utf-16"), ["Crème brûlée"]),
        (MENU.replace("\r\n", "\n").encode(), ["Crème brûlée"]),
        (WESTERN.encode("cp1252"), ["Crème brûlée à l’orange", "Café crème"]),
        (("sep=;\r\n" + WESTERN).encode("utf-8-sig"), ["Crème brûlée à l’orange", "Café crème"]),
        (CHINESE.encode("gbk"), ["牛肉面（大）", "茶"]),
    ],
    ids=["Excel UTF-8", "UTF-16", "plain", "Western Excel", "sep line", "Chinese Excel"],
)
def test_a_file_that_a_spreadsheet_saved_is_read_in_its_own_letters(content: bytes, names: list[str]) -> None:
    found = read_menu(content, "menu.csv", "USD")
    assert isinstance(found, Read), found
    assert [item.name for section in found.draft.sections for item in section.items] == names


def test_letters_that_could_be_two_things_are_asked_about() -> None:
    content = b"section,name,price\nFood,\xe9\xe8\xe7\xe0 cr\xe8me,9\n"
    found = read_menu(content, "menu.csv", "USD")
    assert isinstance(found, Unreadable)
    assert "Save it as “CSV UTF-8”" in str(found.problems[0])


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Mon-Fri", (0, 1, 2, 3, 4)),
        ("周一至周五、周日", (0, 1, 2, 3, 4, 6)),
        ("Fri – Mon", (0, 4, 5, 6)),
        ("星期六 星期天", (5, 6)),
        ("6,7", (5, 6)),
        ("", (0, 1, 2, 3, 4, 5, 6)),
        ("Mon-Wed-Fri", None),
        ("weekend", None),
    ],
)
def test_days_are_read_as_people_write_them(text: str, days: tuple[int, ...] | None) -> None:
    assert days_in(text) == days


def test_brackets_in_a_name_are_letters() -> None:
    item = ItemDraft(code="x", name='["[[[[[[[[[[[[[[[[[[[[[[{', price=100)
    draft = MenuDraft(sections=(SectionDraft(name="A", items=(item,)),))
    assert read_json(write_json(draft, "USD"), "USD") == Read(draft)


@pytest.mark.parametrize("currency", ["USD", "JPY"])
def test_the_example_file_goes_in_as_it_is(currency: str) -> None:
    assert read_menu(write_csv(EXAMPLE, currency).encode("utf-8-sig"), "menu-example.csv", currency) == Read(EXAMPLE)
