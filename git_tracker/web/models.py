"""The shapes of REST, as pydantic models: requests are checked with them and openapi.json is made from them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

NO_NUL = r"^[^\u0000]*$"
# At least one character that is not blank: what Python strips is more than ASCII.
VISIBLE = r"^[^\u0000]*[^\u0000-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\u0000]*$"
_YEAR = r"(19[7-9]\d|[2-9]\d{3})"
_LEAP = r"(19(72|76|80|84|88|92|96)|[2-9]\d([2468][048]|[13579][26]|0[48])|([2468][048]|[3579][26])00)"
DAY = rf"{_YEAR}-((0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)|{_LEAP}-02-29"
MOMENT = rf"^({DAY})(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\dZ)?)?$"
PART = r"^[0-9a-f]{40}\.[0-9]{1,3}$"


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 3.0 is 3."""
    return int(value) if type(value) is float and value.is_integer() else value


Priority = Annotated[int, Field(ge=0, le=4, strict=True), BeforeValidator(_whole)]
Minutes = Annotated[int, Field(ge=1, le=10080, strict=True), BeforeValidator(_whole)]
Amount = Annotated[int, Field(ge=0, le=10**9, strict=True), BeforeValidator(_whole)]

Id = Annotated[str, Field(min_length=7, max_length=40, pattern=r"^[0-9a-fA-F]+$")]
Title = Annotated[str, Field(min_length=1, max_length=512, pattern=VISIBLE)]
Text = Annotated[str, Field(max_length=262144, pattern=NO_NUL)]
Word = Annotated[str, Field(min_length=1, max_length=64, pattern=VISIBLE)]
Person = Annotated[str, Field(min_length=1, max_length=128, pattern=VISIBLE, description="a name, or me, or none")]
Moment = Annotated[str, Field(pattern=MOMENT, description="2026-01-31, or 2026-01-31T12:00:00Z")]
Part = Annotated[str, Field(pattern=PART, description="the id of a criterion")]
Status = Annotated[Word, Field(json_schema_extra={"x-status": True})]  # openapi.json lists those of the workflow


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Login(Body):
    token: Annotated[str, Field(max_length=200)]


class NewIssue(Body):
    title: Title
    description: Text = ""
    type: Word = "task"
    priority: Priority = 2
    labels: Annotated[list[Word], Field(max_length=100)] = []
    parent: Id | None = None
    blocked_by: Annotated[list[Id], Field(max_length=100)] = []
    assignee: Person | None = None
    status: Status | None = None
    due: Moment | None = None
    milestone: Word | None = None
    criteria: Annotated[list[Title], Field(max_length=100)] = []


def _without_defaults(schema: dict[str, Any]) -> None:
    for part in schema["properties"].values():
        part.pop("default", None)


