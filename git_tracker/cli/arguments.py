"""Command lines, read by the help page of their verb: the page is the grammar, so neither can lie about the other.

The first line of a page names the arguments: `tracker show ID`, `[ID]` for one that may be left out, `WORD...` for
any number. `[WORD|-WORD...]` lets words begin with a dash. Lines that begin with two blanks and a dash declare options:

      -l, --label LABEL...   takes a value, any number of times
      --replace OLD NEW      takes two values
      --all                  takes none

A page is read in a fraction of a millisecond; argparse alone would cost more than the rest of `tracker list`.
"""

from git_tracker.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

GLOBAL = """
  -C, --directory PATH    the repository to work in
  --json                  print JSON and nothing else
  --as PERSON             whose key signs
  -h, --help              print this page
"""


class Option:
    """One option of a page: `name` is its long form without dashes, `values` how many values it takes."""

    __slots__ = ("many", "name", "values")

    def __init__(self, name: str, values: int, many: bool) -> None:
        self.name, self.values, self.many = name, values, many


class Page:
    """The help text of a verb, and what it says about the verb's arguments."""

    def __init__(self, verb: str, text: str) -> None:
        self.verb, self.text = verb, text
        self.options: dict[str, Option] = {}
        self.required: list[str] = []
        self.optional: list[str] = []
        self.rest = ""
        self.dashes = False
        head, _, body = text.partition("\n")
        for word in head.split()[2:]:
            self._argument(word)
        for line in (GLOBAL + body).split("\n"):
            if line.startswith("  -"):
                self._option(line.strip().partition("  ")[0])

    def _argument(self, word: str) -> None:
        plain = word.strip("[]").rpartition("|")[2]
        self.dashes = self.dashes or plain.startswith("-")
        name = plain.strip("-.").lower()
        if plain.endswith("..."):
            self.rest = name
        if not word.startswith("["):
            self.required.append(name)
        elif not self.rest:
            self.optional.append(name)

    def _option(self, head: str) -> None:
        flags, values, many = [], 0, False
        for word in head.replace(",", " ").split():
            if word.startswith("-"):
                flags.append(word)
            else:
                values += 1
                many = word.endswith("...")
        option = Option(flags[-1].lstrip("-"), values, many)
        for flag in flags:
            self.options[flag] = option

    def read(self, words: "Sequence[str]") -> dict[str, list[str]]:
        """Return the values of every argument and option that was given; raise `Invalid` where the page says no."""
        found: dict[str, list[str]] = {}
        plain: list[str] = []
        index = 0
        while index < len(words):
            word = words[index]
            index += 1
            if word == "--":
                plain += words[index:]
                break
            if not word.startswith("-") or word == "-":
                plain.append(word)
                continue
            flag, glued = self._flag(word)
            if flag is None:
                plain.append(word)
                continue
            option = self.options[flag]
            values = list(words[index : index + option.values])
            if glued is not None:
                values = [glued, *words[index : index + option.values - 1]] if option.values else []
                if not values:
                    raise self._wrong(f"{flag} takes no value")
            index += option.values - (glued is not None)
            if len(values) < option.values:
                raise self._wrong(f"{flag} needs {'a value' if option.values == 1 else f'{option.values} values'}")
            if option.name in found and not option.many and found[option.name] != values:
                raise self._wrong(f"{flag} is given twice")
            found[option.name] = [*found.get(option.name, ()), *values] if option.many else values
        if "help" not in found:
            self._place(plain, found)
        return found

    def _flag(self, word: str) -> tuple[str | None, str | None]:
        """Split `--name=value` and `-nvalue`; the flag is None for a word that only looks like one."""
        if word in self.options:
            return word, None
        if word.startswith("--"):
            flag, equals, value = word.partition("=")
            if flag in self.options and equals:
                return flag, value
            raise self._unknown(flag)
        if word[:2] in self.options and self.options[word[:2]].values:
            return word[:2], word[2:].removeprefix("=")
        if self.dashes and len(word) > 2:
            return None, None
        raise self._unknown(word)

    def _place(self, plain: list[str], found: dict[str, list[str]]) -> None:
        names = [*self.required, *self.optional]
        for name in self.required[len(plain) :]:
            raise self._wrong(f"{name.upper()} is missing")
        if len(plain) > len(names) and not self.rest:
            extra = " ".join(plain[len(names) :])
            raise self._wrong(f"{self.verb} has no use for {extra!r}", quote=True)
        for number, word in enumerate(plain):
            name = names[number] if number < len(names) else self.rest
            found.setdefault(name, []).append(word)

    def _unknown(self, flag: str) -> Invalid:
        from difflib import get_close_matches

        names = [name[2:] for name in self.options if name.startswith("--")]  # the dashes alone make nothing alike
        if near := get_close_matches(flag.lstrip("-"), names, 1, 0.5):
            return self._wrong(f"{self.verb} has no option {flag}; the nearest is --{near[0]}")
        own = [name for name in self.options if name.startswith("--") and f" {name} " not in GLOBAL]
        hint = f"its options are {', '.join(own)}; more with --help" if own else ""
        return self._wrong(f"{self.verb} has no option {flag}", hint)

    def _wrong(self, message: str, hint: str = "", *, quote: bool = False) -> Invalid:
        usage = self.text.partition("\n")[0]
        usual = f"`{usage}`; put quotes around text with blanks" if quote else f"`{usage}`; more with --help"
        return Invalid(message, hint or usual, code="usage")

    def help(self) -> str:
        """Return the page as `tracker VERB --help` prints it."""
        return f"{self.text.rstrip()}\n\nEverywhere:{GLOBAL.rstrip()}\n"
