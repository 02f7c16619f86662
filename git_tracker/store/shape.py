"""How event types are declared: typed fields with a check each, and strict decoding.

    class StatusChanged(Event, type="status-changed", operation="status"):
        to: Word

declares the type, its JSON shape and its constructor. Effects are methods of the same class.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, dataclass_transform, get_type_hints

from git_tracker.errors import Invalid
from git_tracker.store import text
from git_tracker.store.canonical import Json, text_flaw

if TYPE_CHECKING:
    from git_tracker.store.state import Stamp, State

Check = Callable[[Any], str]  # what is wrong with a value, or an empty string

MAX_TITLE = 512  # characters, as JSON Schema counts them; so is the next
MAX_WORD = 64
MAX_TEXT = 256 * 1024  # bytes of UTF-8


def line(limit: int, *, empty: bool = False) -> Check:
    """One line of at most `limit` characters (code points), without leading or trailing blanks."""

    def check(value: Any) -> str:
        if type(value) is not str:
            return "is not text"
        if not value and not empty:
            return "is empty"
        if value != value.strip():
            return "begins or ends with a blank"
        if not value.isprintable() and any(char in value for char in "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"):
            return "holds a line break"
        if len(value) > limit:
            return f"is longer than {limit} characters"
        return text_flaw(value)

    return check


def block(limit: int, *, empty: bool = False) -> Check:
    """Text of at most `limit` bytes."""

    def check(value: Any) -> str:
        if type(value) is not str:
            return "is not text"
        if not empty and not value.strip():
            return "is empty"
        if len(value) > limit or (4 * len(value) > limit and len(value.encode("utf-8", "surrogatepass")) > limit):
            return f"is longer than {limit} bytes"
        return text_flaw(value)

    return check


def integer(low: int, high: int) -> Check:
    def check(value: Any) -> str:
        return "" if type(value) is int and low <= value <= high else f"is not an integer from {low} to {high}"

    return check


def one_of(*words: str) -> Check:
    def check(value: Any) -> str:
        return "" if value in words and type(value) is str else f"is none of {', '.join(words)}"

    return check


def optional(check: Check) -> Check:
    """The same, or null."""
    return lambda value: "" if value is None else check(value)


def hexadecimal(size: int) -> Check:
    def check(value: Any) -> str:
        fine = type(value) is str and len(value) == size and not value.strip("0123456789abcdef")
        return "" if fine else f"is not an id of {size} hexadecimal digits"

    return check


def flag(value: Any) -> str:
    return "" if type(value) is bool else "is neither true nor false"


def _part(value: Any) -> str:
    """An id of a part of an entry: `<entry>.<position>`."""
    if type(value) is str:
        entry, dot, position = value.partition(".")
        if dot and not hexadecimal(40)(entry) and position.isdecimal() and position.isascii() and len(position) < 4:
            return ""
    return "is not the id of a part: <entry>.<position>"


def _origin(value: Any) -> str:
    if type(value) is not dict or not value or value.keys() - {"at", "by", "from", "id"}:
        return "is not an object of from, id, by and at"
    return next((f"{key} {flaw}" for key, item in value.items() if (flaw := line(512)(item))), "")


def _any(value: Any) -> str:
    return ""


Title = Annotated[str, line(MAX_TITLE)]
Word = Annotated[str, line(MAX_WORD)]
Name = Annotated[str | None, optional(line(MAX_WORD * 2))]
OptionalWord = Annotated[str | None, optional(line(MAX_WORD))]
Line = Annotated[str, line(MAX_TITLE, empty=True)]
Text = Annotated[str, block(MAX_TEXT, empty=True)]
Body = Annotated[str, block(MAX_TEXT)]
Priority = Annotated[int, integer(0, 4)]
Seconds = Annotated[int, integer(0, 10**9)]
OptionalSeconds = Annotated[int | None, optional(integer(0, 10**9))]
Moment = Annotated[int | None, optional(integer(0, 253402300799))]  # seconds since 1970, up to the year 9999
Flag = Annotated[bool, flag]
IssueRef = Annotated[str, hexadecimal(40)]
OptionalEntry = Annotated[str | None, optional(hexadecimal(40))]
PartRef = Annotated[str, _part]
Operation = Annotated[list[Any], text.flaw]
Origin = Annotated[dict[str, str] | None, optional(_origin)]
Anything = Annotated[Json, _any]
LinkKind = Annotated[str, one_of("blocks", "parent", "relates", "duplicates", "discovered-from", "supersedes")]
Digest = Annotated[str, hexadecimal(128)]  # SHA-512
FileSize = Annotated[int, integer(0, 10 * 1024 * 1024)]
Nonce = Annotated[str, hexadecimal(32)]


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Event:
    """One typed fact about one issue. Subclasses declare their fields; see the module's docstring."""

    type: ClassVar[str]
    operation: ClassVar[str]  # what a delegation's scope must allow
    checks: ClassVar[dict[str, Check]]
    defaults: ClassVar[dict[str, Any]]
    required: ClassVar[tuple[str, ...]]

    imported: Origin = None  # who said so elsewhere, and when; the signature is the importer's

    def __init_subclass__(cls, *, type: str, operation: str) -> None:
        cls.type, cls.operation = type, operation
        hints = get_type_hints(cls, include_extras=True)
        cls.checks = {name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")}
        cls.defaults = {name: getattr(cls, name) for name in cls.checks if hasattr(cls, name)}
        cls.required = tuple(name for name in cls.checks if name not in cls.defaults)

    def __init__(self, /, **values: Any) -> None:  # so that a field named `self` is refused as any other
        checks = self.checks
        for name, value in values.items():
            if name not in checks:
                raise Invalid(f"no field named {name!r}")
            if flaw := checks[name](value):
                raise Invalid(f"{name.rstrip('_')} {flaw}")
        for name in self.required:
            if name not in values:
                raise Invalid(f"{name.rstrip('_')} is missing")
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("events do not change")

    @classmethod
    def decode(cls, fields: Mapping[str, Json]) -> "Event":
        """Build from JSON; raise `Invalid` where the shape is wrong."""
        values = dict(fields)
        values.pop("type", None)
        try:
            return cls(**values)
        except Invalid as flaw:
            raise Invalid(f"{cls.type}: {flaw}") from None

    @classmethod
    def of_sound(cls, fields: Mapping[str, Json]) -> "Event":
        """Build from JSON that `decode` took before."""
        event = cls.__new__(cls)
        event.__dict__.update(fields)
        return event

    def encode(self) -> dict[str, Json]:
        """Return the JSON form; fields at their default are left out."""
        return {"type": self.type} | {
            name: value for name, value in self.__dict__.items() if value != self.defaults.get(name, ...)
        }

    def check(self, state: "State", stamp: "Stamp") -> None:
        """Raise `Refused` if the event cannot take effect on this state. Called for reading and writing alike."""

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        """Change the state; `part` is the id of this event: `<entry>.<position>`."""

    def summary(self) -> str:
        """Say it in one line, for people; unescaped."""
        return self.type
