"""Nothing is lost: values that have no place of their own become custom fields, whatever they are.

A custom field holds the value as it is where our format can; where it cannot (floats, NUL, lone surrogates, integers
beyond 2^53, deep nesting), it holds `{"json": TEXT}`, and a long one `{"json_parts": n}` with the text in the fields
`NAME#1` to `NAME#n`. TEXT is JSON of pure ASCII. `given` is the way back.
"""

import json
from collections.abc import Mapping
from typing import Any

from git_tracker.bridges import lines

Json = Any

MAX_VALUE = 128 * 1024  # bytes of JSON in one custom field
MAX_TITLE = 512
MAX_WORD = 64
MAX_TEXT = 256 * 1024
_MAX_INT = 2**53
_NOT_DEEPER = 6
_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_SPACES = {ord(char): " " for char in _BREAKS} | {0: "\ufffd"}


def kept(name: str, value: Json) -> dict[str, Json]:
    """Return the custom fields that carry a value under a name."""
    if value is not None and is_plain(value) and not _wrapped(value) and _size(value) <= MAX_VALUE:
        return {name: value}
    text = lines.text(value)
    if len(text) <= MAX_VALUE:
        return {name: {"json": text}}
    parts = [text[start : start + MAX_VALUE] for start in range(0, len(text), MAX_VALUE)]
    return {name: {"json_parts": len(parts)}} | {f"{name}#{n}": part for n, part in enumerate(parts, 1)}


def given(custom: Mapping[str, Json], name: str) -> Json:
    """Return the value that `kept` put into custom fields."""
    value = custom[name]
    if not _wrapped(value):
        return value
    if "json" in value:
        return lines.value(value["json"])
    return lines.value("".join(custom[f"{name}#{n}"] for n in range(1, value["json_parts"] + 1)))


def is_plain(value: Json) -> bool:
    """Return whether our format holds the value as it is."""
    return _plain(value, _NOT_DEEPER)


def _wrapped(value: Json) -> bool:
    return type(value) is dict and len(value) == 1 and ("json" in value or "json_parts" in value)


def _plain(value: Json, levels: int) -> bool:
    kind = type(value)
    if kind is str:
        return "\0" not in value and _encodable(value)
    if kind is int:
        return -_MAX_INT <= int(value) <= _MAX_INT
    if kind is list:
        return levels > 0 and all(_plain(item, levels - 1) for item in value)
    if kind is dict:
        return levels > 0 and all(_plain(name, 0) and _plain(item, levels - 1) for name, item in value.items())
    return value is None or kind is bool


def _size(value: Json) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_line(value: Json, limit: int = MAX_TITLE) -> bool:
    """Return whether our format holds the value as one line of at most `limit` characters."""
    return (
        type(value) is str
        and value != ""
        and value == value.strip()
        and not any(char in value for char in _BREAKS)
        and _plain(value, 0)
        and len(value) <= limit
    )


def is_text(value: Json) -> bool:
    """Return whether our format holds the value as a text of several lines; a comment must not be blank, too."""
    return type(value) is str and _plain(value, 0) and value == _cut_text(value)


def as_line(value: Json, limit: int = MAX_TITLE) -> str:
    """Return the nearest line that our format holds; empty if nothing is left."""
    if type(value) is not str:
        value = "" if value is None else lines.text(value)
    found: str = value.translate(_SPACES).encode("utf-8", "replace").decode().strip()
    return found if len(found) <= limit else found[: limit - 1].rstrip() + "…"


def as_text(value: Json) -> str:
    """Return the nearest text that our format holds."""
    if type(value) is not str:
        value = "" if value is None else lines.text(value)
    return _cut_text(value.replace("\0", "\ufffd").encode("utf-8", "replace").decode())


def _cut_text(text: str) -> str:
    """Return as much of it as an event has room for, written as JSON too."""
    if len(text) * 4 <= MAX_VALUE:
        return text
    while len(text.encode()) > MAX_TEXT or _size(text) > MAX_TEXT + 64 * 1024:
        text = text[: len(text) * 9 // 10].rstrip("…") + "…"
    return text
