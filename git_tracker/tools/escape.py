"""Making stored text safe to show to a model: what cannot be seen is spelled out, what is long is cut."""

import secrets
import unicodedata

_KEPT = "\n\t"


def visible(text: str) -> str:
    """Return text with control, bidirectional, zero-width and tag characters written as `\\u{202e}`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if char in _KEPT or unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs") else f"\\u{{{ord(char):x}}}"
        for char in text
    )


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters, saying how many are left out."""
    return text if len(text) <= limit else f"{text[:limit]}… [{len(text) - limit} more characters]"


def fenced(text: str) -> str:
    """Return stored text between delimiters it cannot forge, since they differ from answer to answer."""
    mark = secrets.token_hex(6)
    return f"<untrusted-{mark}>\n{text}\n</untrusted-{mark}>"
