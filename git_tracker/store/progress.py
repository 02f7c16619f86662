"""How something long tells how far it is: `(done, total)`."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
