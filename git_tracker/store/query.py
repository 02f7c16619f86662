"""The query language: `status:todo,in-progress label:bug -label:wontfix assignee:me created:>2026-01-01 words`.

Parsing only, pure: text in, `Query` out. Terms are and-ed; `OR` between two groups of terms or-s the groups.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from git_tracker.errors import Invalid
from git_tracker.store.canonical import text_flaw

MAX_QUERY = 1024

LISTED = ("agent", "assignee", "author", "id", "label", "milestone", "parent", "repo", "status", "type")
LINKS = ("blocks", "relates", "duplicates", "discovered-from", "supersedes")
RANGES = ("created", "updated", "priority", "due")
STATES = ("ready", "blocked", "claimed", "conflicted", "stale", "overdue", "archived", "open", "done", "imported")
SORTS = ("updated", "created", "priority", "title", "status")
KEYS = (*LISTED, *LINKS, *RANGES, "is", "sort")

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_COMPARE = ("<=", ">=", "<", ">")


class Term(NamedTuple):
    """One condition. `key` is `text`, one of KEYS, and `values` are alternatives; `compare` is for RANGES.

    Of parents and links, `compare` is `whole` where the values are full ids already.
    """

    key: str
    values: tuple[str, ...]
    negated: bool = False
    compare: str = "="
    number: int = 0
    elsewhere: tuple[str, ...] = ()  # of `is`: ids of issues that an open one in another repository blocks


class Query(NamedTuple):
    """Groups of terms: an issue matches if all terms of some group do. `sort` is (key, descending) or None."""

    groups: tuple[tuple[Term, ...], ...] = ((),)
    sort: tuple[str, bool] | None = None

    @property
    def asks_archived(self) -> bool:
        return any("archived" in term.values for group in self.groups for term in group if term.key == "is")

    def mapped(self, of: Callable[[Term], Term | bool]) -> "Query":
        """Return the query with each term replaced; one that is True falls away, one that is False takes its group along.

        A query without groups finds nothing.
        """
        groups = [[of(term) for term in group] for group in self.groups]
        kept = (group for group in groups if False not in group)
        return self._replace(groups=tuple(tuple(term for term in group if isinstance(term, Term)) for group in kept))

    def within(self, repository: str) -> "Query":
        """Return what is left to ask of a repository with that name: `repo:` is decided."""
        if not any(term.key == "repo" for group in self.groups for term in group):
            return self
        return self.mapped(lambda term: (repository in term.values) != term.negated if term.key == "repo" else term)

    def limited_to(self, *terms: Term) -> "Query":
        """Return the query with further terms in every group."""
        return self._replace(groups=tuple((*group, *terms) for group in self.groups))


def parse(text: str, now: int) -> Query:
    """Parse a query; `now` (seconds since 1970) is what `updated:<7d` counts from. Raise `Invalid` with what would work."""
    if len(text) > MAX_QUERY:
        raise Invalid(f"the query is longer than {MAX_QUERY} characters", "use fewer words")
    if flaw := text_flaw(text):
        raise Invalid(f"the query cannot be read: {flaw}")
    groups: list[list[Term]] = [[]]
    sort = None
    for token, quoted in _tokens(text):
        if token == "OR" and not quoted:
            groups.append([])
            continue
        negated = token.startswith("-") and len(token) > 1 and not quoted
        word = token[1:] if negated else token
        key, colon, value = word.partition(":")
        if not colon or quoted or not key or "/" in key or value.startswith("//"):
            groups[-1].append(Term("text", (word,), negated))
        elif key == "sort":
            sort = _sort(value)
        else:
            groups[-1].append(_term(key.lower(), value, negated, now))
    if len(groups) > 1 and any(not group for group in groups):
        raise Invalid("OR stands without terms on one side", "write `status:todo OR label:bug`")
    for group in groups:
        _check_contradictions(group)
    return Query(tuple(tuple(group) for group in groups), sort)


def asked(text: str | Query, now: int, repository: str) -> Query:
    """Return what a query, parsed or not, asks of the repository of that name."""
    return text if isinstance(text, Query) else parse(text, now).within(repository)


def _tokens(text: str) -> list[tuple[str, bool]]:
    """Split at blanks; quotes keep blanks together. The flag says that the token began with a quote."""
    found: list[tuple[str, bool]] = []
    word, quote, quoted, started = "", "", False, False
    for char in text:
        if quote:
            if char == quote:
                quote = ""
            else:
                word += char
        elif char in "\"'" and (not word or word.endswith(":")):
            quote, quoted, started = char, quoted or not word, True
        elif char.isspace():
            if word or started:
                found.append((word, quoted))
            word, quoted, started = "", False, False
        else:
            word, started = word + char, True
    if quote:
        raise Invalid(f"the query has a quote {quote} that is not closed", "close it, or leave it out")
    if word or started:
        found.append((word, quoted))
    return [(word, quoted) for word, quoted in found if word]


def _term(key: str, value: str, negated: bool, now: int) -> Term:
    if key not in KEYS:
        raise Invalid(
            f"no filter named {key!r}", f"the nearest is {nearest(key, KEYS)}:; to search for the word, quote it"
        )
    if not value:
        raise Invalid(f"{key}: stands without a value", f"write {key}:VALUE")
    if key in RANGES:
        return _range(key, value, negated, now)
    values = tuple(part for part in value.split(",") if part)
    if key == "is":
        for part in values:
            if part not in STATES:
                raise Invalid(f"no state named {part!r}", f"is: knows {', '.join(STATES)}")
    return Term(key, values, negated)


def _range(key: str, value: str, negated: bool, now: int) -> Term:
    compare = next((sign for sign in _COMPARE if value.startswith(sign)), "=")
    plain = value.removeprefix(compare) if compare != "=" else value
    if key == "priority":
        if compare == "=" and "," in plain:
            return Term(key, tuple(str(_priority(part)) for part in plain.split(",")), negated, "in")
        return Term(key, (plain,), negated, compare, _priority(plain))
    number, unit = plain[:-1], plain[-1:]
    if number.isascii() and number.isdecimal() and unit in _UNITS:
        age = int(number[:9]) * _UNITS[unit]
        if key == "due":  # due:<7d is within the next seven days
            return Term(key, (plain,), negated, compare, now + age)
        flipped = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": ">="}[
            compare
        ]  # younger than 7 days is later than then
        return Term(key, (plain,), negated, flipped, now - age)
    return Term(key, (plain,), negated, "on" if compare == "=" else compare, day(plain))


def _priority(text: str) -> int:
    if text not in tuple("01234"):
        raise Invalid(f"priority {text!r} is not 0 to 4", "write priority:0, priority:<=1 or priority:1,2")
    return int(text)


def day(text: str) -> int:
    """Return the first second of a day or the second of a time, in UTC; raise `Invalid` with examples."""
    import calendar

    for form in ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M"):
        try:
            return calendar.timegm(time.strptime(text, form))
        except ValueError:
            continue
    raise Invalid(f"{text!r} is no date", "write 2026-01-31, 2026-01-31T12:00 or an age such as 7d or 12h")


def _sort(value: str) -> tuple[str, bool]:
    key, _, order = value.partition("-")
    if key not in SORTS or order not in ("", "asc", "desc"):
        raise Invalid(f"cannot sort by {value!r}", f"sort by {', '.join(SORTS)}, with -asc or -desc behind it")
    return key, order == "desc" if order else key in ("updated", "created")


def _check_contradictions(group: list[Term]) -> None:
    for key in ("status", "type", "assignee", "parent"):
        wanted = [set(term.values) for term in group if term.key == key and not term.negated]
        if len(wanted) > 1 and not set.intersection(*wanted):
            values = " and ".join(f"{key}:{','.join(sorted(values))}" for values in wanted)
            raise Invalid(f"{values} contradict each other", f"write {key}:A,B for either")
    plain = {(term.key, value) for term in group if not term.negated and term.key != "text" for value in term.values}
    for term in group:
        for value in term.values:
            if term.negated and (term.key, value) in plain:
                raise Invalid(f"{term.key}:{value} is both asked for and excluded", "leave one of them out")


def nearest(word: str, words: tuple[str, ...]) -> str:
    """Return the most similar word."""
    import difflib

    return max(words, key=lambda other: difflib.SequenceMatcher(None, word, other).ratio())
