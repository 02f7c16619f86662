"""Reading JSON Lines that somebody else wrote: plain or gzipped, and nothing of it is taken on trust.

Values survive as they were written: numbers that are not plain integers keep their digits (`Number`), bytes that are
not UTF-8 become lone surrogates, which `keeping` carries on.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

from git_tracker.errors import Invalid, NotFound, Unusable

Json = Any

MAX_LINE = 16 * 1024 * 1024
_MAX_DIGITS = 15  # integers below 2^53, safely
_NOT_DEEPER = 100


class Number(str):
    """A number as it was written, where reading it as an integer would change or refuse it."""

    __slots__ = ()


class Line(NamedTuple):
    """One line: an object, or an empty one and the flaw that keeps it out."""

    number: int
    record: dict[str, Json]
    flaw: str


def read(path: str) -> Iterator[Line]:
    """Yield every line of a file that is not blank. Raise `NotFound`, `Invalid` or `Unusable` if it cannot be read."""
    try:
        with _opened(path) as file:
            number = 0
            while raw := file.readline(MAX_LINE + 1):
                number += 1
                flaw = ""
                while len(raw) > MAX_LINE and not raw.endswith(b"\n"):
                    flaw = f"the line is longer than {MAX_LINE >> 20} MiB"
                    raw = file.readline(MAX_LINE + 1)
                if number == 1:
                    raw = raw.removeprefix(b"\xef\xbb\xbf")
                if flaw:
                    yield Line(number, {}, flaw)
                elif raw.strip():
                    yield _line(number, raw)
    except FileNotFoundError:
        raise NotFound(f"no file {path!r}") from None
    except IsADirectoryError:
        raise Invalid(f"{path!r} is a folder", "name the file inside it") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Invalid(f"the gzipped file {path!r} is damaged: {error}", "nothing was imported") from None
    except OSError as error:
        raise Unusable(f"{path!r} cannot be read: {error.strerror or error}") from None


@contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    with open(path, "rb") as file:
        if file.peek(2)[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=file) as inner:
                yield inner  # type: ignore[misc]
        else:
            yield file


def _line(number: int, raw: bytes) -> Line:
    try:
        record = _decoder.decode(raw.decode("utf-8", "surrogateescape").strip())
    except json.JSONDecodeError as error:
        return Line(number, {}, f"not JSON: {error.msg} at character {error.pos + 1}")
    except (ValueError, RecursionError) as error:
        return Line(number, {}, str(error) if isinstance(error, ValueError) else "nested too deeply")
    if type(record) is not dict:
        return Line(number, {}, "not a JSON object")
    return Line(number, record, "nested too deeply" if _deeper(record, _NOT_DEEPER) else "")


def _deeper(value: Json, levels: int) -> bool:
    if type(value) is dict:
        return levels == 0 or any(_deeper(item, levels - 1) for item in value.values())
    return type(value) is list and (levels == 0 or any(_deeper(item, levels - 1) for item in value))


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names a key twice")
    return found


def _integer(digits: str) -> Json:
    return Number(digits) if len(digits) > _MAX_DIGITS or digits == "-0" else int(digits)


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Number, parse_int=_integer, parse_constant=Number, strict=False
)


def text(value: Json) -> str:
    """Return JSON of pure ASCII in which every value stands as it was read."""
    if type(value) is Number:
        return str(value)
    if type(value) is dict:
        return "{" + ",".join(f"{json.dumps(name)}:{text(item)}" for name, item in value.items()) + "}"
    if type(value) is list:
        return "[" + ",".join(map(text, value)) + "]"
    return json.dumps(value)


def value(text: str) -> Json:
    """Return the value behind what `text` wrote."""
    return _decoder.decode(text)
