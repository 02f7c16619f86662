"""The file that makes a folder a workspace: `.git-tracker/config.toml` above the repositories it names.

    [repositories]
    api = "api"            # name = path, relative to the folder
    web = "../elsewhere/web"

It is found upwards from where a command runs. A git repository on the way ends the search, also one in the very folder
of the file: what somebody checks into a repository never turns it into a workspace.
"""

import os
from collections.abc import Mapping

from git_tracker.errors import Invalid, NotFound, Unusable
from git_tracker.store.place import is_repository

FOLDER = ".git-tracker"
FILE = f"{FOLDER}/config.toml"
SECTION = "repositories"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}"
_IGNORED = "# the rest are secrets of this machine\n*\n!.gitignore\n!config.toml\n"


def find(start: str = ".", environ: Mapping[str, str] | None = None) -> str:
    """Return the folder of the workspace around `start`, or an empty string if a repository is nearer, or nothing."""
    environ = os.environ if environ is None else environ
    if environ.get("GIT_DIR") and start == ".":
        return ""
    folder = os.path.realpath(start)
    while not is_repository(folder):
        if os.path.isfile(os.path.join(folder, FILE)):
            return folder
        above = os.path.dirname(folder)
        if above == folder:
            return ""
        folder = above
    return ""


def read(folder: str) -> dict[str, str]:
    """Return the paths of a workspace's repositories by name, as the file has them; raise `Invalid` for anything else."""
    import tomllib

    path = os.path.join(folder, FILE)
    try:
        with open(path, "rb") as file:
            found = tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not TOML: {error}", "mend it or move it away") from None
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}", "give yourself the permission to read it") from None
    for key in found:
        if key != SECTION:
            raise Invalid(f"no setting named {key!r} in {path}", f"the nearest is [{SECTION}], the only one there is")
    named = found.get(SECTION, {})
    if not isinstance(named, dict):
        raise Invalid(f"{SECTION} in {path} is no table", f'write [{SECTION}] and below it name = "path"')
    for name, value in named.items():
        _check_name(name)
        if not isinstance(value, str) or not value or "\0" in value:
            raise Invalid(f"{SECTION}.{name} in {path} is no path", f'write {name} = "path"')
    return dict(named)


def init(folder: str) -> bool:
    """Make a folder a workspace without repositories; return whether it was none."""
    if is_repository(os.path.realpath(folder)):
        raise Invalid(f"{folder} is a git repository", "a workspace lies in the folder above its repositories")
    if os.path.exists(os.path.join(folder, FILE)):
        read(folder)
        return False
    _write(folder, {})
    return True


def add(folder: str, path: str, name: str = "") -> str:
    """Add the repository at `path` under a name, that of its folder unless given; return the name."""
    from git_tracker.store import place

    named = read(folder)
    where = place.find(path)
    name = name or where.name
    _check_name(name)
    if name in named:
        raise Invalid(f"the workspace has a repository {name!r} already: {named[name]}", "give it another --name")
    top = where.root or where.common
    for other, there in named.items():
        if os.path.realpath(os.path.join(folder, there)) == os.path.realpath(top):
            raise Invalid(f"the workspace has that repository already, as {other!r}")
    _write(folder, {**named, name: os.path.relpath(top, os.path.realpath(folder))})
    return name


def remove(folder: str, name: str) -> None:
    """Take a repository out of a workspace; nothing in the repository changes."""
    named = read(folder)
    if name not in named:
        raise unknown(name, named)
    _write(folder, {other: path for other, path in named.items() if other != name})


def unknown(name: str, known: Mapping[str, object]) -> NotFound:
    """Say that a workspace has no repository of that name, and which there are."""
    from git_tracker.store.query import nearest

    near = f"the nearest is {nearest(name, tuple(known))}; " if known else ""
    there = ", ".join(known) or "none yet: `tracker workspace add PATH`"
    return NotFound(f"no repository {name!r} in this workspace", f"{near}there is {there}", code="no_such_repository")


def _check_name(name: str) -> None:
    import re  # not for those who only look where a workspace is

    if not re.fullmatch(NAME, name):
        raise Invalid(f"{name!r} cannot name a repository", "use up to 32 of A-Z, a-z, 0-9, dot, dash and underscore")


def _write(folder: str, named: Mapping[str, str]) -> None:
    """Write the file whole under another name first, so that a running server never reads half of it."""
    home = os.path.join(folder, FOLDER)
    path = os.path.join(folder, FILE)
    try:
        os.makedirs(home, exist_ok=True)
        if not os.path.exists(ignored := os.path.join(home, ".gitignore")):
            with open(ignored, "w", encoding="utf-8") as file:
                file.write(_IGNORED)
        new = f"{path}.{os.getpid()}"
        with open(new, "w", encoding="utf-8") as file:
            lines = [f"{_quoted(name)} = {_quoted(there)}" for name, there in named.items()]
            file.write("\n".join([f"[{SECTION}]", *lines]) + "\n")
        os.replace(new, path)
    except OSError as error:
        raise Unusable(f"{path} cannot be written: {error.strerror}", "give yourself the permission") from None


def _quoted(text: str) -> str:
    """Return a TOML basic string."""
    escaped = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}" for c in text)
    return f'"{escaped}"'
