"""What REST answers, as pydantic models: openapi.json is made from them, and the tests hold answers against it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


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
    quarantined: int
    repository: str = ""


class Link(BaseModel):
    kind: str
    issue: str
    direction: Literal["in", "out"]
    repository: str = ""


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
    entry: str


class Conflict(BaseModel):
    field: str
    strategy: Literal["last-writer", "manual", "merge"]
    values: list[ConflictValue]
    base: Any
    result: Any


class ConflictedIssue(IssueRow):
    """Texts in these conflicts are cut to where they differ."""

    conflicts: list[Conflict]


class ConflictList(BaseModel):
    items: list[ConflictedIssue]
    next: str | None
    total: int


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
    repository: str = ""


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
    revoked: bool
    repositories: list[str] = []


class AgentList(BaseModel):
    items: list[Agent]
    next: str | None
    total: int


class Me(BaseModel):
    person: str
    name: str
    role: Literal["writer", "agent", "observer"]
    repository: str
    version: str


class Repository(BaseModel):
    """One of a workspace."""

    name: str
    path: str
    state: Literal["ok", "empty", "missing", "broken"]
    reason: str


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
    repositories: list[Repository] = []


class Problem(BaseModel):
    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
