"""Stock git and OpenSSH in tests: real keys, a real agent, and what `git verify-commit` says."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from git_tracker.store import IssueStore


def keygen(path: Path, *options: str, kind: str = "ed25519", passphrase: str = "") -> Path:
    """Make a key file as people do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "ada@laptop", "-f", path, *options],
        check=True,
        timeout=60,
    )
    return path


def fingerprint(path: Path) -> str:
    """Return what ssh-keygen calls a key."""
    told = subprocess.run(
        ["ssh-keygen", "-l", "-f", path], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    return told.split()[1]


@contextmanager
def agent(path: Path) -> Iterator[str]:
    """Run an ssh-agent on a socket."""
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 20
        while not path.exists():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        yield str(path)
    finally:
        process.terminate()
        process.wait(20)


def add(socket: str, path: Path) -> None:
    """Give the agent a key that has no passphrase."""
    subprocess.run(["ssh-add", "-q", path], env={**os.environ, "SSH_AUTH_SOCK": socket}, check=True, timeout=60)


def good(repo: Path, commit: str, *options: str) -> bool:
    """Return whether stock git calls the signature of a commit good."""
    done = subprocess.run(
        ["git", "-C", repo, *options, "verify-commit", commit], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0 or "Good" not in done.stderr
    return done.returncode == 0 and 'Good "git" signature' in done.stderr


def vouched(store: IssueStore, repo: Path, issue: str) -> bool:
    """Return whether stock git calls the newest entry of an issue good, knowing the members and nothing else."""
    allowed = repo.parent / "allowed"
    allowed.write_text(store.allowed_signers(), encoding="utf-8")
    return good(repo, f"refs/git-tracker/issues/{issue}", "-c", f"gpg.ssh.allowedSignersFile={allowed}")
