"""The demo's menus: a noodle house and a tea house that we invented, and a burrito bar for want of real orders.

Each dish names how its picture is drawn (`demo.pictures`)."""

from __future__ import annotations

from dataclasses import dataclass

from saoma.food.menus.drafts import GroupDraft, ItemDraft, MenuDraft, OptionDraft, SectionDraft, code_for


@dataclass(frozen=True)
class Look:
    """How a dish is drawn: a painter and its ingredients' colours."""

    kind: str
    colours: tuple[str, ...]


def _group(name: str, name_zh: str, least: int, most: int, *options: tuple[str, str, int]) -> GroupDraft:
    return GroupDraft(
        name=name,
        name_zh=name_zh,
        min_choices=least,
        max_choices=most,
        options=tuple(OptionDraft(name=en, name_zh=zh, price_change=change) for en, zh, change in options),
    )


_HEAT = _group(
    "Heat", "辣度", 1, 1, ("Not hot", "不辣", 0), ("Mild", "微辣", 0), ("Hot", "中辣", 0), ("Very hot", "特辣", 0)
)
_SIZE = _group("Size", "大小", 1, 1, ("Regular", "标准", 0), ("Large", "大碗", 250))
_EXTRAS = _group(
    "Extras",
    "加料",
    0,
    4,
    ("Soft egg", "溏心蛋", 150),
    ("More beef", "加牛肉", 350),
    ("More noodles", "加面", 120),
    ("Coriander", "香菜", 0),
)
_SWEET = _group("Sugar", "甜度", 1, 1, ("No sugar", "无糖", 0), ("Half", "半糖", 0), ("Full", "全糖", 0))
_ICE = _group("Ice", "冰量", 1, 1, ("No ice", "去冰", 0), ("Less ice", "少冰", 0), ("Ice", "正常冰", 0))

_Dish = tuple[str, str, str, str, int, tuple[GroupDraft, ...], tuple[str, ...], tuple[str, ...], Look]

