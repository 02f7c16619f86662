"""Keys on the command line: choosing one, being asked, listing and exporting them, and what stock git is told."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from git_tracker.store import IssueStore, Signer
from tests import openssh
from tests.cli.conftest import Answer, Tracker, program
from tests.store.forge import session, signer
from tests.store.governed import TrustForge

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "correct horse"


@pytest.fixture
def key(isolated: Path) -> Path:
    """Ada's usual key file."""
    return openssh.keygen(isolated / ".ssh" / "id_ed25519")


def at_terminal(answers: dict[str, str], *words: str, cwd: Path) -> Answer:
    """Run the program on a terminal, where somebody answers its questions."""
    run = [
        sys.executable,
        Path(__file__).with_name("terminal.py"),
        json.dumps(answers),
        sys.executable,
        "-m",
        "git_tracker",
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"}
    done = subprocess.run(
        [*run, *words], cwd=cwd, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    return Answer(done.returncode, done.stdout.replace("\r\n", "\n"), done.stderr)


def test_init_takes_the_key_it_is_told(repo: Path, key: Path, ssh_agent: str, tmp_path: Path) -> None:
    held = openssh.keygen(tmp_path / "held")
    openssh.add(ssh_agent, held)
    for number, (words, wanted) in enumerate({
        ("--key", "ssh"): key,
        ("--key", "agent"): held,
        ("--identity", str(key)): key,
        ("--identity", str(held)): held,
        ("--identity", openssh.fingerprint(held)): held,
        ("--key", "ssh", "--identity", f"{held}.pub"): held,
    }.items()):  # fmt: skip
        folder = tmp_path / str(number)
        subprocess.run(["git", "init", "-q", folder], check=True)
        made = program("init", "--json", *words, cwd=folder, XDG_CONFIG_HOME=str(folder / "config"))
        assert (made.code, made.json["key"]) == (0, openssh.fingerprint(wanted)), words


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--key", "card"), 2, "no key of kind 'card'"),
        (("--key", "device", "--identity", "x"), 2, "no file to name"),
        (("--key", "agent"), 1, "there is no ssh-agent: SSH_AUTH_SOCK is not set"),
        (("--key", "ssh"), 1, "there is no key file"),
    ],
)
def test_a_key_that_cannot_be_is_an_error_and_nothing_is_made(
    repo: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    refused = program("init", *words, cwd=repo)
    assert (refused.code, refused.out) == (code, "")
    assert said in refused.err
    assert "hint: " in refused.err
    assert program("log", cwd=repo).err.startswith("tracker: this repository has no tracker yet")


def test_init_offers_the_keys_that_are_here_in_one_question(
    repo: Path, key: Path, ssh_agent: str, tmp_path: Path
) -> None:
    held = openssh.keygen(tmp_path / "held")
    openssh.add(ssh_agent, held)
    shown = at_terminal({"Which key shall sign for you here? [1] ": "3"}, "init", cwd=repo)

    assert shown.code == 0, shown
    assert f"  2  {key}  {openssh.fingerprint(key)}\n" in shown.out
    assert f"  3  ssh-agent: ada@laptop  {openssh.fingerprint(held)}\n" in shown.out
    assert f"with {openssh.fingerprint(held)}" in shown.out
    again = at_terminal({}, "init", cwd=repo)
    assert again.code == 0
    assert "Which key" not in again.out


def test_just_enter_makes_a_key_for_this_device(repo: Path, key: Path) -> None:
    shown = at_terminal({"here? [1] ": ""}, "init", cwd=repo)
    assert shown.code == 0, shown
    listed = program("identity", "list", "--json", cwd=repo).json["items"]
    assert [(item["kind"], item["people"]) for item in listed] == [("device", ["ada"]), ("ssh", [])]


def test_nobody_is_asked_without_a_terminal_or_a_choice(repo: Path, isolated: Path) -> None:
    assert "Which key" not in at_terminal({}, "init", cwd=repo).out  # nothing else is here
    openssh.keygen(isolated / ".ssh" / "id_ed25519")
    second = repo.parent / "second"
    subprocess.run(["git", "init", "-q", second], check=True)
    made = program("init", cwd=second, XDG_CONFIG_HOME=str(second / "config"))
    assert made.code == 0
    assert "Which key" not in made.out + made.err
    assert (second / "config" / "git-tracker" / "keys" / "ada").exists()


def test_a_passphrase_is_asked_for_once_and_never_shown(repo: Path, isolated: Path) -> None:
    key = openssh.keygen(isolated / ".ssh" / "id_ed25519", "-a", "2", passphrase=PASSPHRASE)
    question = f"Passphrase of {key}: "
    made = at_terminal({question: PASSPHRASE}, "init", "--key", "ssh", cwd=repo)
    assert made.code == 0, made
    bob = openssh.keygen(repo.parent / "bob").with_suffix(".pub").read_text()
    for words in (("new", "An issue"), ("trust", "add", bob, "--person", "bob")):
        shown = at_terminal({question: PASSPHRASE}, *words, cwd=repo)
        assert (shown.code, shown.out.count("Passphrase of")) == (0, 1), shown
        assert PASSPHRASE not in shown.out
    for words in (("list",), ("identity",), ("identity", "list"), ("identity", "export")):
        assert program(*words, cwd=repo).code == 0, words
    assert at_terminal({question: "wrong"}, "new", "Never", cwd=repo).code == 5
    refused = program("new", "Never", cwd=repo)
    assert refused.code == 1
    assert "has a passphrase, and there is nobody to ask for it\nhint: `ssh-add " in refused.err
    assert re.search("warn +passphrase", program("doctor", cwd=repo).out)


def test_identity_lists_every_key_with_whose_it_is(
    tracker: Tracker, ada: Signer, key: Path, ssh_agent: str, tmp_path: Path
) -> None:
    rsa = openssh.keygen(tmp_path / "rsa", "-b", "2048", kind="rsa")
    openssh.add(ssh_agent, rsa)
    listed = tracker("identity", "list", "--json").json

    assert listed["total"] == 3
    assert [
        (item["kind"], item["fingerprint"], item["people"], item["member"], item["role"]) for item in listed["items"]
    ] == [
        ("device", ada.identity.fingerprint, ["ada"], "ada", "owner"),
        ("ssh", openssh.fingerprint(key), [], None, None),
        ("agent", openssh.fingerprint(rsa), [], None, None),
    ]
    assert listed["items"][2]["problem"] == "it is ssh-rsa, and only ssh-ed25519 keys sign"
    plain = tracker("identity", "list").out
    assert "(signs for ada here; ada, owner)" in plain
    assert "(not used)" in plain
    assert "(cannot sign: it is ssh-rsa" in plain


def test_identity_lists_keys_outside_of_any_repository(tmp_path: Path, key: Path) -> None:
    listed = program("identity", "list", "--json", cwd=tmp_path)
    assert [item["where"] for item in listed.json["items"]] == [str(key)]


def test_identity_new_gives_somebody_else_a_key(tracker: Tracker, store: IssueStore) -> None:
    made = tracker("identity", "new", "--person", "bob", "--json").json
    assert (made["person"], made["kind"], made["role"]) == ("bob", "device", None)
    assert "no member" in tracker("identity", "new", "--person", "carol").err
    assert tracker("trust", "add", made["key"], "--person", "bob").code == 0
    assert tracker("--as", "bob", "new", "By Bob", "--json").json["author"]["person"] == "bob"
    assert tracker("identity", "new", "--person", "Not a handle").code == 2


def test_identity_new_switches_only_when_told_to(tracker: Tracker, ada: Signer, key: Path) -> None:
    refused = tracker("identity", "new", "--key", "ssh")
    assert refused.code == 4
    assert "--switch" in refused.err
    assert tracker("identity", "--json").json["fingerprint"] == ada.identity.fingerprint

    switched = tracker("identity", "new", "--key", "ssh", "--switch")
    assert switched.code == 0
    assert "no member of this tracker yet" in switched.err
    assert tracker("identity").out.splitlines()[1] == f"key:     {openssh.fingerprint(key)}, in {key}"
    assert tracker("new", "Not mine to write").code == 5
    assert tracker("identity", "new", "--key", "device", "--switch").code == 0
    assert tracker("identity", "--json").json["fingerprint"] == ada.identity.fingerprint
    assert tracker("init", "--key", "ssh").code == 4


def test_git_setup_shows_first_and_writes_only_after_a_yes(
    repo: Path, store: IssueStore, ada: Signer, agent: Signer
) -> None:
    issue = store.create_issue(agent, {"title": "Check me"})
    shown = program("trust", "git-setup", cwd=repo)
    home = Path(store.place.home)
    assert shown.out.splitlines() == [
        "gpg.format = ssh",
        f"gpg.ssh.allowedSignersFile = {home / 'allowed-signers'}",
        f"gpg.ssh.revocationFile = {home / 'revoked.krl'}",
    ]
    assert "nothing was written" in shown.err
    assert "nothing was written" in at_terminal({"Write them? [y/N] ": "n"}, "trust", "git-setup", cwd=repo).out
    assert not openssh.good(repo, f"refs/git-tracker/issues/{issue}")

    assert "Stock git knows" in at_terminal({"Write them? [y/N] ": "y"}, "trust", "git-setup", cwd=repo).out
    assert openssh.good(repo, f"refs/git-tracker/issues/{issue}")
    again = program("trust", "git-setup", cwd=repo)
    assert again.code == 0
    assert again.out.count("(is set)") == 3


def test_git_setup_tells_git_what_was_revoked_since(
    tracker: Tracker, store: IssueStore, ada: Signer, repo: Path
) -> None:
    sessions = [store.delegate(ada, client="c/1", label=label) for label in ("thief", "honest")]
    refs = [f"refs/git-tracker/issues/{store.create_issue(by, {'title': 'x'})}" for by in sessions]
    assert tracker("trust", "git-setup", "--yes").code == 0
    assert [openssh.good(repo, ref) for ref in refs] == [True, True]

    assert tracker("trust", "revoke", "thief").code == 0
    assert [openssh.good(repo, ref) for ref in refs] == [False, True]  # what was set up is kept fresh
    written = tracker("trust", "git-setup", "--yes", "--json").json
    assert [setting["state"] for setting in written["settings"]] == ["set"] * 3
    assert [openssh.good(repo, ref) for ref in refs] == [False, True]
    assert store.verify()["ok"]  # what it wrote before still counts here


def test_what_git_setup_wrote_follows_the_trust_log(
    tracker: Tracker, store: IssueStore, ada: Signer, repo: Path
) -> None:
    bob, log = signer(21, "Bob", "bob@example.org"), TrustForge(store)
    assert tracker("trust", "git-setup", "--yes").code == 0
    store.add_member(ada, bob.identity.public_key, "bob", "Bob", "bob@example.org")
    ref = f"refs/git-tracker/issues/{store.create_issue(bob, {'title': 'by bob'})}"
    assert openssh.good(repo, ref)

    thief = store.delegate(bob, client="c/1", label="thief")
    store.comment(thief, issue := store.create_issue(thief, {"title": "x"}), "here")
    store.revoke(ada, thief.sid)
    again = store.delegate(bob, client="c/1", label="thief")  # another key of the session that was ended
    stolen = session(bob, 22, sid=thief.sid, person="bob", valid=(int(time.time()) - 60, int(time.time()) + 600))
    log.write(stolen, issue, {"type": "comment-added", "body": "later"}, auth=(store.trust_log()[-1]["entry"],))
    store.refresh(force=True)
    assert not openssh.good(repo, f"refs/git-tracker/issues/{issue}")
    assert openssh.good(repo, f"refs/git-tracker/issues/{store.create_issue(again, {'title': 'honest'})}")


def test_git_setup_leaves_alone_what_the_user_set(tracker: Tracker, repo: Path, isolated: Path) -> None:
    mine = {
        "gpg.format": "openpgp",
        "gpg.ssh.allowedSignersFile": "~/.config/git/allowed",
        "user.signingKey": "ABCDEF12",
    }
    for name, value in mine.items():
        subprocess.run(["git", "config", "--global", name, value], check=True)
    before = (isolated / "gitconfig").read_bytes()
    written = tracker("trust", "git-setup", "--yes", "--json").json

    assert [(setting["state"], setting["now"]) for setting in written["settings"]] == [
        ("kept", "openpgp"), ("kept", "~/.config/git/allowed"), ("set", written["settings"][2]["value"]),
    ]  # fmt: skip
    assert (isolated / "gitconfig").read_bytes() == before
    local = subprocess.run(
        ["git", "config", "--local", "--list"], cwd=repo, capture_output=True, text=True, check=True
    ).stdout
    assert "gpg.ssh.revocationfile" in local
    assert "gpg.format" not in local
    assert "left alone, it is openpgp" in tracker("trust", "git-setup").out


def test_the_revocation_list_is_one_that_ssh_keygen_reads(
    tracker: Tracker, store: IssueStore, agent: Signer, tmp_path: Path
) -> None:
    store.create_issue(agent, {"title": "x"})
    assert tracker("trust", "revoke", "fixer").code == 0
    written = tracker("identity", "export", "--krl", str(tmp_path / "krl"), "--json").json
    told = subprocess.run(
        ["ssh-keygen", "-Q", "-l", "-f", tmp_path / "krl"], capture_output=True, text=True, check=True
    ).stdout

    assert written == {"file": str(tmp_path / "krl"), "revoked": 1}
    assert [line.split()[1] for line in told.splitlines() if line.startswith("hash: ")] == [agent.identity.fingerprint]


@pytest.mark.skipif(not shutil.which("ps"), reason="there is no ps")
def test_a_running_program_shows_no_key_to_other_processes(repo: Path, store: IssueStore) -> None:
    lines = Path(store.keyring.path("ada")).read_text().splitlines()
    blob = base64.b64decode("".join(lines[1:-1]))
    public = store.identity().key
    seed = blob[blob.rindex(public) - 32 : blob.rindex(public)]  # the file has it right before the public half
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "git_tracker", "mcp"]
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"},
    }}  # fmt: skip
    with subprocess.Popen(
        command, cwd=repo, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin
        assert running.stdout
        running.stdin.write(json.dumps(hello) + "\n")
        running.stdin.flush()
        running.stdout.readline()
        seen = subprocess.run(["ps", "axeww"], capture_output=True, check=False, timeout=60).stdout
        running.stdin.close()
        assert running.wait(30) == 0
    for told in (seed, seed.hex().encode(), base64.b64encode(seed)[:40], *(line.encode() for line in lines[1:-1])):
        assert told not in seen
    assert b"git_tracker mcp" in seen
