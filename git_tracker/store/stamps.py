"""Noticing that one of our refs changed: a few looks at folders and packed-refs, however many refs there are."""

import os

from git_tracker.store import refs

_FOLDERS = tuple(prefix[:-1] for prefix in (refs.PREFIX, refs.ISSUES, refs.KEEP, refs.TRUST_HEADS, refs.DEVICES))
_AT_ISSUES = 1 + _FOLDERS.index(refs.ISSUES[:-1])  # in a signature, which begins with packed-refs

Signature = str


def mark(common: str, now_ns: int) -> Signature:
    """Return the signature of how our refs stand, to be taken before listing them or after moving a ref ourselves.

    The kernel stamps changes with a coarse clock, so two changes may look like one. So our folders get a stamp of our
    own making, which cannot stay when somebody else changes one afterwards; where that happens before this returns,
    the signature is one that is not found again. Read-only media keep the stamps they have.
    """
    return " ".join(
        (_seen(f"{common}/packed-refs", sized=True), *(_stamped(folder, now_ns) for folder in _watched(common)))
    )


def mark_issues(common: str, before: Signature, now_ns: int) -> Signature:
    """Return the signature after refs of issues alone were moved, where `before` was that of `mark` until then."""
    parts = before.split(" ")
    if parts[_AT_ISSUES] == "-":  # that folder is new, and the one it is in has changed
        return mark(common, now_ns)
    parts[_AT_ISSUES] = _stamped(f"{common}/{refs.ISSUES[:-1]}", now_ns)
    return " ".join(parts)


def signature(common: str) -> Signature:
    """Return a text that differs from that of `mark` whenever one of our refs may have changed since."""
    return " ".join((_seen(f"{common}/packed-refs", sized=True), *map(_seen, _watched(common))))


def _watched(common: str) -> list[str]:
    """Return the folders that change with our refs, those of other devices' checkpoints among them."""
    own, fetched = [f"{common}/{folder}" for folder in _FOLDERS], f"{common}/{refs.REMOTES[:-1]}"
    if not os.path.exists(fetched):
        return own
    return [*own, fetched, *(f"{fetched}/{name}/devices" for name in sorted(os.listdir(fetched)))]


def _seen(path: str, *, sized: bool = False) -> str:
    try:
        stat = os.stat(path)
    except OSError:
        return "-"
    return f"{stat.st_mtime_ns}.{stat.st_ino}.{stat.st_size if sized else 0}"


def _stamped(folder: str, now_ns: int) -> str:
    try:
        os.utime(folder, ns=(now_ns, now_ns))
        stat = os.stat(folder)
    except OSError:
        return _seen(folder)
    kept = stat.st_mtime_ns
    if kept % 100 or kept > now_ns:  # else a file system that cuts our stamp short, to 100 ns or more
        kept = now_ns
    return f"{kept}.{stat.st_ino}.0"
