"""The bus: tells whoever listens in this process that issues changed.

It carries cues, never content: a cue may be late, doubled or merged without harm; the listener reads again.
"""

from collections.abc import Callable
from typing import NamedTuple


class Cue(NamedTuple):
    """Something changed; `seq` is the newest sequence number of the index.

    Without an epoch, a repository of a workspace came or went: what was read before may not be there any more.
    """

    epoch: str
    seq: int


Listener = Callable[[Cue], object]


class Bus:
    """Calls listeners in the thread that writes; they must return at once and may not raise."""

    def __init__(self) -> None:
        self._listeners: dict[object, Listener] = {}

    def ring(self, cue: Cue) -> None:
        for listener in list(self._listeners.values()):
            try:
                listener(cue)
            except Exception:  # one bad listener must not silence the rest
                import logging  # only here: a command that writes one entry does without

                logging.getLogger(__name__).exception("a listener failed; the others go on")

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; return the function that removes it."""
        token = object()
        self._listeners[token] = listener
        return lambda: self._listeners.pop(token, None) and None
