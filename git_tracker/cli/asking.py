"""Questions to the person at the terminal. Where there is none, nobody is asked and every caller goes on without."""

import sys
from collections.abc import Callable, Sequence

from git_tracker.cli.escape import line


def terminal() -> bool:
    """Return whether somebody sits there who sees a question and can answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def passphrase() -> Callable[[str], str] | None:
    """Return what asks for a passphrase without showing it, or None without a terminal."""
    return _unseen if terminal() else None


def number(question: str, choices: Sequence[str]) -> int:
    """Return which of the choices is meant, counted from 0; just Enter means the first."""
    sys.stderr.write("".join(f"{at:3}  {line(choice)}\n" for at, choice in enumerate(choices, 1)))
    while True:
        answer = _answer(f"{question} [1] ")
        if not answer:
            return 0
        if answer.isascii() and answer.isdecimal() and 1 <= int(answer) <= len(choices):
            return int(answer) - 1


def yes(question: str) -> bool:
    """Return whether the answer is yes; anything unclear is a no."""
    return _answer(f"{question} [y/N] ").lower() in ("y", "yes")


def _answer(prompt: str) -> str:
    sys.stderr.write(prompt)
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:  # the terminal went away, or Ctrl-D
        raise KeyboardInterrupt
    return answer.strip()


def _unseen(prompt: str) -> str:
    from getpass import getpass

    try:
        return getpass(line(prompt))
    except EOFError:
        raise KeyboardInterrupt from None
