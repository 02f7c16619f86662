"""What every endpoint may reach: one store, whose key signs what the page writes, and the live feed."""

from typing import NamedTuple, Protocol

from starlette.requests import HTTPConnection

from git_tracker.store import Signer, Tracker
from git_tracker.web.feed import Feed
from git_tracker.web.gate import Principal, Tokens


class Watching(Protocol):
    @property
    def watching(self) -> bool: ...


class Site(NamedTuple):
    store: Tracker
    signer: Signer | None  # None: nobody can write through this server
    handle: str
    name: str
    tokens: Tokens
    feed: Feed
    watch: Watching
    command: str = ""  # what starts this program for this tracker, up to the verb


def site(connection: HTTPConnection) -> Site:
    found: Site = connection.app.state.site
    return found


def principal(connection: HTTPConnection) -> Principal:
    """Return whom the gate let in."""
    found: Principal = connection.scope["state"]["principal"]
    return found
