"""Making stored text safe to show to a model: what cannot be seen is spelled out, what is long is cut."""

import re
import secrets
import unicodedata

_KEPT = "\n\t"
_WITHOUT_BREAKS = dict.fromkeys(map(ord, _KEPT))
_HIDDEN = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")  # control, format, private, surrogate, unassigned, separators
# Invisible too, though their category does not say so: fillers, joiners and variation selectors.
_INVISIBLE = {
    0x34F,
    0x115F,
    0x1160,
    0x17B4,
    0x17B5,
    0x2800,
    0x3164,
    0xFFA0,
    *range(0x180B, 0x1810),
    *range(0xFE00, 0xFE0F),
}
_INVISIBLE |= set(range(0xE0100, 0xE01F0))


def visible(text: str) -> str:
    """Return text with control, bidirectional, zero-width, tag and other invisible characters written as `\\u{202e}`."""
    if text.isascii() and text.translate(_WITHOUT_BREAKS).isprintable():  # as nearly all are
        return text
    hidden = {ord(char): f"\\u{{{ord(char):x}}}" for char in set(text) if _is_hidden(char)}
    return text.translate(hidden) if hidden else text


def _is_hidden(char: str) -> bool:
    return char not in _KEPT and (unicodedata.category(char) in _HIDDEN or ord(char) in _INVISIBLE)


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters, saying how many are left out."""
    return text if len(text) <= limit else f"{text[:limit]}… [{len(text) - limit} more characters]"


def is_word(text: str) -> bool:
    """Return whether a text is one short word, so that it cannot instruct anybody."""
    return re.fullmatch(r"[\w.-]{1,32}", text) is not None


def fenced(text: str) -> str:
    """Return stored text between delimiters it cannot forge, since they differ from answer to answer."""
    mark = secrets.token_hex(6)
    return f"<untrusted-{mark}>\n{text}\n</untrusted-{mark}>"