class IssueChanges(Body):
    """Only what is given changes; null clears where that makes sense."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_defaults)

    title: Title = ""
    description: Text = ""
    status: Status = ""
    type: Word = ""
    priority: Priority = 2
    assignee: Person | None = None
    add_labels: Annotated[list[Word], Field(max_length=100)] = []
    remove_labels: Annotated[list[Word], Field(max_length=100)] = []
    parent: Id | None = None
    due: Moment | None = None
    milestone: Word | None = None
    deferred_until: Moment | None = None
    archived: Annotated[bool, Field(strict=True)] = False
    add_criteria: Annotated[list[Title], Field(max_length=100)] = []
    check_criteria: Annotated[list[Part], Field(max_length=100)] = []
    uncheck_criteria: Annotated[list[Part], Field(max_length=100)] = []


class NewComment(Body):
    body: Annotated[str, Field(min_length=1, max_length=262144, pattern=VISIBLE, examples=["Seen here too."])]


class ClaimRequest(Body):
    lease_minutes: Minutes = 30


class ReleaseRequest(Body):
    reason: Annotated[str, Field(max_length=500, pattern=NO_NUL)] = ""


class Resolution(Body):
    """The value a field has from now on: one of the concurrent ones, or another that fits the field."""

    field: Word
    value: Title | Amount | None


class Actor(BaseModel):
    id: str
    name: str
    session: str
    person: str
    client: str


class Claim(BaseModel):
    actor: Actor
    until: str
    fence: str
    state: str


class IssueRow(BaseModel):
    id: str
    short: str
    title: str
    status: str
    category: Literal["todo", "active", "done"]
    type: str
    priority: int
    labels: list[str]
    assignee: str | None
    author: Actor
    created_at: str
    updated_at: str
    parent: str | None
    claim: Claim | None
    comment_count: int
    ready: bool
    blocked: bool
    conflicted: bool
    archived: bool
    imported: bool


class Link(BaseModel):
    kind: str
    issue: str
    direction: Literal["in", "out"]


class Comment(BaseModel):
    id: str
    author: Actor
    body: str
    created_at: str
    edited: bool
    redacted: bool
    imported: dict[str, str] | None


class Criterion(BaseModel):
    id: str
    text: str
    checked: bool


class Evidence(BaseModel):
    kind: str
    value: str
    author: Actor
    at: str


class Attachment(BaseModel):
    name: str
    sha512: str
    size: int
    at: str


class ConflictValue(BaseModel):
    value: Any
    author: Actor
    at: str


class Conflict(BaseModel):
    field: str
    values: list[ConflictValue]


class Issue(BaseModel):
    id: str
    short: str
    title: str
    description: str
    status: str
    category: Literal["todo", "active", "done"]
    type: str
    priority: int
    labels: list[str]
    assignee: str | None
    author: Actor
    created_at: str
    updated_at: str
    closed_at: str | None
    parent: str | None
    links: list[Link]
    claim: Claim | None
    comments: list[Comment]
    criteria: list[Criterion]
    evidence: list[Evidence]
    attachments: list[Attachment]
    conflicts: list[Conflict]
    branch: str | None
    estimate: int | None
    spent: int
    due: str | None
    milestone: str | None
    deferred_until: str | None
    ready: bool
    blocked: bool
    archived: bool
    imported: dict[str, str] | None
    custom: dict[str, Any]
    heads: list[str]
    events: int
    quarantined: int


class Event(BaseModel):
    """The fields of the event's own type stand beside these."""

    model_config = ConfigDict(extra="allow")

    cursor: str
    entry: str
    issue: str
    short: str
    title: str
    type: str
    summary: str
    actor: Actor
    at: str
    verdict: Literal["ok", "muted", "quarantined", "waiting"]
    reason: str


class IssueList(BaseModel):
    items: list[IssueRow]
    next: str | None
    total: int


class EventList(BaseModel):
    items: list[Event]
    next: str | None
    total: int


class Column(BaseModel):
    status: str
    category: str
    title: str
    total: int
    items: list[IssueRow]


class Board(BaseModel):
    columns: list[Column]
    cursor: str


class Agent(BaseModel):
    id: str
    name: str
    session: str
    client: str
    person: str
    started_at: str
    last_at: str
    entries: int
    events: int
    issues: int
    ok: int
    muted: int
    quarantined: int
    active: bool


class AgentList(BaseModel):
    items: list[Agent]


class Delegation(BaseModel):
    person: str
    person_name: str
    person_key: str
    key: str
    serial: int
    label: str
    client: str
    valid_after: str
    valid_before: str
    scope: str


class TrailItem(BaseModel):
    entry: str
    issue: str
    short: str
    title: str
    at: str
    n: int
    prev: str | None
    verdict: str
    reason: str
    events: list[Event]


class Chain(BaseModel):
    entries: int
    gaps: list[dict[str, Any]]
    forks: list[dict[str, Any]]
    ok: bool


class Audit(BaseModel):
    agent: Agent
    delegation: Delegation | None
    items: list[TrailItem]
    chain: Chain
    next: str | None
    total: int


class Me(BaseModel):
    person: str
    name: str
    role: Literal["writer", "observer"]
    repository: str
    version: str


class Health(BaseModel):
    status: Literal["ok"]
    version: str
    repository: str
    root: str
    epoch: str
    cursor: str
    issues: int
    entries: int
    events: int
    quarantined: int
    waiting: int
    watching: bool


class Problem(BaseModel):
    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
