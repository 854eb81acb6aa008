"""A small menu that shows what a file may say: parts of the day, limits, counts, choices, both languages.

Prices are minor units of whatever currency the shop has; somebody imports it to try, and removes it again."""

from __future__ import annotations

from typing import Final

from saoma.food.dayparts import Daypart
from saoma.food.menus.drafts import GroupDraft, ItemDraft, MenuDraft, OptionDraft, SectionDraft

_SIZE: Final = GroupDraft(
    name="Size",
    name_zh="份量",
    min_choices=1,
    options=(
        OptionDraft(name="Regular", name_zh="标准"),
        OptionDraft(name="Large", name_zh="大份", price_change=150),
    ),
)
EXAMPLE: Final = MenuDraft(
    dayparts=(
        Daypart(id="", name="Breakfast", name_zh="早餐", starts=7 * 60, ends=11 * 60),
        Daypart(id="", name="Lunch", name_zh="午市", starts=690, ends=870, days=(0, 1, 2, 3, 4)),
    ),
    sections=(
        SectionDraft(
            name="Noodles",
            name_zh="面",
            station="Wok",
            course="main",
            items=(
                ItemDraft(
                    code="beef-noodles",
                    name="Beef noodles",
                    name_zh="牛肉面",
                    description="Slow-cooked shank, clear broth.",
                    description_zh="慢炖牛腱，清汤。",
                    price=950,
                    allergens=("gluten", "soya"),
                    tags=("popular",),
                    groups=(_SIZE,),
                ),
                ItemDraft(
                    code="lunch-set",
                    name="Lunch set",
                    name_zh="午市套餐",
                    price=1200,
                    channels=("table", "counter"),
                    dayparts=("Lunch",),
                    per_day=30,
                ),
            ),
        ),
        SectionDraft(
            name="Mornings",
            name_zh="早点",
            dayparts=("Breakfast",),
            items=(ItemDraft(code="congee", name="Congee", name_zh="粥", price=500, station="Cold kitchen"),),
        ),
        SectionDraft(
            name="Drinks",
            name_zh="饮料",
            course="drinks",
            items=(ItemDraft(code="jasmine-tea", name="Jasmine tea", name_zh="茉莉花茶", price=200, tags=("vegan",)),),
        ),
    ),
)
