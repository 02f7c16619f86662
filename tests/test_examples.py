"""The examples as people run them: `make demo` from a scratch repository to work that stock git calls Good."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "agent-examples" / "demo.py"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository that a run of the demo leaves behind."""
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, DEMO, "--fast", "--once", "--port", "0", "--keep", folder],
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "/#token=" in done.stdout
    return folder / "demo"


def tracker(repo: Path, *words: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "TRACKER_"))}
    here = {"HOME": str(repo.parent), "XDG_CONFIG_HOME": str(repo.parent / "config"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "git_tracker", "-C", str(repo), *words]
    return subprocess.run(command, env=env | here, capture_output=True, text=True, check=True, timeout=60).stdout


def test_three_agents_finish_issues_each_under_an_id_of_its_own(demo: Path) -> None:
    events = json.loads(tracker(demo, "log", "--limit", "100000", "--json"))["items"]
    finished = {
        event["actor"]["id"]: event["actor"]["client"]
        for event in events
        if event["type"] == "status-changed" and event["to"] == "done" and event["actor"]["session"]
    }

    assert len(finished) >= 3
    assert sorted(finished.values()).count("example-worker/1.0") == 2
    assert "example-http-worker/1.0" in finished.values()


def test_what_the_plan_asked_for_is_done_and_the_person_closed_its_goal(demo: Path) -> None:
    rows = json.loads(tracker(demo, "list", "--all", "--limit", "1000", "--json"))["items"]
    planned = {row["title"]: row for row in rows if row["author"]["client"] == "example-planner/1.0"}

    assert len(planned) == 8
    assert {row["status"] for row in planned.values()} == {"done"}
    assert all(row["claim"] is None for row in rows)
    goal = json.loads(tracker(demo, "show", planned["People stay signed in"]["id"], "--json"))
    assert goal["comments"][-1]["author"]["id"] == "ada"


def test_stock_git_calls_the_entries_good(demo: Path, tmp_path: Path) -> None:
    allowed = tmp_path / "allowed_signers"
    allowed.write_text(tracker(demo, "identity", "export", "--allowed-signers"), encoding="utf-8")
    events = json.loads(tracker(demo, "log", "--limit", "100000", "--json"))["items"]
    by_actor = {event["actor"]["id"]: event["entry"] for event in events}  # the last entry of each
    assert len(by_actor) >= 5  # the person, the planner and three workers

    for actor, entry in by_actor.items():
        done = subprocess.run(
            ["git", "-C", demo, "-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", entry],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        who = "ada@tracker" if actor == "ada" else f"{actor}.ada@tracker"
        assert f'Good "git" signature for {who} with ' in done.stderr