_NOODLES: list[_Dish] = [
    (
        "Beef noodle soup",
        "红烧牛肉面",
        "Braised shank, twelve hours of broth, pickled greens.",
        "慢炖牛腱，十二小时老汤，配酸菜。",
        1280,
        (_SIZE, _HEAT, _EXTRAS),
        ("gluten", "soya"),
        ("popular",),
        Look("noodles", ("8a4b2a", "a8583a", "5d8a3c", "f2efe6")),
    ),
    (
        "Dan dan noodles",
        "担担面",
        "Minced pork, sesame, Sichuan pepper.",
        "肉臊、芝麻酱、花椒香。",
        980,
        (_SIZE, _HEAT),
        ("gluten", "sesame", "peanuts"),
        ("spicy",),
        Look("noodles", ("a4452c", "7a3f22", "5d8a3c", "e8d9a0")),
    ),
    (
        "Tomato and egg noodles",
        "番茄鸡蛋面",
        "What everyone's grandmother cooks.",
        "家家外婆都会做的味道。",
        890,
        (_SIZE, _EXTRAS),
        ("gluten", "eggs"),
        ("vegetarian",),
        Look("noodles", ("c8553a", "f0c84b", "6fa04a")),
    ),
    (
        "Scallion oil noodles",
        "葱油拌面",
        "Shanghai style, dry tossed, quietly perfect.",
        "上海味道，拌匀了再吃。",
        780,
        (_SIZE,),
        ("gluten", "soya"),
        ("vegan",),
        Look("noodles", ("6b4a2a", "5d8a3c", "4f8a3c")),
    ),
]
_RICE: list[_Dish] = [
    (
        "Hainan chicken rice",
        "海南鸡饭",
        "Poached chicken, ginger, rice cooked in broth.",
        "白斩鸡、姜蓉、鸡油饭。",
        1180,
        (_SIZE,),
        ("soya",),
        ("popular",),
        Look("rice", ("f0d9b0", "6fa04a", "f0c84b")),
    ),
    (
        "Mapo tofu on rice",
        "麻婆豆腐盖饭",
        "Silken tofu, bean paste, a tingle that stays.",
        "嫩豆腐、郫县豆瓣，麻得久久。",
        950,
        (_HEAT,),
        ("soya",),
        ("spicy",),
        Look("rice", ("f6efe0", "c0392b", "6fa04a")),
    ),
    (
        "Char siu rice",
        "叉烧饭",
        "Honey roast pork, greens, soy egg.",
        "蜜汁叉烧、青菜、卤蛋。",
        1080,
        (_EXTRAS,),
        ("soya", "eggs"),
        (),
        Look("rice", ("b5413a", "4f8a3c", "f0c84b")),
    ),
]
_SMALL: list[_Dish] = [
    (
        "Pork and chive dumplings",
        "猪肉韭菜饺",
        "Seven of them, folded this morning.",
        "一笼七只，今早现包。",
        720,
        (),
        ("gluten", "soya"),
        ("popular",),
        Look("dumplings", ("d9481f",)),
    ),
    (
        "Smashed cucumber",
        "拍黄瓜",
        "Garlic, black vinegar, cold and loud.",
        "蒜蓉、陈醋，冰爽脆口。",
        480,
        (),
        ("sesame",),
        ("vegan",),
        Look("plate", ("79a84a", "5d8a3c")),
    ),
    (
        "Stir-fried greens",
        "清炒时蔬",
        "Whatever was best at the market.",
        "今天市场最好的那一把。",
        680,
        (),
        (),
        ("vegan",),
        Look("plate", ("4f8a3c", "79a84a")),
    ),
    (
        "Vegetable buns",
        "素菜包",
        "Shiitake, pak choi, glass noodles.",
        "香菇、青菜、粉丝。",
        560,
        (),
        ("gluten",),
        ("vegan",),
        Look("dumplings", ("4f8a3c",)),
    ),
]
_DRINKS: list[_Dish] = [
    (
        "Iced lemon tea",
        "冻柠茶",
        "Strong, sharp, refreshing.",
        "浓茶、鲜柠，一口醒神。",
        420,
        (_SWEET, _ICE),
        (),
        (),
        Look("glass", ("c7782d", "f0d24b")),
    ),
    (
        "Soy milk",
        "豆浆",
        "Ground fresh, warm or cold.",
        "现磨，冷热皆可。",
        300,
        (_SWEET,),
        ("soya",),
        ("vegan",),
        Look("glass", ("efe6d2",)),
    ),
    (
        "Sour plum juice",
        "酸梅汤",
        "Smoked plum, hawthorn, osmanthus.",
        "乌梅、山楂、桂花。",
        380,
        (_ICE,),
        (),
        ("vegan",),
        Look("glass", ("6b2436", "8a3a4a")),
    ),
]


def _section(name: str, name_zh: str, dishes: list[_Dish]) -> SectionDraft:
    items = tuple(
        ItemDraft(
            code=code_for(en),
            name=en,
            name_zh=zh,
            description=about,
            description_zh=about_zh,
            price=price,
            groups=groups,
            allergens=allergens,
            tags=tags,
        )
        for en, zh, about, about_zh, price, groups, allergens, tags, _ in dishes
    )
    return SectionDraft(name=name, name_zh=name_zh, items=items)


NOODLE_HOUSE = MenuDraft(
    sections=(
        _section("Noodles", "面", _NOODLES),
        _section("Rice", "饭", _RICE),
        _section("Small plates", "小吃", _SMALL),
        _section("Drinks", "饮料", _DRINKS),
    )
)

