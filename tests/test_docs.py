"""The docs say what the program does: every field, option, argument, endpoint and variable, read from its registries."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from git_tracker.cli import call as cli
from git_tracker.cli.main import VERBS
from git_tracker.server import mcp
from git_tracker.store import EVENTS
from git_tracker.tools import RESOURCES, TOOLS, models
from git_tracker.web.api import ENDPOINTS

ROOT = Path(__file__).resolve().parent.parent


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def row(text: str, first: str) -> str:
    """The row of a table whose first cell begins with a word in code."""
    found = [line for line in text.splitlines() if line.startswith(f"| `{first}")]
    assert len(found) == 1, f"{first}: {len(found)} rows"
    return found[0]


def missing(names: Any, text: str) -> list[str]:
    spans = set(re.findall(r"`([^`\n]+)`", text))
    return [name for name in names if not any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", s) for s in spans)]


@pytest.mark.parametrize("type", EVENTS)
def test_the_format_lists_the_fields_of_every_event(type: str) -> None:
    fields = [name.rstrip("_") for name in EVENTS[type].checks if name != "imported"]
    assert missing(fields, row(page("FORMAT.md"), f"{type}`")) == []


@pytest.mark.parametrize("verb", VERBS)
def test_the_command_line_s_page_lists_every_option(verb: str) -> None:
    assert missing(cli.page(VERBS, verb).options, page("CLI.md").replace("`--status\nSTATUS`", "`--status`")) == []


async def test_the_tools_page_lists_every_argument() -> None:
    for tool in TOOLS:
        arguments = [name for name in mcp._tool(tool).parameters["properties"] if name not in ("session", "rk")]
        assert missing(arguments, row(page("MCP.md"), f"{tool.__name__}`")) == []
    inside: list[type[BaseModel]] = [models.NewIssue, models.Changes, models.Replacement, models.Evidence]
    assert missing([name for model in inside for name in model.model_fields], page("MCP.md")) == []


def test_the_tools_page_lists_every_resource() -> None:
    assert missing(RESOURCES, page("MCP.md")) == []


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_the_rest_page_lists_every_endpoint_with_what_it_takes(endpoint: Any) -> None:
    told = row(page("REST.md"), f"{endpoint.method} {endpoint.path}`")
    fields = [*endpoint.query.model_fields, *(endpoint.body.model_fields if endpoint.body else ())]
    assert missing(fields, told) == []


def test_the_settings_page_lists_every_variable() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "git_tracker").rglob("*.py"))
    assert missing(sorted(set(re.findall(r"\bTRACKER_[A-Z]+\b", sources))), page("SETTINGS.md")) == []


def test_every_link_between_the_docs_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
    broken = [
        f"{source.name}: {target}"
        for source in pages
        for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", source.read_text(encoding="utf-8"))
        if not leads(source, target)
    ]
    assert broken == []


def leads(source: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    path = source if not name else source.parent / name
    if not path.exists():
        return False
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
    return not anchor or anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
