"""Keeping answers small: how many bytes a value takes on the wire, and how much of a text fits into what is left."""

import json
from collections.abc import Callable
from typing import Any

from git_tracker.tools.escape import visible

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode

LIMIT = 7000  # bytes of one answer, so that it stays below 8 kB with everything around it


def size(value: Any) -> int:
    """Return how many bytes a value takes as compact JSON."""
    return len(_encode(value).encode("utf-8", "surrogatepass"))


def prefix(text: str, fits: Callable[[str], bool]) -> str:
    """Return the longest beginning of a text that fits; `fits` sees it with what is invisible spelled out."""
    text = text[:LIMIT]
    if fits(visible(text)):
        return text
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(visible(text[:middle])) else (low, middle)
    return text[:low]


def line(text: str, most: int) -> str:
    """Return one visible line of at most about `most` bytes, saying how many characters are left out."""
    if text.isascii() and text.isprintable() and len(text) + text.count('"') + text.count("\\") + 2 <= most:
        return text  # as nearly all are
    text = text.replace("\n", "\\n").replace("\t", " ")
    shown = prefix(text, lambda shown: size(shown) <= most)
    return visible(shown) + (f"… [{len(text) - len(shown)} more characters]" if len(shown) < len(text) else "")
