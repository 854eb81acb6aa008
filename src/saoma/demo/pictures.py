"""Dish pictures for the demo, drawn rather than photographed: bowls, plates and wraps from above, as if cut from paper.

The same name always gives the same picture, so a second set-up changes nothing."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw, ImageFilter

_SIZE = 800
_FINE = 2

Colour = tuple[int, int, int]
Painter = Callable[["Table", Sequence[Colour]], None]


def _hex(text: str) -> Colour:
    return (int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16))


CLOTHS = [_hex(c) for c in ("f3e3cf", "e9ddd3", "dfe6da", "f2d9cc", "e4dfcf", "d9e2e4")]
INK = _hex("14213d")


class Table:
    """A tablecloth to lay things on; coordinates run from -1 to 1 with the dish in the middle."""

    def __init__(self, name: str) -> None:
        self.dice = random.Random(name)
        cloth = self.dice.choice(CLOTHS)
        self.image = Image.new("RGB", (_SIZE * _FINE, _SIZE * _FINE), cloth)
        self.draw = ImageDraw.Draw(self.image)
        thread = tuple(max(0, part - 9) for part in cloth)
        for step in range(0, _SIZE * _FINE, 44):
            self.draw.line([(step, 0), (step, _SIZE * _FINE)], fill=thread, width=2)
            self.draw.line([(0, step), (_SIZE * _FINE, step)], fill=thread, width=2)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a point."""
        half = _SIZE * _FINE / 2
        return (half + x * half, half + y * half)

    def shadow(self, x: float, y: float, radius: float, depth: float = 0.05) -> None:
        """The soft shadow of something round."""
        # Nothing in it is sharp: drawn at a quarter of the size it looks the same and takes a tenth of the time.
        coarse = 4
        layer = Image.new("L", (_SIZE * _FINE // coarse, _SIZE * _FINE // coarse), 0)
        corners = *self.at(x - radius, y - radius + depth), *self.at(x + radius, y + radius + depth)
        ImageDraw.Draw(layer).ellipse([corner / coarse for corner in corners], fill=95)
        layer = layer.filter(ImageFilter.GaussianBlur(26 / coarse)).resize(self.image.size, Image.Resampling.BILINEAR)
        self.image.paste(INK, (0, 0), layer)

    def disc(self, x: float, y: float, radius: float, colour: Colour, *, flat: float = 1.0) -> None:
        """A filled circle, or an ellipse when `flat` is below 1."""
        (left, top), (right, bottom) = self.at(x - radius, y - radius * flat), self.at(x + radius, y + radius * flat)
        self.draw.ellipse([left, top, right, bottom], fill=colour)

    def shape(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        """A filled outline."""
        self.draw.polygon([self.at(x, y) for x, y in points], fill=colour)

    def stroke(self, points: Sequence[tuple[float, float]], colour: Colour, width: float) -> None:
        """A line with round joints."""
        pixels = [self.at(x, y) for x, y in points]
        thick = int(width * _SIZE * _FINE / 2)
        self.draw.line(pixels, fill=colour, width=thick, joint="curve")
        for x, y in (pixels[0], pixels[-1]):
            self.draw.ellipse([x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2], fill=colour)

    def inside(self, radius: float) -> tuple[float, float]:
        """A random point within a circle around the middle."""
        angle, far = self.dice.random() * math.tau, math.sqrt(self.dice.random()) * radius
        return (far * math.cos(angle), far * math.sin(angle))

    def leaf(self, x: float, y: float, length: float, angle: float, colour: Colour) -> None:
        """A pointed oval."""
        edge = []
        for step in range(21):
            along = step / 20
            wide = math.sin(along * math.pi) * length * 0.26
            edge.append((along * length - length / 2, wide))
        outline = edge + [(px, -py) for px, py in reversed(edge)]
        turned = [
            (x + px * math.cos(angle) - py * math.sin(angle), y + px * math.sin(angle) + py * math.cos(angle))
            for px, py in outline
        ]
        self.shape(turned, colour)


def lighter(colour: Colour, by: int) -> Colour:
    """The colour with every part raised (or lowered) by `by`."""
    red, green, blue = (min(255, max(0, part + by)) for part in colour)
    return (red, green, blue)


def _vessel(table: Table, rim: Colour, filling: Colour, radius: float = 0.74) -> None:
    table.shadow(0, 0, radius)
    table.disc(0, 0, radius, rim)
    table.disc(0, 0, radius - 0.035, lighter(rim, 14))
    table.disc(0, 0, radius - 0.10, lighter(rim, -26))
    table.disc(0, 0.012, radius - 0.115, filling)


def _toppings(table: Table, colours: Sequence[Colour], reach: float = 0.42) -> None:
    kinds = [_slices, _greens, _cubes, _seeds]
    for number, colour in enumerate(colours):
        angle = number * math.tau / max(1, len(colours)) + table.dice.random() * 0.5
        x, y = reach * 0.68 * math.cos(angle), reach * 0.68 * math.sin(angle)
        kinds[(number + table.dice.randrange(2)) % len(kinds)](table, x, y, colour)


def _slices(table: Table, x: float, y: float, colour: Colour) -> None:
    for step in range(4):
        table.disc(x + step * 0.075 - 0.11, y + step * 0.045 - 0.07, 0.155, lighter(colour, -30))
        table.disc(x + step * 0.075 - 0.116, y + step * 0.045 - 0.078, 0.146, colour)
    table.disc(x + 0.11, y + 0.06, 0.07, lighter(colour, 26))


def _greens(table: Table, x: float, y: float, colour: Colour) -> None:
    for _ in range(9):
        dx, dy = table.inside(0.16)
        table.leaf(x + dx, y + dy, 0.33, table.dice.random() * math.tau, lighter(colour, table.dice.randrange(-24, 24)))


def _cubes(table: Table, x: float, y: float, colour: Colour) -> None:
    for _ in range(15):
        dx, dy = table.inside(0.21)
        size, turn = 0.058, table.dice.random()
        corners = [(math.cos(turn + k * math.pi / 2), math.sin(turn + k * math.pi / 2)) for k in range(4)]
        shade = lighter(colour, table.dice.randrange(-22, 22))
        table.shape([(x + dx + cx * size, y + dy + cy * size) for cx, cy in corners], shade)


def _seeds(table: Table, x: float, y: float, colour: Colour) -> None:
    for _ in range(26):
        dx, dy = table.inside(0.2)
        table.leaf(
            x + dx, y + dy, 0.045, table.dice.random() * math.tau, lighter(colour, table.dice.randrange(-20, 20))
        )


def _strands(table: Table, colour: Colour, radius: float) -> None:
    for _ in range(54):
        angle = table.dice.random() * math.tau
        curl, start = table.dice.uniform(0.3, 1.2), table.dice.uniform(0.1, radius)
        points = []
        for step in range(16):
            turn, far = angle + curl * step / 15, start + 0.05 * math.sin(step * 0.9 + angle)
            points.append((min(far, radius) * math.cos(turn), min(far, radius) * math.sin(turn)))
        table.stroke(points, lighter(colour, table.dice.randrange(-26, 12)), 0.018)


def noodles(table: Table, colours: Sequence[Colour]) -> None:
    """A bowl of noodles in soup."""
    _vessel(table, _hex("2f4858"), colours[0])
    _strands(table, _hex("f2d59b"), 0.56)
    _toppings(table, colours[1:])


def rice(table: Table, colours: Sequence[Colour]) -> None:
    """A bowl of rice with things on it."""
    _vessel(table, _hex("b9543a"), _hex("f6efe0"))
    for _ in range(260):
        x, y = table.inside(0.6)
        table.leaf(x, y, 0.05, table.dice.random() * math.tau, lighter(_hex("fffaf0"), -table.dice.randrange(0, 22)))
    _toppings(table, colours, 0.5)


def plate(table: Table, colours: Sequence[Colour]) -> None:
    """A flat plate with a heap."""
    _vessel(table, _hex("f7f4ee"), _hex("fbf8f2"), 0.78)
    for colour in colours:
        x, y = table.inside(0.26)
        for kind in (_greens, _greens, _cubes, _slices):
            dx, dy = table.inside(0.28)
            kind(table, x + dx, y + dy, lighter(colour, table.dice.randrange(-14, 14)))


def dumplings(table: Table, colours: Sequence[Colour]) -> None:
    """A steamer of dumplings."""
    _vessel(table, _hex("c89b62"), _hex("e8cfa2"), 0.78)
    for step in range(8):
        table.stroke([(-0.6 + step * 0.17, -0.66), (-0.6 + step * 0.17, 0.66)], _hex("dcbf8c"), 0.012)
    places = [(0.0, 0.0), *((0.37 * math.cos(k * math.tau / 6), 0.37 * math.sin(k * math.tau / 6)) for k in range(6))]
    for x, y in places:
        table.disc(x, y + 0.02, 0.165, _hex("c9a878"))
        table.disc(x, y, 0.16, _hex("fbf3e4"))
        for fold in range(9):
            angle = fold * math.tau / 9 + x
            end = (x + 0.13 * math.cos(angle), y + 0.13 * math.sin(angle))
            table.stroke([(x, y), end], _hex("e9dcc4"), 0.014)
        table.disc(x, y, 0.03, colours[0])


def glass(table: Table, colours: Sequence[Colour]) -> None:
    """A drink from above, with ice and a straw."""
    table.shadow(0, 0, 0.5)
    table.disc(0, 0, 0.52, _hex("fdfdfb"))
    table.disc(0, 0, 0.47, colours[0])
    table.disc(0, 0, 0.39, lighter(colours[0], 16))
    for _ in range(4):
        x, y = table.inside(0.25)
        turn = table.dice.random()
        corners = [(math.cos(turn + k * math.pi / 2) * 0.11, math.sin(turn + k * math.pi / 2) * 0.11) for k in range(4)]
        table.shape([(x + cx, y + cy) for cx, cy in corners], lighter(colours[0], 44))
    if len(colours) > 1:
        _slices(table, 0.16, -0.14, colours[1])
    table.stroke([(0.05, 0.05), (0.62, -0.66)], _hex("d9481f"), 0.05)
    table.stroke([(0.05, 0.05), (0.62, -0.66)], _hex("f27a52"), 0.018)


def wrap(table: Table, colours: Sequence[Colour]) -> None:
    """A burrito cut in two."""
    table.shadow(0, 0, 0.7, 0.03)
    table.disc(0, 0, 0.76, _hex("f7f4ee"))
    table.disc(0, 0, 0.66, _hex("fffdf8"))
    for side in (-1, 1):
        table.stroke([(side * 0.12, 0.20), (side * 0.36, -0.30)], _hex("d9b47c"), 0.34)
        table.stroke([(side * 0.12 - 0.03, 0.18), (side * 0.36 - 0.03, -0.30)], _hex("ecd0a0"), 0.26)
        for _ in range(5):
            dx, dy = table.inside(0.2)
            table.disc(side * 0.25 + dx * 0.5, -0.06 + dy, 0.03, _hex("c99b5f"))
        table.disc(side * 0.11, 0.27, 0.18, _hex("e7c793"), flat=0.8)
        table.disc(side * 0.11, 0.275, 0.15, lighter(colours[0], -20), flat=0.8)
        for _ in range(22):
            dx, dy = table.inside(0.12)
            table.disc(side * 0.11 + dx, 0.275 + dy * 0.8, 0.028, table.dice.choice(list(colours)))


def tacos(table: Table, colours: Sequence[Colour]) -> None:
    """Three tacos in a row."""
    table.shadow(0, 0, 0.7, 0.03)
    table.disc(0, 0, 0.76, _hex("2f4858"))
    table.disc(0, 0, 0.68, _hex("3c5a6c"))
    for number in (-1, 0, 1):
        x = number * 0.36
        table.disc(x, 0.02, 0.20, _hex("d8a75a"), flat=2.1)
        table.disc(x + 0.03, 0.02, 0.165, _hex("efc983"), flat=2.2)
        for _ in range(46):
            dx, dy = table.inside(1.0)
            table.disc(x + 0.03 + dx * 0.085, dy * 0.33, 0.03, table.dice.choice(list(colours)))


def chips(table: Table, colours: Sequence[Colour]) -> None:
    """Tortilla chips around a dip."""
    _vessel(table, _hex("8a5a3b"), _hex("e7c07a"), 0.78)
    for _ in range(46):
        x, y = table.inside(0.6)
        if x * x + y * y < 0.06:
            continue
        turn, size = table.dice.random() * math.tau, table.dice.uniform(0.11, 0.16)
        corners = [
            (math.cos(turn + k * math.tau / 3) * size, math.sin(turn + k * math.tau / 3) * size) for k in range(3)
        ]
        table.shape([(x + cx, y + cy + 0.012) for cx, cy in corners], _hex("b98838"))
        table.shape([(x + cx, y + cy) for cx, cy in corners], lighter(_hex("eec06a"), table.dice.randrange(-22, 18)))
    table.disc(0, 0.015, 0.27, _hex("5c3a24"))
    table.disc(0, 0, 0.26, _hex("f7f1e6"))
    table.disc(0, 0, 0.22, colours[0])
    for _ in range(30):
        x, y = table.inside(0.19)
        table.disc(x, y, 0.018, lighter(colours[-1], table.dice.randrange(-30, 30)))


PAINTERS: dict[str, Painter] = {
    "noodles": noodles,
    "rice": rice,
    "plate": plate,
    "dumplings": dumplings,
    "glass": glass,
    "wrap": wrap,
    "tacos": tacos,
    "chips": chips,
}


def picture(name: str, kind: str, colours: Sequence[str]) -> bytes:
    """A square PNG of a dish: `kind` is one of `PAINTERS`, `colours` are its ingredients as six hex digits each."""
    table = Table(name)
    PAINTERS[kind](table, [_hex(colour) for colour in colours])
    out = io.BytesIO()
    table.image.reduce(_FINE).save(out, "PNG", compress_level=1)
    return out.getvalue()
