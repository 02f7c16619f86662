"""REST: thin JSON over the store. An endpoint parses, calls the store once and returns.

To add one: write the function, list it in `ENDPOINTS`; openapi.json follows.
"""

import json
import re
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from git_tracker import __version__
from git_tracker.errors import Invalid, Unauthorized
from git_tracker.store import CURSOR, Signer
from git_tracker.web import answers, requests, trails, trust
from git_tracker.web.problems import checked, problem
from git_tracker.web.site import Site, principal, site


class Query(BaseModel):
    model_config = ConfigDict(extra="forbid")


# A cursor is opaque to whoever gets it; here its shape keeps other text out.
Cursor = Annotated[str, Field(pattern=CURSOR)]


def _paged(place: str) -> str:
    """Return the pattern of cursors of pages: a place in one repository, or one in each of a workspace's."""
    named = rf"[A-Za-z0-9._-]{{1,32}}~(end|{place})"
    return rf"^(|~|{place}|{named}(,{named}){{0,63}})$"


_ENTRY = r"[0-9a-f]{8}\.[0-9]{1,18}"
EntryCursor = Annotated[str, Field(pattern=_paged(_ENTRY))]
RowCursor = Annotated[str, Field(pattern=_paged(rf"{_ENTRY}\.(updated|created|priority|title|status)"))]
REQUEST_KEY = r'^[!"$-~]{1,128}$'
ETAG = r'^(\*|(W/)?"[0-9a-f]{40}( [0-9a-f]{40})*")$'


class ListQuery(Query):
    q: Annotated[str, Field(max_length=1024)] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: RowCursor = ""


class BoardQuery(Query):
    q: Annotated[str, Field(max_length=1024)] = ""


class PageQuery(Query):
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: EntryCursor = ""


class AgentsQuery(Query):
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: Annotated[str, Field(pattern=r"^([0-9]{1,18}\.[!-~]{1,128})?$")] = ""


class ConflictsQuery(Query):
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: RowCursor = ""


class AuditQuery(Query):
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: EntryCursor = ""
    issue: Annotated[str, Field(max_length=73)] = ""
    kind: Annotated[str, Field(max_length=64)] = ""
    since: requests.Moment | None = None
    until: requests.Moment | None = None


class EventsQuery(Query):
    since: Cursor = ""
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    agent: Annotated[str, Field(max_length=128)] = ""
    issue: Annotated[str, Field(max_length=73)] = ""


class NoQuery(Query):
    pass


class Call(NamedTuple):
    """One request, checked."""

    site: Site
    path: dict[str, str]
    query: Any
    body: Any
    rk: str
    expect: tuple[str, ...]
    sent: frozenset[str]  # names of the body's fields that were really sent

    @property
    def signer(self) -> Signer:
        if self.site.signer is None:
            raise Unauthorized("nobody can write through this server", "run `tracker init`, then start it again")
        return self.site.signer


class Endpoint(NamedTuple):
    method: str
    path: str
    run: Callable[[Call], Any]
    answer: type[BaseModel]
    body: type[BaseModel] | None = None
    query: type[Query] = NoQuery
    status: int = 200


def list_issues(call: Call) -> Any:
    """Issues that a query finds, newest change first unless it says otherwise."""
    query = call.query
    return call.site.store.list_issues(query.q, limit=query.limit, cursor=query.cursor, me=call.site.handle)


def create_issue(call: Call) -> Any:
    """Create an issue."""
    fields = {name: value for name, value in call.body.model_dump().items() if name in call.sent and value is not None}
    return call.site.store.get_issue(call.site.store.create_issue(call.signer, fields, rk=call.rk))


def get_issue(call: Call) -> Any:
    """One issue with comments, links, claim, conflicts; its ETag names its heads."""
    return call.site.store.get_issue(call.path["id"])


def change_issue(call: Call) -> Any:
    """Change what is given; `If-Match` with the ETag refuses if the issue moved on."""
    given = {name: value for name, value in call.body.model_dump().items() if name in call.sent}
    store = call.site.store
    return store.get_issue(store.update_issue(call.signer, call.path["id"], given, rk=call.rk, expect=call.expect))


def add_comment(call: Call) -> Any:
    """Add a comment (Markdown)."""
    store = call.site.store
    return store.get_issue(store.comment(call.signer, call.path["id"], call.body.body, rk=call.rk, expect=call.expect))


def claim(call: Call) -> Any:
    """Claim an issue for the person behind the token."""
    store, lease = call.site.store, call.body.lease_minutes * 60
    return store.get_issue(
        store.claim(call.signer, call.path["id"], lease_seconds=lease, rk=call.rk, expect=call.expect)
    )


def release(call: Call) -> Any:
    """Release a claim; a person may release anybody's."""
    store = call.site.store
    return store.get_issue(
        store.release(call.signer, call.path["id"], call.body.reason, rk=call.rk, expect=call.expect)
    )


def resolve(call: Call) -> Any:
    """Settle a conflict: the field or text is `value` from now on, or what `take` names."""
    store, asked = call.site.store, call.body
    if ("value" in call.sent) == ("take" in call.sent):
        raise Invalid("give one of value and take", "take is an entry of the conflict's values, result or base")
    id = store.resolve(
        call.signer, call.path["id"], asked.field, asked.value, take=asked.take, rk=call.rk, expect=call.expect
    )
    return store.get_issue(id)


def conflicts(call: Call) -> Any:
    """Issues with concurrent values or edits that nobody has settled yet."""
    return call.site.store.conflicts(limit=call.query.limit, cursor=call.query.cursor)


