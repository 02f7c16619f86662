"""How much and how long the server puts up with (THREATS, section 4)."""

from typing import NamedTuple


class Limits(NamedTuple):
    body: int = 1024 * 1024  # bytes of a request
    body_seconds: float = 30.0  # for the whole of it to arrive
    queue: int = 1000  # messages a listener may be behind before it has to start over
    send_seconds: float = 10.0  # without taking anything, after which a listener is dropped


DEFAULT = Limits()
