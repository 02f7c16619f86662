"""Running it: `tracker serve` over HTTP, `tracker mcp` over stdio."""

import contextlib
import errno
import gc
import json
import os
import shlex
import socket
import sys
from typing import Any

import anyio
import uvicorn

from git_tracker.errors import Invalid, NotFound, TrackerError, Unusable
from git_tracker.server import http, mcp, secrets, settings, starting, stdio
from git_tracker.server.exchanging import Exchanges
from git_tracker.server.grants import Grants
from git_tracker.store import IssueStore, Keyring, Place, Signer, Tracker, Workspace, find_place, find_workspace
from git_tracker.tools import Reach, visible
from git_tracker.web import DEFAULT, Limits, Principal, Tokens

_PORTS_TRIED = 50
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Server(uvicorn.Server):
    """Uvicorn that ends open streams first: they would block a clean shutdown."""

    def __init__(self, config: uvicorn.Config, application: http.Application) -> None:
        super().__init__(config)
        self._application = application

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._application.close_streams()
        await super().shutdown(sockets)


def opened(path: str, keyring: Keyring | None = None) -> tuple[Tracker, Place | None]:
    """Open what is around `path`: a repository with the settings of its project, or a workspace, which has no place."""

    def store(place: Place) -> IssueStore:
        found = settings.load(place)
        return IssueStore(place, workflow=found.flow(), keyring=keyring, upkeep_after=found.upkeep.after)

    if folder := find_workspace(path):
        return Workspace(folder, store), None
    place = find_place(path)
    return store(place), place


def serve(
    path: str = ".", host: str = "", port: int = -1, person: str = "", *, expose: bool = False, sync_every: int = -1,
    limits: Limits = DEFAULT, keyring: Keyring | None = None,
) -> None:  # fmt: skip
    """Serve the page, REST and MCP until interrupted; prints where. The person's key is unlocked before that.

    `sync_every` seconds it exchanges with the remotes of the settings; 0 is never, below that the settings say.
    """
    store, place = opened(path, keyring)
    found = settings.load(place)
    host = host or found.server.host
    if host not in _LOOPBACK and not expose:
        raise Invalid(f"{host} is not this machine alone", "add --expose if others may really reach the tracker")
    signer = _signer(store, person)
    writer, observer = secrets.token(store.home, "writer"), secrets.token(store.home, "observer")
    grants = Grants(store.home)

    def granted(token: str) -> Principal | None:
        grant = grants.of(token)
        return Principal("agent", grant.name, grant.scope) if grant else None

    tokens = Tokens(writer, observer, store.root or "unpinned", granted)
    listener = _listen(host, found.server.port if port < 0 else port)
    port = int(listener.getsockname()[1])
    names = {host, *_LOOPBACK} if host in _LOOPBACK else {host, *_LOOPBACK, *_own_names()}
    hosts = frozenset(f"{f'[{name}]' if ':' in name else name}:{port}".lower() for name in names)
    every = found.sync.every if sync_every < 0 else sync_every
    exchanges = Exchanges(store, signer, found.sync.remotes, every, found.sync.most_quarantined) if every else None
    start = starting.words(place.root or place.common if place else os.path.abspath(path))
    application = http.Application(
        store, signer, tokens, hosts, limits, found.agents, exchanges, command=shlex.join(start)
    )
    _announce(start, host, port, writer, store)
    config = uvicorn.Config(
        application.asgi, log_level="warning", access_log=False, http="h11", ws="websockets-sansio", lifespan="on",
        timeout_graceful_shutdown=3, ws_max_size=65536, server_header=False, date_header=False,
    )  # fmt: skip
    with contextlib.suppress(KeyboardInterrupt):
        Server(config, application).run(sockets=[listener])
    store.close()


def _signer(store: Tracker, person: str) -> Signer | None:
    """Return whose key signs what the page writes; None (with a word why) leaves everything readable."""
    try:
        signer = store.signer(person)
    except TrackerError as error:
        sys.stderr.write(f"tracker: nobody can write through this server: {error}\nhint: {error.hint}\n")
        return None
    return signer


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; a busy port means the next free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, min(port + _PORTS_TRIED, 65536)) if port else (0,):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(128)
            return listener
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or not port:
                raise Unusable(
                    f"cannot listen on {host}:{candidate}: {error.strerror}", "use another --port"
                ) from error
    raise Unusable(f"ports {port} to {port + _PORTS_TRIED} are all in use", "use another --port")


def _own_names() -> set[str]:
    """Return what this machine is called by others: its name and its addresses."""
    name = socket.gethostname()
    try:
        return {name, *(str(found[4][0]) for found in socket.getaddrinfo(name, None))}
    except OSError:
        return {name}


def _announce(start: list[str], host: str, port: int, token: str, store: Tracker) -> None:
    def say(text: str) -> None:
        sys.stdout.write(text + "\n")

    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{port}"
    client = {
        "mcpServers": {
            "git-tracker": {"type": "http", "url": f"{url}/mcp", "headers": {"Authorization": f"Bearer {token}"}}
        }
    }
    stdio = {"mcpServers": {"git-tracker": {"command": start[0], "args": [*start[1:], "mcp"]}}}
    figures = store.health()
    say(f"git-tracker serves {store.name} ({figures['issues']} issues)")
    for one in figures.get("repositories", ()):
        say(f"  {one['name']:<16} {one['state']}{': ' if one['reason'] else ''}{visible(one['reason'])}")
    say(f"\n  page   {url}/#token={token}")
    say(f"  REST   {url}/api/openapi.json")
    say(f"  MCP    {url}/mcp\n\nFor an MCP client over HTTP:\n{json.dumps(client, indent=2)}")
    say(f"\nor over stdio:\n{json.dumps(stdio, indent=2)}\n")
    if not store.root:
        say("No tracker here yet: `tracker init` makes one; until then everything is empty.")
    sys.stdout.flush()


def mcp_stdio(path: str = ".", person: str = "") -> None:
    """Serve MCP over standard input and output. Without a repository it answers too, and says how to point it at one."""
    cached: dict[str, tuple[Tracker, Place | None]] = {}

    def found() -> tuple[Tracker, Place | None]:
        if "store" not in cached:
            try:
                cached["store"] = opened(path)
            except NotFound as error:
                raise NotFound(
                    f"{error}: the tracker has no repository to work on",
                    "start it as `tracker -C /path/to/repository mcp`, or in a folder inside one",
                    code="no_repository",
                ) from None
        return cached["store"]

    def store() -> Tracker:
        return found()[0]

    signers: dict[str, Signer] = {}

    def signer() -> Signer:
        if person not in signers:
            signers[person] = store().signer(person)
        return signers[person]

    def agents() -> tuple[dict[str, Any], int]:
        return settings.load(found()[1]).agents.bounds()

    server = mcp.build(Reach(store, signer, agents=agents, handle=os.environ.get("TRACKER_SESSION", "")))
    gc.freeze()  # what was imported stays: no collection has to walk through it while an agent waits
    anyio.run(stdio.serve, server)