def history(call: Call) -> Any:
    """Every event of an issue, oldest first."""
    return call.site.store.history(call.path["id"], limit=call.query.limit, cursor=call.query.cursor)


def board(call: Call) -> Any:
    """A column for each status, with its total and its first 50 cards."""
    return call.site.store.board(call.query.q, me=call.site.handle)


def events(call: Call) -> Any:
    """Events after a cursor, oldest first; without one the newest."""
    query = call.query
    return call.site.store.events(since=query.since, limit=query.limit, agent=query.agent, issue=query.issue)


def agents(call: Call) -> Any:
    """Those who wrote here, latest first."""
    return call.site.store.agents(limit=call.query.limit, cursor=call.query.cursor)


def health(call: Call) -> Any:
    """Figures of the tracker."""
    return {"status": "ok", "version": __version__, "watching": call.site.watch.watching, **call.site.store.health()}


ENDPOINTS = (
    Endpoint("GET", "/api/issues", list_issues, answers.IssueList, query=ListQuery),
    Endpoint("POST", "/api/issues", create_issue, answers.Issue, requests.NewIssue, status=201),
    Endpoint("GET", "/api/issues/{id}", get_issue, answers.Issue),
    Endpoint("PATCH", "/api/issues/{id}", change_issue, answers.Issue, requests.IssueChanges),
    Endpoint("POST", "/api/issues/{id}/comments", add_comment, answers.Issue, requests.NewComment, status=201),
    Endpoint("POST", "/api/issues/{id}/claim", claim, answers.Issue, requests.ClaimRequest),
    Endpoint("POST", "/api/issues/{id}/release", release, answers.Issue, requests.ReleaseRequest),
    Endpoint("POST", "/api/issues/{id}/resolve", resolve, answers.Issue, requests.Resolution),
    Endpoint("GET", "/api/conflicts", conflicts, answers.ConflictList, query=ConflictsQuery),
    Endpoint("GET", "/api/issues/{id}/history", history, answers.EventList, query=PageQuery),
    Endpoint("GET", "/api/board", board, answers.Board, query=BoardQuery),
    Endpoint("GET", "/api/events", events, answers.EventList, query=EventsQuery),
    Endpoint("GET", "/api/agents", agents, answers.AgentList, query=AgentsQuery),
    Endpoint("GET", "/api/agents/{id}/audit", trust.audit, trails.Audit, query=AuditQuery),
    Endpoint("POST", "/api/agents/{id}/verify", trust.verify, trails.Verification, requests.Nothing),
    Endpoint("GET", "/api/quarantine", trust.quarantine, trails.Quarantine, query=PageQuery),
    Endpoint("POST", "/api/quarantine/adopt", trust.adopt, trails.Adopted, requests.Adoption),
    Endpoint("GET", "/api/health", health, answers.Health),
)


async def serve(endpoint: Endpoint, request: Request) -> Response:
    """Check a request against its endpoint's models, run it off the event loop, answer."""
    query = checked(endpoint.query, _single(request))
    body, sent = None, frozenset[str]()
    if endpoint.body is not None:
        raw = _parsed(await request.body())
        body = checked(endpoint.body, raw)
        sent = frozenset(raw) if isinstance(raw, dict) else sent
    call = Call(
        site(request), dict(request.path_params), query, body, _header(request, "Idempotency-Key", REQUEST_KEY),
        _heads(_header(request, "If-Match", ETAG)), sent,
    )  # fmt: skip
    found = await anyio.to_thread.run_sync(endpoint.run, call)
    headers = {"Cache-Control": "no-store"}
    if isinstance(found, dict) and "heads" in found:
        headers["ETag"] = f'"{" ".join(found["heads"])}"'
    return JSONResponse(found, endpoint.status, headers)


def _single(request: Request) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in found:
            raise Invalid(f"{name} is given twice")
        found[name] = value
    return found


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise Invalid("the body is not JSON") from None


def _header(request: Request, name: str, pattern: str) -> str:
    """Return a header that steers a write, or an empty string; one of another shape is refused, not ignored."""
    found = request.headers.getlist(name)
    if len(found) > 1 or (found and not re.fullmatch(pattern, found[0])):
        raise Invalid(f"the header {name} has another shape", "GET /api/openapi.json shows the shapes")
    return found[0] if found else ""


def _heads(tag: str) -> tuple[str, ...]:
    """Return the heads that an If-Match header names; `*` and nothing ask for nothing."""
    return () if tag in ("", "*") else tuple(tag.removeprefix("W/").strip('"').split())


async def login(request: Request) -> Response:
    """Trade the token of the printed URL for a cookie."""
    here = site(request)
    token = checked(requests.Login, _parsed(await request.body())).token
    who = here.tokens.of(token)
    if who is None or who.role == "agent":
        return problem(401, "unauthorized", "the token is not valid", "open the URL that `tracker serve` printed")
    response = JSONResponse(_me(here, who.role))
    response.headers["Set-Cookie"] = here.tokens.set_cookie(token)
    return response


async def me(request: Request) -> Response:
    """Say who is logged in."""
    return JSONResponse(_me(site(request), principal(request).role))


def _me(here: Site, role: str) -> dict[str, str]:
    return {
        "person": here.handle, "name": here.name, "role": role, "repository": here.store.name,
        "version": __version__, "command": here.command if role == "writer" else "",
    }  # fmt: skip


__all__ = ["ENDPOINTS", "Call", "Endpoint", "login", "me", "serve"]
