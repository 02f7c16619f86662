"""openapi.json says what the server does: schemathesis, which nobody here wrote, compares the two."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.serving import Served

CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.parametrize(("part", "operations"), [("include", 11), ("exclude", 9)], ids=["reads", "writes"])
def test_schemathesis_finds_nothing(served: Served, tmp_path: Path, part: str, operations: int) -> None:
    for title in ("one", "two"):
        served.request("POST", "/api/issues", {"title": title})
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIG, "run", f"{served.origin}/api/openapi.json",
         "--header", f"Authorization: Bearer {served.token}", "--checks", "all", f"--{part}-method", "GET",
         "--max-examples", "4", "--max-time", "45", "--seed", "7", "--generation-database", "none", "--no-color"],
        capture_output=True, text=True, cwd=tmp_path, timeout=150,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Tested: {operations}" in done.stdout
    assert "Traceback" not in served.errors


def test_the_document_names_every_route_and_the_statuses_of_the_workflow(served: Served) -> None:
    document = served.get("/api/openapi.json")
    for path in ("/api/issues", "/api/issues/{id}", "/api/issues/{id}/comments", "/api/issues/{id}/history", "/api/board",
                 "/api/events", "/api/agents", "/api/agents/{id}/audit", "/api/agents/{id}/verify", "/api/quarantine", "/api/quarantine/adopt", "/api/conflicts", "/api/issues/{id}/resolve",
                 "/api/health"):  # fmt: skip
        assert path in document["paths"]
    status = document["components"]["schemas"]["NewIssue"]["properties"]["status"]
    assert {"type": "string", "enum": ["todo", "in-progress", "done"]} in status["anyOf"]
