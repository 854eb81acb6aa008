"""A real restaurant's order lines: read, checked, and turned into the menu that reproduces every price to the cent.

The file's `item_price` is the price of the whole line, quantity included, as in the public Chipotle data set."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from saoma.food.menus.drafts import MOST_OPTIONS, GroupDraft, ItemDraft, MenuDraft, OptionDraft, SectionDraft, code_for
from saoma.kit.errors import Invalid
from saoma.kit.money import Money, total

CURRENCY = "USD"
COLUMNS = ("order_id", "quantity", "item_name", "choice_description", "item_price")
PORTION = "Portion"
WITH = "With"

#: What portions of one dish are called, from the cheapest, by how many there are; the file knows only their prices.
_SIZES = {
    "Mini": "迷你份",
    "Small": "小份",
    "Regular": "标准份",
    "Medium": "中份",
    "Large": "大份",
    "Extra large": "特大份",
    "Family": "家庭份",
}
_SIZES_OF = {
    2: ("Regular", "Large"),
    3: ("Small", "Regular", "Large"),
    4: ("Small", "Regular", "Large", "Extra large"),
    5: ("Mini", "Small", "Regular", "Large", "Extra large"),
    6: ("Mini", "Small", "Regular", "Large", "Extra large", "Family"),
    7: tuple(_SIZES),
}

#: Sections by words of a dish's name, first match wins, and the words' Chinese.
_SECTIONS = (
    ("Burritos", "卷饼", ("Burrito",)),
    ("Bowls", "饭碗", ("Salad Bowl", "Bowl")),
    ("Tacos", "塔可", ("Tacos",)),
    ("Salads", "沙拉", ("Salad",)),
    ("Drinks", "饮料", ("Soda", "Drink", "Water", "Izze", "Nectar")),
    ("Chips and sides", "薯片小食", ("",)),
)
_WORDS = (
    ("Chips and Roasted Chili Corn Salsa", "薯片配烤辣玉米莎莎酱"),
    ("Chips and Roasted Chili-Corn Salsa", "薯片配烤辣玉米莎莎酱（旧价）"),
    ("Chips and Tomatillo-Green Chili Salsa", "薯片配青番茄绿辣莎莎酱（旧价）"),
    ("Chips and Tomatillo Green Chili Salsa", "薯片配青番茄绿辣莎莎酱"),
    ("Chips and Tomatillo-Red Chili Salsa", "薯片配青番茄红辣莎莎酱（旧价）"),
    ("Chips and Tomatillo Red Chili Salsa", "薯片配青番茄红辣莎莎酱"),
    ("Chips and Mild Fresh Tomato Salsa", "薯片配微辣番茄莎莎酱"),
    ("Chips and Fresh Tomato Salsa", "薯片配鲜番茄莎莎酱"),
    ("Chips and Guacamole", "薯片配牛油果酱"),
    ("Side of Chips", "加点薯片"),
    ("6 Pack Soft Drink", "六罐装汽水"),
    ("Canned Soft Drink", "罐装汽水"),
    ("Canned Soda", "罐装苏打"),
    ("Bottled Water", "瓶装水"),
    ("Nectar", "果露"),
    ("Salad Bowl", "沙拉碗"),
    ("Soft Tacos", "软塔可"),
    ("Crispy Tacos", "脆塔可"),
    ("Chicken", "鸡肉"),
    ("Steak", "牛排"),
    ("Barbacoa", "慢炖牛肉"),
    ("Carnitas", "慢炖猪肉"),
    ("Veggie", "素菜"),
    ("Burrito", "卷饼"),
    ("Bowl", "饭碗"),
    ("Salad", "沙拉"),
    ("Chips", "薯片"),
)


#: What is chosen to go with a dish, as the orders spell it.
_CHOSEN = {
    "Rice": "米饭",
    "White Rice": "白米饭",
    "Brown Rice": "糙米饭",
    "Cilantro-Lime Rice": "香菜青柠饭",
    "Cheese": "芝士",
    "Lettuce": "生菜",
    "Sour Cream": "酸奶油",
    "Guacamole": "牛油果酱",
    "Black Beans": "黑豆",
    "Vegetarian Black Beans": "素黑豆",
    "Pinto Beans": "花豆",
    "Fajita Vegetables": "彩椒洋葱",
    "Fajita Veggies": "彩椒洋葱",
    "Salsa": "莎莎酱",
    "Tomato Salsa": "番茄莎莎酱",
    "Fresh Tomato Salsa": "鲜番茄莎莎酱",
    "Fresh Tomato Salsa (Mild)": "鲜番茄莎莎酱（微辣）",
    "Fresh Tomato (Mild)": "鲜番茄（微辣）",
    "Roasted Chili Corn": "烤辣玉米",
    "Roasted Chili Corn (Medium)": "烤辣玉米（中辣）",
    "Roasted Chili Corn Salsa": "烤辣玉米莎莎酱",
    "Roasted Chili Corn Salsa (Medium)": "烤辣玉米莎莎酱（中辣）",
    "Tomatillo Red Chili (Hot)": "青番茄红辣酱（特辣）",
    "Tomatillo Red Chili Salsa": "青番茄红辣莎莎酱",
    "Tomatillo-Red Chili Salsa (Hot)": "青番茄红辣莎莎酱（特辣）",
    "Tomatillo Green Chili (Medium)": "青番茄绿辣酱（中辣）",
    "Tomatillo Green Chili Salsa": "青番茄绿辣莎莎酱",
    "Tomatillo-Green Chili Salsa (Medium)": "青番茄绿辣莎莎酱（中辣）",
    "Adobo-Marinated and Grilled Chicken": "腌烤鸡肉",
    "Adobo-Marinated and Grilled Steak": "腌烤牛排",
    "Braised Barbacoa": "慢炖牛肉",
    "Braised Carnitas": "慢炖猪肉",
    "Coke": "可乐",
    "Coca Cola": "可口可乐",
    "Diet Coke": "健怡可乐",
    "Sprite": "雪碧",
    "Lemonade": "柠檬汽水",
    "Nestea": "冰红茶",
    "Mountain Dew": "激浪",
    "Dr. Pepper": "胡椒博士",
    "Diet Dr. Pepper": "无糖胡椒博士",
    "Blackberry": "黑莓",
    "Clementine": "小柑橘",
    "Grapefruit": "西柚",
    "Apple": "苹果",
    "Peach Orange": "桃子橙子",
    "Pineapple Orange Banana": "菠萝橙子香蕉",
    "Pomegranate Cherry": "石榴樱桃",
}


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line: a dish, how many, what was chosen, and the price of the whole line."""

    item: str
    quantity: int
    choices: tuple[str, ...]
    price: Money

    @property
    def unit(self) -> Money:
        """The price of one piece; lines whose price can't be divided evenly are refused when reading."""
        return Money(self.price.minor // self.quantity, self.price.currency)


@dataclass(frozen=True, slots=True)
class Order:
    """What one table ordered."""

    number: str
    lines: tuple[OrderLine, ...]

    @property
    def total(self) -> Money:
        """What it comes to."""
        return total((line.price for line in self.lines), CURRENCY)


def _choices(text: str) -> tuple[str, ...]:
    words = [word.strip() for word in text.replace("[", " ").replace("]", " ").split(",")]
    return tuple(word[:80] for word in words if word and text not in ("NULL", ""))


def read_orders(path: Path) -> list[Order]:
    """All orders of the file, in its order. Raises `Invalid` naming the line that is wrong and why."""
    grouped: dict[str, list[OrderLine]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t")
            if reader.fieldnames is None or not set(COLUMNS) <= set(reader.fieldnames):
                raise Invalid(f"{path}: the first line must name the columns {', '.join(COLUMNS)}, separated by tabs")
            for number, row in enumerate(reader, start=2):
                try:
                    grouped.setdefault(row["order_id"], []).append(_line(row))
                except (Invalid, ValueError, AttributeError, TypeError) as error:
                    raise Invalid(f"{path}, line {number}: {error}") from None
    except UnicodeDecodeError:
        raise Invalid(f"{path} is not UTF-8 text") from None
    except OSError as error:
        raise Invalid(f"{path} can't be read: {error.strerror}") from None
    if not grouped:
        raise Invalid(f"{path} holds no orders")
    return [Order(number, tuple(lines)) for number, lines in grouped.items()]


def _line(row: dict[str, str]) -> OrderLine:
    quantity = int(row["quantity"])
    price = Money.parse(row["item_price"].strip().removeprefix("$"), CURRENCY)
    if not 1 <= quantity <= 99:
        raise Invalid(f"a quantity of {quantity} is not between 1 and 99")
    if price.minor % quantity:
        raise Invalid(f"{price.text} can't be divided evenly by {quantity}")
    return OrderLine(row["item_name"].strip(), quantity, _choices(row["choice_description"]), price)


def fingerprint(path: Path) -> str:
    """Names the file's content, so that a replay knows which orders it has played before."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def in_chinese(name: str) -> str:
    """A dish's name for Chinese readers, made from the words it is known by; the name itself where none is known."""
    for word, chinese in _WORDS:
        name = name.replace(word, chinese)
    return "".join(name.split()) if any("\u4e00" <= letter <= "\u9fff" for letter in name) else name


def section_of(name: str) -> tuple[str, str]:
    """The heading a dish belongs under, in both languages."""
    return next((english, chinese) for english, chinese, words in _SECTIONS if any(word in name for word in words))


def menu_of(orders: Iterable[Order]) -> MenuDraft:
    """The menu behind these orders: each dish at its lowest price, dearer portions and every choice as options."""
    prices: dict[str, Counter[int]] = defaultdict(Counter)
    choices: dict[str, Counter[str]] = defaultdict(Counter)
    for order in orders:
        for line in order.lines:
            prices[line.item][line.unit.minor] += 1
            choices[line.item].update(set(line.choices))
    by_section: dict[tuple[str, str], list[ItemDraft]] = {section[:2]: [] for section in _SECTIONS}
    for name in sorted(prices, key=lambda each: -sum(prices[each].values())):
        by_section[section_of(name)].append(_dish(name, sorted(prices[name]), choices[name]))
    return MenuDraft(
        sections=tuple(
            SectionDraft(name=english, name_zh=chinese, items=tuple(items))
            for (english, chinese), items in by_section.items()
            if items
        )
    )


def _portions(prices: Sequence[int]) -> tuple[OptionDraft, ...]:
    numbered = tuple(f"Size {number}" for number in range(1, len(prices) + 1))
    names = _SIZES_OF.get(len(prices), numbered)
    return tuple(
        OptionDraft(
            name=name, name_zh=_SIZES.get(name) or name.replace("Size ", "第 ") + " 档", price_change=price - prices[0]
        )
        for name, price in zip(names, prices, strict=True)
    )


def _dish(name: str, prices: Sequence[int], choices: Counter[str]) -> ItemDraft:
    groups = []
    if len(prices) > 1:
        portions = _portions(prices)
        groups.append(GroupDraft(name=PORTION, name_zh="份量", min_choices=1, max_choices=1, options=portions))
    common = [choice for choice, _ in choices.most_common(MOST_OPTIONS)]
    if common:
        options = tuple(OptionDraft(name=choice, name_zh=_CHOSEN.get(choice, "")) for choice in common)
        groups.append(GroupDraft(name=WITH, name_zh="配料", max_choices=len(common), options=options))
    # Two long names may begin alike, so the whole name is told apart by its digest.
    code = f"{code_for(name)}-{hashlib.sha256(name.encode()).hexdigest()[:5]}"
    return ItemDraft(code=code, name=name, name_zh=in_chinese(name), price=prices[0], groups=tuple(groups))


def options_of(line: OrderLine, item: ItemDraft) -> list[tuple[str, str]]:
    """Which options, as (group, option), order this line exactly: its portion by price, and its choices."""
    chosen = []
    for group in item.groups:
        names = {option.name for option in group.options}
        if group.name == PORTION:
            change = line.unit.minor - item.price
            chosen.append((PORTION, next(option.name for option in group.options if option.price_change == change)))
        else:
            chosen += [(group.name, choice) for choice in dict.fromkeys(line.choices) if choice in names]
    return chosen
