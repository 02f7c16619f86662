"""One invocation: what was asked, by whom, of which repository, and where the answer goes."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from git_tracker.cli import exits
from git_tracker.cli.arguments import Page
from git_tracker.cli.opening import Opening
from git_tracker.errors import Invalid, TrackerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_tracker.store import Signer, Tracker

Json = Any
Verbs = Mapping[str, tuple[str, str, str]]

_TOP = "tracker [VERB] [WORDS...]\n  --version               print the version"
_TAKES_VALUE = ("-C", "--directory", "--as")


class Call(Opening):
    """What a verb gets. `values` are those of its page's arguments and options."""

    def __init__(self, verbs: Verbs, values: Mapping[str, Sequence[str]]) -> None:
        self.verbs, self._values = verbs, values
        super().__init__(self.text("directory") or ".")
        self.as_json = "json" in values

    def given(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str = "") -> str:
        """Return the value of an argument or option, the default where it is not given."""
        return self._values[name][0] if self._values.get(name) else default

    def texts(self, name: str) -> list[str]:
        """Return all values of an argument or option."""
        return list(self._values.get(name, ()))

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return a value as a number in the given range; raise `Invalid` if it is none."""
        text = self.text(name)
        if not text:
            return default
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and low <= int(text) <= high):
            raise Invalid(f"--{name} takes a number from {low} to {high}, not {text!r}", code="usage")
        return int(text)

    # who

    @property
    def person(self) -> str:
        """The handle of the person asked for, or an empty string for whom git is configured for."""
        return self.text("as") or os.environ.get("TRACKER_PERSON", "")

    def signer(self, store: "Tracker") -> "Signer":
        """Return who signs: the person, with TRACKER_AGENT an agent session of that name, or the TRACKER_SESSION."""
        person = store.signer(self.person)
        label = os.environ.get("TRACKER_AGENT", "")
        if not label and not os.environ.get("TRACKER_SESSION"):
            return person
        from hashlib import sha256

        from git_tracker import __version__
        from git_tracker.store import Handles, session_id

        name = os.environ.get("TRACKER_SESSION", "")
        client, key = f"tracker/{__version__}", person.identity.key
        rested = Handles(store.home).find(name) if name else None
        if rested and rested.issuer == key.hex() and not rested.owner:  # one that session_start gave out
            return store.delegate(person, client=client, label=rested.label, sid=rested.sid, scope=rested.scope)
        if not label:
            return person
        # One name is one session, so that a claim made by one command can be given back by the next.
        seed = "\0".join((name or label, person.identity.fingerprint, store.root))
        sid = session_id(key, sha256(seed.encode("utf-8", "surrogateescape")).digest())
        return store.delegate(person, client=client, label=label, sid=sid)

    def me(self, *texts: str) -> str:
        """Return whom `me` means in a query; looked up only where one of the texts names it."""
        if self.person or not any("me" in text for text in texts):
            return self.person
        return self.tracker().handle()

    # the answer

    @property
    def fancy(self) -> bool:
        """Whether stdout is a terminal that shows colours."""
        return (
            not self.as_json
            and sys.stdout.isatty()
            and not os.environ.get("NO_COLOR")
            and os.environ.get("TERM", "dumb") != "dumb"
        )

    def json(self, document: Json) -> None:
        """Print a JSON document: on one line in a pipe, spread out on a terminal."""
        import json

        sys.stdout.write(json.dumps(document, indent=2 if sys.stdout.isatty() else None) + "\n")

    def line(self, document: Json) -> None:
        """Print one of many JSON documents, a line each, at once."""
        import json

        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()

    def print(self, *lines: str) -> None:
        """Print lines that are safe to show."""
        for line in lines:
            sys.stdout.write(line + "\n")

    def flush(self) -> None:
        sys.stdout.flush()


def run(verbs: Verbs, words: Sequence[str]) -> int:
    """Run a command line and return its exit code; nothing it does on purpose ends in a traceback."""
    as_json = "--json" in words
    try:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        code = _run(verbs, words)
        sys.stdout.flush()
    except TrackerError as error:
        if not error.told(exits.SHOWS):
            error.hint = f"`tracker {_split(words)[1]} --help` says what it takes"
        return exits.tell(error, as_json=as_json)
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains while it ends
        return exits.PIPE_CLOSED
    except Exception as error:
        if os.environ.get("TRACKER_DEBUG"):
            raise
        return exits.tell(exits.translated(error), as_json=as_json)
    return code


def _run(verbs: Verbs, words: Sequence[str]) -> int:
    before, verb, after = _split(words)
    if not verb:
        return _top(verbs, before)
    if verb not in verbs:
        raise _no_verb(verbs, verb)
    page, function = _verb(verbs, verb)
    values = page.read([*before, *after])
    if "help" in values:
        sys.stdout.write(page.help())
        return exits.DONE
    call = Call(verbs, values)
    try:
        return function(call) or exits.DONE
    finally:
        call.close()


def _split(words: Sequence[str]) -> tuple[list[str], str, list[str]]:
    """Split at the verb: the first word that is neither an option nor an option's value."""
    index = 0
    while index < len(words) and words[index].startswith("-"):
        index += 2 if words[index] in _TAKES_VALUE else 1
    return list(words[:index]), "".join(words[index : index + 1]), list(words[index + 1 :])


def _verb(verbs: Verbs, verb: str) -> tuple[Page, Callable[[Call], int | None]]:
    from importlib import import_module

    module, name, _ = verbs[verb]
    found = import_module(f"git_tracker.cli.{module}")
    return Page(verb, getattr(found, name.strip("_").upper())), getattr(found, name)


def page(verbs: Verbs, verb: str) -> Page:
    """Return the help page of a verb."""
    return _verb(verbs, verb)[0]


def _top(verbs: Verbs, words: Sequence[str]) -> int:
    values = Page("tracker", _TOP).read(words)
    if "version" in values:
        from git_tracker import __version__

        Call(verbs, values).print(f"tracker {__version__}")
        return exits.DONE
    from git_tracker.cli import overview

    sys.stdout.write(overview.text(verbs))
    return exits.DONE


def _no_verb(verbs: Verbs, verb: str) -> Invalid:
    from difflib import get_close_matches

    near = get_close_matches(verb, list(verbs), 1, 0.5)
    hint = f"the nearest is `tracker {near[0]}`" if near else "`tracker` alone lists the verbs"
    return Invalid(f"no verb {verb!r}", hint, code="usage")
