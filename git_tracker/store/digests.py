"""What is kept of secrets that were given out: a small file of digests with what each stands for, 0600."""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

Json = Any


class Digests:
    """One such file; several processes may use it. Values are JSON; `holds` says of one whether it still counts."""

    def __init__(self, path: str, holds: Callable[[Json], bool]) -> None:
        self._path, self._holds = path, holds

    def keep(self, secret: str, value: Json) -> None:
        """Remember what a secret stands for; forget those that count no more."""
        with self._changing() as known:
            known[_digest(secret)] = value

    def find(self, secret: str) -> Json | None:
        """Return what a secret stands for now, or None."""
        found = self._read().get(_digest(secret))
        return found if found is not None and self._holds(found) else None

    def all(self) -> list[Json]:
        """Return what all of them stand for that count."""
        return [value for value in self._read().values() if self._holds(value)]

    def _read(self) -> dict[str, Json]:
        try:
            with os.fdopen(os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as file:
                found = json.load(file)
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, Json]]:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        with os.fdopen(os.open(f"{self._path}.lock", flags, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = {digest: value for digest, value in self._read().items() if self._holds(value)}
            yield known
            new = f"{self._path}.new"
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
                json.dump(known, file)
            os.replace(new, self._path)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
