"""Text from the repository made harmless for a terminal: what would steer it, or hide, is spelled out instead.

Spelled out are control characters (C0, C1, DEL), bidirectional controls, zero-width and other invisible characters,
tags, and what stands for undecodable bytes: `\\x1b`, `\\u{202e}`.
"""

_RANGES = (
    (0x00, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180B, 0x180F), (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xD800, 0xDFFF),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0xFFFE, 0xFFFF), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)  # fmt: skip


class _Spelled:
    """What `str.translate` asks about each character."""

    def __init__(self, kept: str) -> None:
        self._kept = {ord(char) for char in kept}

    def __getitem__(self, point: int) -> str:
        if 0x20 <= point < 0x7F or point in self._kept or not any(low <= point <= high for low, high in _RANGES):
            raise LookupError(point)
        if 0xDC80 <= point <= 0xDCFF:  # a byte of the command line that is not UTF-8
            return f"\\x{point - 0xDC00:02x}"
        return f"\\x{point:02x}" if point < 0x100 else f"\\u{{{point:x}}}"


_LINE, _BLOCK = _Spelled(""), _Spelled("\n\t")


def line(text: str) -> str:
    """Return text for one line: line breaks are spelled out too."""
    return text if text.isascii() and text.isprintable() else text.translate(_LINE)


def block(text: str) -> str:
    """Return text that may run over several lines."""
    return text if text.isascii() and text.isprintable() else text.translate(_BLOCK)
