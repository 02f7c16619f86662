"""What REST takes, as pydantic models: requests are checked with them, and openapi.json is made from them."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

NO_NUL = r"^[^\u0000]*$"
# At least one character that is not blank: what Python strips is more than ASCII.
VISIBLE = r"^[^\u0000]*[^\u0000-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\u0000]*$"
_YEAR = r"(19[7-9]\d|[2-9]\d{3})"
_LEAP = r"(19(72|76|80|84|88|92|96)|[2-9]\d([2468][048]|[13579][26]|0[48])|([2468][048]|[3579][26])00)"
DAY = rf"{_YEAR}-((0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)|{_LEAP}-02-29"
MOMENT = rf"^({DAY})(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\dZ)?)?$"
TAKE = r"^([0-9a-f]{4,40}|result|base)$"
PART = r"^[0-9a-f]{40}\.[0-9]{1,3}$"


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 3.0 is 3."""
    return int(value) if type(value) is float and value.is_integer() else value


Priority = Annotated[int, Field(ge=0, le=4, strict=True), BeforeValidator(_whole)]
Minutes = Annotated[int, Field(ge=1, le=10080, strict=True), BeforeValidator(_whole)]
Amount = Annotated[int, Field(ge=0, le=10**9, strict=True), BeforeValidator(_whole)]

Id = Annotated[str, Field(min_length=7, max_length=73, pattern=r"^([\w.-]{1,32}#)?[0-9a-fA-F]{7,40}$")]
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
    repository: Annotated[str, Field(max_length=32, pattern=NO_NUL, description="in a workspace: where it goes")] = ""


class NewEvidence(Body):
    """`kind` is commit, test, review or another word; `review` is what a policy may ask for."""

    kind: Word
    value: Annotated[str, Field(min_length=1, max_length=262144, pattern=VISIBLE)]


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
    add_evidence: Annotated[list[NewEvidence], Field(max_length=20)] = []


class NewComment(Body):
    body: Annotated[str, Field(min_length=1, max_length=262144, pattern=VISIBLE, examples=["Seen here too."])]


class ClaimRequest(Body):
    lease_minutes: Minutes = 30


class ReleaseRequest(Body):
    reason: Annotated[str, Field(max_length=500, pattern=NO_NUL)] = ""


class Nothing(Body):
    """An empty object."""


class Adoption(Body):
    entries: Annotated[list[Id], Field(min_length=1, max_length=100)]


class Resolution(Body):
    """What a field or text is from now on: a value of its own, or one of those in conflict."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"oneOf": [{"required": ["value"]}, {"required": ["take"]}]}
    )

    field: Word
    value: Text | Amount | None = None
    take: Annotated[str, Field(pattern=TAKE, description="an entry of its values, result or base")] = ""
