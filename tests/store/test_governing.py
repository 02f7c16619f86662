"""Governing at work: what is judged again and what is not, how fast, and what stock git says to the same entries."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from git_tracker.errors import Invalid, Refused
from git_tracker.store import IssueStore, Signer, commit, identity, write_revocation_list
from git_tracker.store import entry as format
from git_tracker.store.log import Found
from tests.conftest import settle
from tests.store import forge
from tests.store.forge import label
from tests.store.governed import TrustForge, settled, verdicts

NOTE = {"type": "comment-added", "body": "a note"}


def person(store: IssueStore, by: Signer, number: int, name: str, role: str = "writer") -> Signer:
    made = forge.signer(number, name.capitalize(), f"{name}@example.org")
    store.add_member(by, made.identity.public_key, name, name.capitalize(), f"{name}@example.org", role)
    return made


# what is read again


class Reading:
    """Counts what the log of a store hands out, and changes nothing about it."""

    def __init__(self, store: IssueStore, patch: pytest.MonkeyPatch) -> None:
        self.entries: list[str] = []
        log = store._projection.log
        read = log.read

        def counting(*args: Any) -> list[Found]:
            found = read(*args)
            self.entries += [item.id for item in found]
            return found

        patch.setattr(log, "read", counting)

    def taken(self) -> list[str]:
        found, self.entries = self.entries, []
        return found


def test_a_change_of_the_trust_log_has_only_those_entries_read_again_that_it_names(
    store: IssueStore, ada: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = person(store, ada, 2, "bob")
    cem = forge.signer(3, "Cem", "cem@example.org")
    agents = [store.delegate(by, client="c/1", label="fixer") for by in (ada, bob)]
    issues = store.create_issues(ada, [{"title": f"Issue {number}"} for number in range(60)])
    for issue in issues[:20]:
        for by in (ada, bob, agents[0]):
            for _ in range(2):
                store.comment(by, issue, "work")
    for issue in issues[20:23]:
        store.comment(agents[1], issue, "work")
    muted = TrustForge(store).write(cem, issues[50], NOTE)
    assert len(verdicts(store)) == 60 + 120 + 3 + 1
    reading = Reading(store, monkeypatch)

    dee = person(store, ada, 4, "dee")  # concerns nobody who wrote here
    store.remove_member(ada, "dee")
    store.set_policy(ada, {"people_only": ["archive"]})
    assert reading.taken() == []
    store.revoke(ada, agents[1].sid)
    assert len(reading.taken()) == 3 * 2
    store.adopt(ada, [muted])
    assert sorted(reading.taken()) == sorted([issues[50], muted])
    store.remove_member(ada, "bob")
    assert len(reading.taken()) == 20 * 7 + 3 * 2
    with pytest.raises(Refused):
        store.add_member(dee, cem.identity.public_key, "cem", "Cem", "cem@example.org")
    assert reading.taken() == []

    store.comment(ada, issues[0], "one more")
    store.refresh(force=True)
    assert reading.taken() == []
    settled(store)


def test_what_nobody_may_do_is_refused_and_leaves_no_trace(store: IssueStore, ada: Signer, agent: Signer) -> None:
    bob, cem = person(store, ada, 2, "bob"), person(store, ada, 3, "cem", "observer")
    person(store, ada, 4, "dee")
    stranger = forge.signer(9, "Eve", "eve@example.org")
    issue = store.create_issue(ada, {"title": "A leak"})
    store.comment(agent, issue, "work")
    before = TrustForge(store).git("for-each-ref")
    key = stranger.identity.public_key
    for by in (bob, cem, stranger, agent):
        for attempt in (
            lambda by=by: store.add_member(by, key, "eve", "Eve", "eve@example.org"),
            lambda by=by: store.remove_member(by, "dee"),
            lambda by=by: store.set_policy(by, {"done_by": "people"}),
            lambda by=by: store.revoke(by, agent.sid),
        ):
            with pytest.raises(Refused) as refusal:
                attempt()
            assert refusal.value.code in ("not_allowed", "not_a_member")
    for by in (cem, stranger):
        with pytest.raises(Refused):
            store.comment(by, issue, "hello")
    with pytest.raises(Refused) as refusal:
        store.remove_member(ada, "ada")
    assert refusal.value.code == "last_owner"
    assert TrustForge(store).git("for-each-ref") == before
    assert store.verify()["ok"]


def test_a_chain_that_runs_through_the_trust_log_is_whole_wherever_it_arrives(
    store: IssueStore, ada: Signer, tmp_path: Path
) -> None:
    from tests.store.governed import clone, exchange

    bob = person(store, ada, 2, "bob", "maintainer")
    issue = store.create_issue(bob, {"title": "A leak"})
    other = clone(store, tmp_path / "other")
    other.list_issues()
    person(store, bob, 4, "dee")
    store.comment(bob, issue, "after governing")
    store.remove_member(ada, "bob")
    exchange(store, other)

    assert other.quarantine()["items"] == []
    assert other.audit("bob")["chain"]["ok"]
    assert len(other.get_issue(issue)["comments"]) == 1
    settled(other)
    other.close()


# stock git


class World:
    """One tracker with entries of every kind of author, and what stock git says to each with our exports."""

    def __init__(self, folder: Path) -> None:
        subprocess.run(["git", "init", "--quiet", folder], check=True)
        self.store = store = IssueStore.open(str(folder))
        ada, _ = store.init()
        bob, cem = person(store, ada, 2, "bob"), person(store, ada, 3, "cem")
        one, two = (store.delegate(by, client="claude-code/2.1", label="fixer: all of it") for by in (ada, bob))
        scoped = store.delegate(ada, client="c/1", label="sub", scope={"operations": ["comment"]})
        issue = store.create_issue(ada, {"title": "A leak"})
        for by in (ada, bob, cem, one, two, scoped):
            store.comment(by, issue, "hello")
        other = store.create_issue(two, {"title": "Of an agent"})
        store.revoke(ada, two.sid)
        store.remove_member(ada, "cem")
        forged = TrustForge(store)
        eve = forge.signer(9, "Eve", "eve@example.org")
        now = store.now_ms // 1000
        sessions = {
            "a stranger": eve,
            "a stranger's session": forge.session(eve, 31, person="ada", valid=(now - 60, now + 3600)),
            "a session that speaks for another": forge.session(bob, 32, person="ada", valid=(now - 60, now + 3600)),
            "an expired session": forge.session(ada, 33, valid=(now - 7200, now - 3600)),
        }
        seen = {"auth": store._projection.trust.heads}
        self.foreign = {name: forged.write(by, issue, label("no"), **seen) for name, by in sessions.items()}
        self.coarser = {
            "out of scope": forged.write(scoped, issue, label("no"), **seen),
            "after the end of its session": forged.write(two, other, label("no"), **seen),
        }
        self.revoked = [id for id, chain in self.chains().items() if chain == two.identity.key.hex()]
        self.allowed, self.krl = str(folder / "allowed"), str(folder / "revoked.krl")
        Path(self.allowed).write_text(store.allowed_signers())
        write_revocation_list(self.krl, store.revoked())

    def chains(self) -> dict[str, str]:
        self.store.refresh()
        return {
            row[0]: row[1]
            for row in self.store.reader.execute("select id, hex from entries join pubkeys on pubkeys.key = chain")
        }

    def is_good(self, id: str, *, krl: bool = False) -> bool:
        settings = ["-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={self.allowed}"]
        if krl:
            settings += ["-c", f"gpg.ssh.revocationFile={self.krl}"]
        argv = ["git", "--git-dir", self.store.place.common, *settings, "verify-commit", "-v", id]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode == 0 and 'Good "git" signature' in done.stderr


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        settle(tmp_path_factory.mktemp("home"), patch)
        found = World(tmp_path_factory.mktemp("stock") / "repo")
        yield found
        found.store.close()


def test_every_accepted_entry_is_good_to_stock_git_too(world: World) -> None:
    accepted = [id for id, (verdict, _) in verdicts(world.store).items() if verdict == "ok"]
    trust_log = [item["entry"] for item in world.store.trust_log()]

    assert len(accepted) == 8
    assert len(trust_log) == 5
    assert [id for id in (*accepted, *trust_log) if not world.is_good(id)] == []


@pytest.mark.parametrize(
    "name", ["a stranger", "a stranger's session", "a session that speaks for another", "an expired session"]
)
def test_foreign_entries_are_good_to_nobody(world: World, name: str) -> None:
    assert verdicts(world.store)[world.foreign[name]][0] == "muted"
    assert not world.is_good(world.foreign[name])


@pytest.mark.parametrize("name", ["out of scope", "after the end of its session"])
def test_stock_git_knows_neither_scopes_nor_ends(world: World, name: str) -> None:
    verdict, reason = verdicts(world.store)[world.coarser[name]]
    assert (verdict, reason.partition(":")[0]) == ("muted", name)
    assert world.is_good(world.coarser[name])


def test_a_revoked_session_keeps_its_earlier_entries_here_while_a_revocation_list_takes_them_all(world: World) -> None:
    found = verdicts(world.store)
    assert sorted(found[id][0] for id in world.revoked) == ["muted", "ok", "ok"]
    assert [world.is_good(id) for id in world.revoked] == [True] * 3
    assert [world.is_good(id, krl=True) for id in world.revoked] == [False] * 3
    others = [id for id, (verdict, _) in found.items() if verdict == "ok" and id not in world.revoked]
    assert [id for id in others if not world.is_good(id, krl=True)] == []


# speed


@pytest.mark.alone
def test_how_many_entries_are_verified_in_a_second(store: IssueStore, ada: Signer, agent: Signer) -> None:
    """Reported, not asserted: a slow machine is no fault. `pytest -m alone -s` shows the figures."""
    forged, issue = TrustForge(store), store.create_issue(ada, {"title": "A leak"})
    tip, raws, count = issue, [], int(os.environ.get("ENTRIES", "1000"))
    for number in range(count):
        payload = forged.payload(agent, [label(f"l{number % 50}")], [tip], n=number, prev=tip if number else None)
        raws.append(forge.signed(agent, payload))
        tip = forged.put(raws[-1])
    forged.point(issue, tip)
    ids = [commit.commit_id(raw) for raw in raws]

    start = time.process_time()
    entries = [format.decode(id, raw) for id, raw in zip(ids, raws, strict=True)]
    decoded = time.process_time()
    proofs = [identity.verify(entry.payload, entry.armour) for entry in entries]
    verified = time.process_time()
    projection = store._projection
    from git_tracker.store.index import rows
    from git_tracker.store.log import links

    read = projection.log.read([tip], {issue})
    found = time.process_time()
    about, chains = rows.Known(projection.db, 1), rows.chains(projection.db)
    for chain, link in links(read):
        chains.add(chain, link)
    judging = time.process_time()
    judged = projection.log.judge(issue, read, about, projection.trust, chains, store.now_ms, lambda: None)
    done = time.process_time()

    assert len(proofs) == len(judged) == count
    assert {item.verdict for item in judged} == {"ok"}
    spans = {
        "decode": decoded - start, "verify": verified - decoded, "read (object, decode, verify)": found - verified,
        "judge": done - judging, "read + judge": found - verified + done - judging,
    }  # fmt: skip
    for name, span in spans.items():
        print(f"{name}: {count / span:,.0f} entries/s, {span / count * 1e6:.0f} µs each")


# the page that says so


def test_the_format_page_names_every_operation_and_every_event_of_the_trust_log() -> None:
    from git_tracker.store import EVENTS, membership

    page = (Path(__file__).parents[2] / "docs/FORMAT.md").read_text(encoding="utf-8")
    table = page.partition("| operation | events |")[2].partition("\n\n")[0]
    for name, event in EVENTS.items():
        row = next(line for line in table.splitlines() if line.startswith(f"| `{event.operation}` |"))
        assert f"`{name}`" in row or event.operation == "edit"
    for name, fields in membership._FIELDS.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        own = fields - {"email", "key", "name", "person", "role"} if "role" in fields else fields
        assert [field for field in sorted(own) if f"`{field}`" not in row] == []


def test_a_scope_by_query_is_fixed_to_what_it_finds_when_it_is_given(store: IssueStore, ada: Signer) -> None:
    wet, dry = (store.create_issue(ada, {"title": title, "labels": [title]}) for title in ("wet", "dry"))
    agent = store.delegate(ada, client="codex/1", label="mopper", scope={"query": "label:wet"})
    store.update_issue(ada, dry, {"add_labels": ["wet"]})

    store.comment(agent, wet, "mopped")
    with pytest.raises(Refused, match="not among its issues"):
        store.comment(agent, dry, "mopped as well")
    with pytest.raises(Invalid, match="no issue matches"):
        store.delegate(ada, client="codex/1", label="idle", scope={"query": "label:frozen"})


def test_a_session_that_was_ended_is_not_at_work_any_more(store: IssueStore, ada: Signer, agent: Signer) -> None:
    store.create_issue(agent, {"title": "A leak"})
    assert [(one["active"], one["revoked"]) for one in store.agents()["items"]] == [(True, False)]
    store.revoke(ada, agent.sid)
    for _ in range(2):
        assert [(one["active"], one["revoked"]) for one in store.agents()["items"]] == [(False, True)]
        assert store.audit(agent.sid)["agent"]["revoked"]
        store.rebuild()
