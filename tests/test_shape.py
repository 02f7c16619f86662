"""The shape of the program, held by reading its source: who may import what, what stays pure, what the docs must name."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "git_tracker"

HOMES = {
    "pygit2": ("git_tracker.store.libgit2",),
    "nacl": ("git_tracker.store.ed25519",),
    "watchfiles": ("git_tracker.store.watch",),
    "rich": ("git_tracker.cli.render",),
    "cryptography": ("git_tracker.store.keyfile",),
    "sqlite3": ("git_tracker.store.journal", "git_tracker.store.index", "git_tracker.store.walfile"),
}
PURE = {
    f"git_tracker.store.{name}"
    for name in (
        "canonical sshwire certificate commit entry shape events text graph registers collision state review fold conflicts issue workflow"
        " query"
    ).split()
}
WORLD = set(HOMES) | set(
    "asyncio glob io mcp os pathlib pydantic random secrets shutil signal socket starlette subprocess tempfile"
    " threading uuid".split()
)
CLOCKS = set("time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time sleep localtime".split())
NOW = {"now", "utcnow", "today"}  # of datetime and date
TOUCHES = {"open", "print", "input", "breakpoint", "exec", "eval", "__import__"}

# (module outside the store, module inside it): each with the reason why the front door will not do.
BACK_DOORS: set[tuple[str, str]] = set()
# Modules above 300 lines, each with the reason why it is still one idea.
LONG: set[str] = set()
NOT_NAMES = set("manager service helper helpers util utils base common info misc".split())


class Module:
    """One source file: its dotted name, its tree, and what it imports."""

    def __init__(self, path: Path) -> None:
        parts = path.relative_to(ROOT).with_suffix("").parts
        self.is_package = parts[-1] == "__init__"
        self.name = ".".join(parts[:-1] if self.is_package else parts)
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text, str(path))

    def within(self, package: str) -> bool:
        return self.name == package or self.name.startswith(package + ".")

    def imports(self) -> Iterator[tuple[str, int]]:
        """Every imported name in full (`from a import b` gives a.b), wherever it stands, with its line."""
        package = self.name if self.is_package else self.name.rpartition(".")[0]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                source = node.module or ""
                if node.level:
                    above = package.rsplit(".", node.level - 1)[0]
                    source = f"{above}.{source}" if source else above
                yield from ((f"{source}.{alias.name}", node.lineno) for alias in node.names)


MODULES = [Module(path) for path in sorted(PACKAGE.rglob("*.py"))]
NAMES = {module.name for module in MODULES}


def is_pure(name: str) -> bool:
    return any(name == core or name.startswith(core + ".") for core in PURE)


def test_each_library_has_one_home() -> None:
    strays = [
        f"{module.name}:{line} imports {name}; its home is {' or '.join(HOMES[name.split('.')[0]])}"
        for module in MODULES
        for name, line in module.imports()
        if name.split(".")[0] in HOMES and not any(module.within(home) for home in HOMES[name.split(".")[0]])
    ]
    assert strays == []


def test_the_pure_core_imports_nothing_of_the_world() -> None:
    strays = [
        f"{module.name}:{line} imports {name}"
        for module in MODULES
        if is_pure(module.name)
        for name, line in module.imports()
        if name.split(".")[0] in WORLD
    ]
    assert strays == []


def test_the_pure_core_imports_only_itself_and_errors_from_this_program() -> None:
    strays = [
        f"{module.name}:{line} imports {name}"
        for module in MODULES
        if is_pure(module.name)
        for name, line in module.imports()
        if name.startswith("git_tracker.store.") and not is_pure(inner(name))
    ]
    assert strays == []


def test_the_pure_core_asks_no_clock_no_dice_and_no_environment() -> None:
    strays = [f"{module.name}:{found}" for module in MODULES if is_pure(module.name) for found in impurities(module)]
    assert strays == []


def impurities(module: Module) -> Iterator[str]:
    for name, line in module.imports():
        if name in {f"time.{clock}" for clock in CLOCKS}:
            yield f"{line} imports {name}"
    for node in ast.walk(module.tree):
        match node:
            case ast.Attribute(value=ast.Name(id="time"), attr=attr) if attr in CLOCKS:
                yield f"{node.lineno} reads time.{attr}"
            case ast.Call(func=ast.Attribute(value=owner, attr=attr)) if attr in NOW:
                if ast.unparse(owner).split(".")[-1] in {"datetime", "date", "dt"}:
                    yield f"{node.lineno} calls {ast.unparse(node.func)}"
            case ast.Call(func=ast.Name(id=name)) if name in TOUCHES:
                yield f"{node.lineno} calls {name}"


def test_the_rest_of_the_program_sees_the_store_through_its_front_door() -> None:
    strays = [
        f"{module.name}:{line} imports {name}; take it from git_tracker.store"
        for module in MODULES
        if not module.within("git_tracker.store")
        for name, line in module.imports()
        if name.startswith("git_tracker.store.")
        and inner(name) in NAMES
        and (module.name, inner(name)) not in BACK_DOORS
    ]
    assert strays == []


def inner(name: str) -> str:
    """The module an imported name stands for: git_tracker.store.fold.fold -> git_tracker.store.fold."""
    while name not in NAMES and "." in name:
        parent = name.rpartition(".")[0]
        if parent == "git_tracker.store":
            return name
        name = parent
    return name


def test_the_exceptions_are_still_needed() -> None:
    used = {(module.name, inner(name)) for module in MODULES for name, _ in module.imports()}
    assert BACK_DOORS - used == set()
    assert LONG - {module.name for module in MODULES if lines(module) > 300} == set()


def test_no_module_is_two_ideas_long() -> None:
    assert {module.name: lines(module) for module in MODULES if lines(module) > 300 and module.name not in LONG} == {}


def lines(module: Module) -> int:
    return module.text.count("\n")


def test_a_module_is_named_by_a_noun_that_says_something() -> None:
    vague = [name for name in NAMES if NOT_NAMES & set(re.split(r"[._]", name.lower()))]
    assert vague == []


# What the docs name. The registries are the ones the program itself runs on.


def docs() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))])


def code(text: str) -> str:
    """The parts of a page set as code: fenced blocks and spans, one a line."""
    fences = re.findall(r"^ *```.*?\n(.*?)^ *```", text, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*fences, *re.findall(r"`([^`\n]+)`", prose)])


def unnamed(words: list[str], before: str = "") -> list[str]:
    text = code(docs())
    return [
        word for word in words if not re.search(rf"{before}(?<![\w.-]){re.escape(word)}(?![\w-])", text, re.MULTILINE)
    ]


def test_the_docs_name_every_verb() -> None:
    from git_tracker.cli.main import VERBS

    invoked = r"(?:^|\b(?:git )?tracker (?:-C \S+ |--json |--as \S+ )*)"  # `tracker new …`, or `new …` in a table
    assert unnamed(list(VERBS), before=invoked) == []


def test_the_docs_name_every_tool() -> None:
    from git_tracker.tools import TOOLS

    assert unnamed([tool.__name__ for tool in TOOLS]) == []


def test_the_docs_name_every_event_type() -> None:
    from git_tracker.store.events import EVENTS

    assert unnamed(list(EVENTS)) == []


def test_the_docs_name_every_setting() -> None:
    from git_tracker.server.settings import SETTINGS

    assert unnamed(list(SETTINGS)) == []


# What a hot verb costs.

HEAVY = {"mcp", "mcp_types", "pydantic", "pydantic_core", "pygit2", "rich", "asyncio", "starlette", "nacl", "logging"}


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing of the person running the tests is seen."""
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n", encoding="utf-8")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "TRACKER_", "XDG_"))}
    return kept | {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }


def test_listing_issues_loads_nothing_heavy(tmp_path: Path, home: dict[str, str]) -> None:
    def python(program: str, *argv: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program, *argv],
            env=home,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run = "import sys; from git_tracker.cli.main import main; sys.exit(main(sys.argv[1:]))"
    list_then_tell = (
        "import sys\n"
        "from git_tracker.cli.main import main\n"
        "try: code = main(sys.argv[1:])\n"
        "except SystemExit as end: code = end.code\n"
        "print('\\nloaded', *{name.partition('.')[0] for name in sys.modules})\n"
        "sys.exit(code)\n"
    )
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "--quiet", repository], env=home, check=True)
    python(run, "-C", str(repository), "init")
    python(run, "-C", str(repository), "new", "A first issue")
    told = python(list_then_tell, "-C", str(repository), "list").splitlines()

    assert any("A first issue" in line for line in told[:-1])
    assert told[-1].startswith("loaded ")
    assert HEAVY & set(told[-1].split()) == set()