_TEAS: list[_Dish] = [
    (
        "Jasmine green tea",
        "茉莉绿茶",
        "Scented seven times with fresh blossom.",
        "七窨茉莉，香而不闷。",
        520,
        (_SWEET, _ICE),
        (),
        ("vegan", "popular"),
        Look("glass", ("a8a84a", "f2efe6")),
    ),
    (
        "Phoenix oolong",
        "凤凰单丛",
        "Roasted, with a scent of honey and orchid.",
        "炭焙蜜兰香，一泡一味。",
        780,
        (),
        (),
        ("vegan",),
        Look("glass", ("b5763a",)),
    ),
    (
        "Milk tea with pearls",
        "珍珠奶茶",
        "Black tea, fresh milk, pearls cooked every three hours.",
        "红茶、鲜奶，珍珠三小时一煮。",
        620,
        (_SWEET, _ICE),
        ("milk",),
        ("popular",),
        Look("glass", ("c79a6b", "3b2a20")),
    ),
]
_SWEETS: list[_Dish] = [
    (
        "Mung bean cakes",
        "绿豆糕",
        "Four of them, cool and crumbling.",
        "一份四块，清凉松软。",
        450,
        (),
        (),
        ("vegan",),
        Look("dumplings", ("a8b84a",)),
    ),
    (
        "Pineapple buns",
        "菠萝包",
        "Without pineapple, with butter.",
        "没有菠萝，只有黄油。",
        380,
        (),
        ("gluten", "milk", "eggs"),
        (),
        Look("dumplings", ("e0a83a",)),
    ),
    (
        "Sesame soup",
        "芝麻糊",
        "Black sesame, stone ground, warm.",
        "石磨黑芝麻，温热绵密。",
        480,
        (_SWEET,),
        ("sesame",),
        ("vegan",),
        Look("plate", ("3b3430", "5a4a40")),
    ),
]
TEA_HOUSE = MenuDraft(sections=(_section("Tea", "茶", _TEAS), _section("Sweets", "点心", _SWEETS)))

#: How the dishes of our own two menus are drawn, by code.
LOOKS: dict[str, Look] = {
    code_for(dish[0]): dish[-1] for dishes in (_NOODLES, _RICE, _SMALL, _DRINKS, _TEAS, _SWEETS) for dish in dishes
}

_FILLINGS = {"Chicken": "c98a4b", "Steak": "7a3f22", "Barbacoa": "6b2f1e", "Carnitas": "b5764a", "Veggie": "6fa04a"}


def burrito_look(name: str) -> Look:
    """How a dish of the burrito bar is drawn, told by the words in its name."""
    filling = next((colour for word, colour in _FILLINGS.items() if word in name), "c98a4b")
    beside = ("5d8a3c", "c0392b", "f3e3b0")
    if "Tacos" in name:
        return Look("tacos", (filling, *beside))
    if "Burrito" in name:
        return Look("wrap", (filling, *beside))
    if "Salad" in name:
        return Look("plate", ("4f8a3c", filling))
    if "Bowl" in name:
        return Look("rice", (filling, *beside))
    if "Guacamole" in name:
        return Look("chips", ("7fa046", "5d8a3c"))
    if "Green" in name:
        return Look("chips", ("8fae4e", "4f8a3c"))
    if "Corn" in name:
        return Look("chips", ("e0b640", "c0392b"))
    if "Chips" in name:
        return Look("chips", ("b8402e", "5d8a3c"))
    if "Water" in name:
        return Look("glass", ("bcd8e4",))
    return Look("glass", ("7a3a22", "f0d24b"))


#: Used when the real orders are not there: the same kind of kitchen, fewer dishes.
BURRITO_BAR_ORDERS = "order_id\tquantity\titem_name\tchoice_description\titem_price\n" + "".join(
    f"{number}\t{quantity}\t{name}\t{choices}\t${price} \n"
    for number, quantity, name, choices, price in (
        (1, 1, "Chicken Burrito", "[Tomato Salsa, [Rice, Black Beans, Cheese]]", "8.75"),
        (1, 1, "Chips and Guacamole", "NULL", "4.45"),
        (2, 1, "Chicken Burrito", "[Tomato Salsa, [Rice, Guacamole]]", "11.25"),
        (2, 2, "Canned Soft Drink", "[Lemonade]", "2.50"),
        (3, 1, "Steak Bowl", "[Corn Salsa, [Rice, Pinto Beans, Sour Cream]]", "9.25"),
        (3, 1, "Veggie Soft Tacos", "[Corn Salsa, [Lettuce, Cheese]]", "8.75"),
        (4, 1, "Carnitas Crispy Tacos", "[Tomato Salsa, [Lettuce, Cheese]]", "9.25"),
        (4, 1, "Veggie Salad", "[Tomato Salsa, [Lettuce, Black Beans]]", "8.49"),
        (5, 3, "Side of Chips", "NULL", "5.07"),
        (5, 1, "Bottled Water", "NULL", "1.50"),
        (6, 1, "Steak Burrito", "[Tomato Salsa, [Rice, Cheese, Sour Cream]]", "9.25"),
        (6, 1, "Barbacoa Bowl", "[Corn Salsa, [Rice, Guacamole, Lettuce]]", "11.75"),
    )
)
