"""What REST answers about the trails of agents and about entries that do not count, as pydantic models."""

from typing import Any, Literal

from pydantic import BaseModel

from git_tracker.web.answers import Actor, Agent, Event

Verdict = Literal["ok", "muted", "quarantined", "waiting"]


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
    repository: str = ""


class Chain(BaseModel):
    entries: int
    gaps: list[dict[str, Any]]
    forks: list[dict[str, Any]]
    ok: bool


class Reopening(BaseModel):
    """Where somebody else took an issue out of done that the agent had moved there."""

    entry: str
    issue: str
    short: str
    title: str
    by: Actor
    at: str
    finished_at: str
    repository: str = ""


class Audit(BaseModel):
    agent: Agent
    delegation: Delegation | None
    items: list[TrailItem]
    chain: Chain
    reopened: list[Reopening]  # on the first page
    next: str | None
    total: int


class VerifiedItem(BaseModel):
    """`recorded` is the verdict that the index has."""

    entry: str
    issue: str
    short: str
    n: int
    verdict: Verdict
    reason: str
    recorded: Verdict | None
    repository: str = ""


class Verification(BaseModel):
    ok: bool
    entries: int
    issues: int
    chain: Chain
    items: list[VerifiedItem]
    problems: list[dict[str, Any]]


class Apart(BaseModel):
    """An entry that does not count; `adoptable` if a member may let it."""

    entry: str
    issue: str | None
    short: str | None
    title: str | None
    verdict: Verdict
    reason: str
    actor: Actor | None
    at: str
    adoptable: bool
    repository: str = ""


class Quarantine(BaseModel):
    items: list[Apart]
    next: str | None
    total: int


class Adopted(BaseModel):
    """The entry of the trust log that says so."""

    entry: str
