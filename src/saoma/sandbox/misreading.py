"""What is wrong with a settings file or a control call, in words: where, and what was probably meant.

msgspec names the place by a path (`$.buyers[0]`); which names and words belong there is read from the type."""

from __future__ import annotations

import difflib
import re
from typing import Any, Final

import msgspec
from msgspec import inspect

_WHERE: Final = re.compile(r" - at `\$\.?(.*)`$")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`$")
_NO_WORD: Final = re.compile(r"Invalid enum value '(.*)'$")


def plainly(wrong: Exception, settings: Any) -> str:
    """One line about a mistake that was found while a file was read as `settings`."""
    if isinstance(wrong, UnicodeDecodeError):
        return f"it is not UTF-8 (byte {wrong.start})"
    text = str(wrong)
    place = _WHERE.search(text)
    return in_words(text[: place.start()], place[1], settings) if place else in_words(text, "", settings)


def in_words(what: str, where: str, settings: Any) -> str:
    """The same of msgspec's words about a place; `where` is empty for the whole."""
    if unknown := _UNKNOWN.match(what):
        known = _names(_at(inspect.type_info(settings), where))
        return f"there is no {unknown[1]!r} in {where or 'it'}{_meant(unknown[1], known)}"
    if word := _NO_WORD.match(what):
        return f"{where} can't be {word[1]!r}{_meant(word[1], _words(_at(inspect.type_info(settings), where)))}"
    return f"{where}: {what[:1].lower()}{what[1:]}" if where else what


def unknown_names(given: Any, settings: type[msgspec.Struct], where: str) -> str:
    """The same of names that are not those of `settings`, which itself reads over them; empty: there are none."""
    known = [field.encode_name for field in msgspec.structs.fields(settings)]
    wrong = [name for name in given if name not in known] if isinstance(given, dict) else []
    return f"there is no {wrong[0]!r} in {where}{_meant(wrong[0], known)}" if wrong else ""


def _meant(written: str, known: list[str]) -> str:
    near = difflib.get_close_matches(written, known, 1, 0.6)
    return f" (did you mean {near[0]!r}?)" if near else f" (there is {', '.join(known)})" if known else ""


def _at(kind: inspect.Type, path: str) -> inspect.Type:
    """The type at a path such as `partners[0].sign_type`; keys of tables are told as `[...]`."""
    for step in re.findall(r"\w+|\[[^\]]*\]", path):
        for option in _options(kind):
            if isinstance(option, inspect.ListType) and step.startswith("["):
                kind = option.item_type
            elif isinstance(option, inspect.DictType) and step.startswith("["):
                kind = option.value_type
            elif isinstance(option, inspect.StructType):
                kind = next((field.type for field in option.fields if field.encode_name == step), kind)
    return kind


def _names(kind: inspect.Type) -> list[str]:
    structs = [option for option in _options(kind) if isinstance(option, inspect.StructType)]
    return [field.encode_name for struct in structs for field in struct.fields]


def _words(kind: inspect.Type) -> list[str]:
    found: list[str] = []
    for option in _options(kind):
        if isinstance(option, inspect.LiteralType):
            found += map(str, option.values)
        elif isinstance(option, inspect.EnumType):
            found += [str(one.value) for one in option.cls]
    return found


def _options(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)


#: What reading a file as settings may raise.
MISREAD: Final = (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError)
