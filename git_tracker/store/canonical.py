"""Canonical JSON: RFC 8785 with integers only (docs/FORMAT.md, section 3).

One value has one text. That is what lets a signature over the text stand for the value, and what keeps
two readers from seeing two different events behind one id.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from git_tracker.errors import Corrupt, Invalid

MAX_INT = 2**53
MAX_DEPTH = 12

Json = Any  # JSON has no finite static type in Python; shapes are checked where values get their meaning

_FORM: dict[str, Any] = {
    "ensure_ascii": False, "separators": (",", ":"), "allow_nan": False, "check_circular": False,
}  # fmt: skip


def encoder(*, sort_keys: bool = False) -> Callable[[Json], str]:
    """Return what writes a value as compact JSON. `JSONEncoder.encode` would make itself anew for each."""
    plain = json.JSONEncoder(**_FORM, sort_keys=sort_keys)
    make, quote = json.encoder.c_make_encoder, json.encoder.encode_basestring  # type: ignore[attr-defined]
    if make is None:
        return plain.encode
    chunks = make(None, plain.default, quote, None, ":", ",", sort_keys, False, False)
    return lambda value: "".join(chunks(value, 0))


_encode = encoder()
_encode_plain = encoder(sort_keys=True)


def dumps(value: Json) -> str:
    """Return the canonical text. Raise `Invalid` for what the format cannot hold."""
    with suppress(TypeError, ValueError, RecursionError, Corrupt, StopIteration):
        text = _encode_plain(value)
        if _is_plain(text) and _scan(text, 0)[0] == value:
            return text
    flaw = _flaw(value)
    if flaw:
        raise Invalid(flaw)
    return _encode(_sorted(value))


def loads(text: str, *, within: int = 0) -> Json:
    """Return the value behind a canonical text, or a part of one `within` so many others. Raise `Corrupt` for every other."""
    # Most texts are plain: then being what the encoder writes, keys in order, is all that canonical means.
    if _is_plain(text, MAX_DEPTH - within):
        try:
            value = _scan(text, 0)[0]
            if _encode_plain(value) == text:
                return value
        except (StopIteration, ValueError, Corrupt):
            pass
    return _strictly(text, within)


def _is_plain(text: str, depth: int = MAX_DEPTH) -> bool:
    """Return whether a text has neither characters that sort otherwise, nor escapes of control characters, nor depth."""
    return text.isascii() and "\\u" not in text and text.count("{") + text.count("[") <= depth


def _strictly(text: str, within: int) -> Json:
    """Return the value behind any canonical text, or say what keeps it from being one."""
    try:
        value, end = _decoder.raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"not canonical JSON: {error}") from None
    flaw = _flaw(value, 1 + within)
    if flaw:
        raise Corrupt(flaw)
    if end != len(text) or _encode(value) != text:
        raise Corrupt("not canonical JSON: order, spacing or escapes differ")
    return value


def text_flaw(text: str) -> str:
    """Return what keeps `text` out of the format, or an empty string."""
    if "\0" in text:
        return "text holds a NUL character"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "text holds a lone surrogate, which is no Unicode character"
    return ""


def _key(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")  # RFC 8785 sorts by UTF-16 code unit


def _sorted(value: Json) -> Json:
    if isinstance(value, dict):
        names = sorted(value) if all(map(str.isascii, value)) else sorted(value, key=_key)
        return {name: _sorted(value[name]) for name in names}
    if isinstance(value, (list, tuple)):
        return [_sorted(item) for item in value]
    return value


def _flaw(value: Json, depth: int = 1) -> str:
    kind = type(value)
    if kind is str:
        return text_flaw(value)
    if kind is int:
        return "" if -MAX_INT <= value <= MAX_INT else "an integer lies beyond 2^53"
    if kind is dict:
        if depth > MAX_DEPTH:
            return f"nested deeper than {MAX_DEPTH}"
        for name, item in value.items():
            if type(name) is not str:
                return "an object key is not a string"
            if flaw := text_flaw(name) or _flaw(item, depth + 1):
                return flaw
        return ""
    if kind is list or kind is tuple:
        if depth > MAX_DEPTH:
            return f"nested deeper than {MAX_DEPTH}"
        for item in value:
            if flaw := _flaw(item, depth + 1):
                return flaw
        return ""
    return "" if value is None or kind is bool else f"{kind.__name__} has no place in the format"


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names a key twice")
    names = list(found)
    if names != (sorted(names) if "".join(names).isascii() else sorted(names, key=_key)):
        raise ValueError("keys are not in order")
    return found


def _integer(digits: str) -> int:
    if len(digits) < 16:
        return int(digits)
    if len(digits) > 17:
        raise ValueError("an integer lies beyond 2^53")
    found = int(digits)
    if not -MAX_INT <= found <= MAX_INT:
        raise Corrupt("an integer lies beyond 2^53")
    return found


def _no_float(digits: str) -> Json:
    raise ValueError(f"{digits[:20]} is not an integer")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_no_float, parse_constant=_no_float
)
_plain = json.JSONDecoder(parse_int=_integer, parse_float=_no_float, parse_constant=_no_float)
_scan = _plain.scan_once  # type: ignore[attr-defined]
