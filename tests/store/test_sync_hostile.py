"""What others could put on a remote or into a configuration: it runs nothing, breaks nothing, and is named."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from git_tracker.errors import Refused, Unusable
from git_tracker.store import checkpoints, commit
from git_tracker.store.commit import EMPTY_TREE
from tests.store.forge import Forge, created, label, signed
from tests.store.hubs import DEVICES, Clone, Cloning, git, hub, same, states, told

EVIL = "ee" * 8


@pytest.fixture
def at(tmp_path: Path) -> Path:
    return hub(tmp_path / "hub.git")


class Device(Forge):
    """A member's device that sends what no honest one would, by way of a clone of its own."""

    def __init__(self, clone: Clone, at: Path) -> None:
        super().__init__(clone.store)
        self.clone, self.at = clone, at
        self.tip: str | None = None

    def tree(self, entries: Iterable[tuple[str, str, str]]) -> str:
        """Write a tree as it is: mode, name, id."""
        raw = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(id) for mode, name, id in entries)
        return self.put(raw, 2)

    def heads(self, issues: Mapping[str, Iterable[str]], trust: Iterable[str] = ()) -> str:
        return checkpoints.grown(self.store.objects, "", {id: frozenset(heads) for id, heads in issues.items()}, trust)

    def checkpoint(self, tree: str, parents: Iterable[str] = (), device: str = EVIL) -> str:
        author = commit.author_line("Eve", "eve@example.org", self.store.now_ms // 1000)
        at = [self.tip] if self.tip else []
        payload = checkpoints.payload(device, 0, self.store.root, tree, [*at, *parents], author)
        return self.put(signed(self.clone.ada, payload))

    def send(self, tip: str, device: str = EVIL) -> None:
        """Put a ref on the hub, with all it reaches, unchecked."""
        self.git("push", "--quiet", "--force", str(self.at), f"{tip}:{DEVICES}{device}")
        self.tip = tip


@pytest.fixture
def one(clones: Cloning, at: Path) -> Clone:
    """An honest clone that others sync with."""
    found = clones("one", origin=at).begin()
    found.new("honest")
    found.sync()
    return found


@pytest.fixture
def eve(one: Clone, clones: Cloning, at: Path) -> Device:
    return Device(clones("eve", origin=at).begin(), at)


@pytest.fixture
def two(eve: Device, clones: Cloning, at: Path) -> Clone:
    """Another honest clone, that has seen nothing of the evil device yet."""
    return clones("two", origin=at).begin()


def others_arrive(one: Clone, two: Clone) -> dict[str, str]:
    """Expect that two hears of an honest write of one's; return what two says of devices."""
    id = one.new("written after the attack")
    one.sync()
    done = two.sync()
    assert id in states(two.store)
    assert not [name for name in told(two.path) if not name.startswith("refs/git-tracker/")]
    again = two.sync()
    assert again.refused.keys() >= done.refused.keys(), "it is named as long as it stands there"
    return dict(done.refused)


def test_what_a_repository_configures_to_run_is_not_run(one: Clone, at: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f'#!/bin/sh\necho "$0 $@" >> {tmp_path}/ran\nexec git-upload-pack "$@"\n')
    trap.chmod(0o755)
    hooks = one.git_dir / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("reference-transaction", "pre-push", "post-checkout", "post-merge", "pre-auto-gc"):
        (hooks / name).write_bytes(trap.read_bytes())
        (hooks / name).chmod(0o755)
    for key in ("core.fsmonitor", "remote.origin.uploadpack", "remote.origin.receivepack", "core.alternateRefsCommand",
                "core.pager", "gpg.ssh.program", "gpg.program", "core.editor"):  # fmt: skip
        git(one.path, "config", key, str(trap))
    git(one.path, "config", "push.gpgSign", "if-asked")
    one.new("more")

    one.sync()

    assert not (tmp_path / "ran").exists()


def test_a_helper_named_in_the_configuration_is_not_run(
    one: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = tmp_path / "bin" / "git-remote-evil"
    helper.parent.mkdir()
    helper.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}:{os.environ['PATH']}")
    git(one.path, "config", "remote.origin.vcs", "evil")

    with pytest.raises(Unusable) as caught:
        one.sync()
    assert caught.value.code == "refused_protocol"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["blob", "tree", "tag", "plain commit", "entry", "unsigned", "flipped", "renamed"])
def test_a_device_ref_that_is_no_checkpoint_is_named_and_the_others_arrive(
    one: Clone, eve: Device, two: Clone, kind: str
) -> None:
    tree = eve.heads({})
    good = eve.checkpoint(tree)
    plain = eve.git("commit-tree", EMPTY_TREE, "-m", "x") if kind == "plain commit" else ""
    tip = {
        "blob": lambda: eve.put(b"x", 3),
        "tree": lambda: tree,
        "tag": lambda: eve.put(f"object {good}\ntype commit\ntag x\ntagger E <e@x> 1 +0000\n\nx\n".encode(), 4),
        "plain commit": lambda: plain,
        "entry": lambda: eve.clone.new("x"),
        "unsigned": lambda: eve.put(eve.raw(good).replace(b"gpgsig", b"gpgsiX")),
        "flipped": lambda: eve.put(eve.raw(good).replace(b'"n":0', b'"n":1')),
        "renamed": lambda: eve.put(eve.raw(good).replace(b"Eve", b"Ada")),
    }[kind]
    eve.send(tip())

    refused = others_arrive(one, two)
    assert EVIL in refused
    assert len(refused) == 1


BAD_TREES = {
    "a file": [("100644", "issues", EMPTY_TREE)],
    "another name": [("40000", "other", EMPTY_TREE)],
    "a link": [("120000", "trust", EMPTY_TREE)],
}


@pytest.mark.parametrize("kind", BAD_TREES)
def test_a_checkpoint_with_a_strange_tree_is_named_and_the_others_arrive(
    one: Clone, eve: Device, two: Clone, kind: str
) -> None:
    blob = eve.put(b"", 3)
    entries = [(mode, name, blob if mode != "40000" else id) for mode, name, id in BAD_TREES[kind]]
    eve.send(eve.checkpoint(eve.tree(entries)))

    assert EVIL in others_arrive(one, two)


def _place(eve: Device, device: str, tip: str) -> None:
    """Let a ref of the hub name a commit with what it reaches missing: stock git would not push that."""
    path = Path("objects", tip[:2], tip[2:])
    (eve.at / path).parent.mkdir(exist_ok=True)
    (eve.at / path).write_bytes((Path(eve.git_dir) / path).read_bytes())
    (eve.at / DEVICES / device).write_text(tip + "\n")


@pytest.mark.parametrize(
    "kind", ["another issue's head", "missing", "a short id", "strange mode", "wrong folder", "no head", "upper case"]
)
def test_a_head_that_is_not_what_its_name_says_is_named_and_the_rest_arrives(
    one: Clone, eve: Device, two: Clone, kind: str
) -> None:
    a, b = eve.clone.new("A"), eve.clone.new("B")
    folder, name, mode, id = {
        "another issue's head": (b[:2], f"{b}.{a}", "160000", a),
        "missing": (b[:2], f"{b}.{'12' * 20}", "160000", "12" * 20),
        "a short id": (b[:2], f"{b[:39]}.{a}", "160000", a),
        "strange mode": (b[:2], f"{b}.{b}", "100755", eve.put(b"", 3)),
        "wrong folder": ("zz", f"{b}.{b}", "160000", b),
        "no head": (b[:2], b, "160000", b),
        "upper case": (b[:2], f"{b.upper()}.{b}", "160000", b),
    }[kind]
    below = eve.tree([(mode, name, id)])
    eve.send(eve.checkpoint(eve.tree([("40000", "issues", eve.tree([("40000", folder, below)]))]), [a, b]))

    assert EVIL in others_arrive(one, two)
    assert b not in states(two.store)

    eve.send(eve.checkpoint(eve.heads({a: [a], b: [b]}), []))
    done = two.sync()
    assert EVIL not in done.refused
    assert {a, b} <= states(two.store).keys(), "an honest checkpoint later mends it"


def test_a_head_of_a_known_issue_under_another_name_is_refused(one: Clone, eve: Device, two: Clone) -> None:
    a, b = eve.clone.new("A"), eve.clone.new("B")
    eve.clone.sync()
    two.sync()
    eve.send(eve.checkpoint(eve.heads({a: [b]}), [b]))

    done = two.sync()
    assert "another issue" in done.refused[EVIL]
    assert states(two.store)[a]["title"] == "A"


def test_nothing_else_of_the_repository_is_ever_passed_on(one: Clone, eve: Device, two: Clone, at: Path) -> None:
    (two.path / "secret").write_text("secret")
    git(two.path, "add", "secret")
    git(two.path, "commit", "-m", "private")
    private = git(two.path, "rev-parse", "HEAD")
    issue = eve.clone.new("A")
    raw = git(two.path, "cat-file", "commit", private)
    eve.put(raw.encode() + b"\n")  # whoever knows the id may name it, as issue, head, trust or parent
    tree = git(two.path, "rev-parse", "HEAD^{tree}")
    attached = {"type": "attached", "name": "x", "sha512": "0" * 128, "size": 1}
    below = eve.payload(eve.clone.ada, [attached], [issue]).replace(EMPTY_TREE.encode(), tree.encode())
    heads = {
        private: [private],
        issue: [eve.add(eve.clone.ada, [label("x")], sorted([issue, private])), eve.put(signed(eve.clone.ada, below))],
    }
    top = eve.checkpoint(eve.heads(heads, [private]))
    for path in Path(eve.git_dir, "objects").glob("??/*"):  # a remote that leaves out what it does not have
        target = two.git_dir / "objects" / path.parent.name / path.name
        target.parent.mkdir(exist_ok=True)
        if not target.exists():
            target.write_bytes(path.read_bytes())
    git(two.path, "update-ref", f"refs/git-tracker/remotes/x/devices/{EVIL}", top)

    two.new("more")
    two.sync()

    objects = git(at, "cat-file", "--batch-check", "--batch-all-objects")
    assert private not in objects
    assert tree not in objects


def test_two_thousand_devices_are_refused_with_a_number(one: Clone, eve: Device, two: Clone) -> None:
    tip = eve.checkpoint(eve.heads({}))
    eve.send(tip)
    lines = "".join(f"create {DEVICES}{number:016x} {tip}\n" for number in range(2000))
    git(eve.at, "update-ref", "--stdin", stdin=lines.encode())

    with pytest.raises(Unusable) as caught:
        two.sync()
    assert caught.value.code == "too_many_devices"
    assert "2002" in str(caught.value)


def test_one_broken_device_among_a_hundred_does_not_keep_the_others_away(one: Clone, eve: Device, two: Clone) -> None:
    good = eve.checkpoint(eve.heads({}))
    eve.send(good, "aa" * 8)
    lines = "".join(f"create {DEVICES}{number:016x} {good}\n" for number in range(100))
    git(eve.at, "update-ref", "--stdin", stdin=lines.encode())
    eve.tip = None
    for n, flaw in enumerate((b"tree  ", b"tree " + b"12" * 20 + b"\nparent ")):
        _place(eve, f"ee{n:014}", eve.put(eve.raw(good).replace(b"tree ", flaw)))
    _place(eve, EVIL, eve.checkpoint(eve.tree([("40000", "issues", "12" * 20)])))

    done = two.fetch()

    assert set(done.refused) == {EVIL, "ee" + "0" * 14, "ee" + "0" * 13 + "1"}
    assert f"{99:016x}" in "".join(told(two.path))


@pytest.mark.parametrize("kind", ["commit", "tree", "entry"])
def test_a_giant_is_not_read(one: Clone, eve: Device, two: Clone, kind: str) -> None:
    big = b"a" * 20_000_000
    if kind == "commit":
        tip = eve.put(eve.raw(eve.checkpoint(eve.heads({}))).rstrip(b"\n") + big + b"\n")
    elif kind == "tree":
        id = "12" * 20
        names = (f"{n:040x}.{id}" for n in range(200_000))
        folder = eve.tree(("160000", name, id) for name in names)
        tip = eve.checkpoint(eve.tree([("40000", "issues", eve.tree([("40000", "00", folder)]))]))
    else:
        payload = eve.payload(eve.clone.ada, [created("x")], [])
        root = eve.put(signed(eve.clone.ada, payload).rstrip(b"\n") + big + b"\n")
        tip = eve.checkpoint(eve.heads({root: [root]}), [root])
    eve.send(tip)

    assert EVIL in others_arrive(one, two)


def test_bad_entries_of_a_good_checkpoint_are_quarantined_and_counted(one: Clone, eve: Device, two: Clone) -> None:
    issue = next(iter(states(two.store)))
    honest = eve.raw(eve.add(eve.clone.ada, [label("x")], [issue]))
    bad = [eve.put(honest.replace(b'"label":"x"', f'"label":"{n}"'.encode())) for n in range(3)]
    eve.send(eve.checkpoint(eve.heads({issue: bad}), bad))

    done = two.sync(most_bad=3)
    assert (done.received, done.held) == (3, 3)
    assert states(two.store)[issue]["labels"] == []

    bad.append(eve.put(honest.replace(b'"label":"x"', b'"label":"y"')))
    eve.send(eve.checkpoint(eve.heads({issue: bad}), bad))
    with pytest.raises(Refused) as caught:
        two.sync(most_bad=3)
    assert caught.value.code == "too_many_bad"
    assert "3 entries" in str(caught.value)
    two.sync(most_bad=4)
    one.sync()
    assert len(one.store.quarantine()["items"]) == 4, "each of them is named to everybody who takes it in"


def test_a_symbolic_ref_is_not_followed(one: Clone, eve: Device, two: Clone) -> None:
    git(eve.at, "symbolic-ref", DEVICES + EVIL, DEVICES + one.store.device)
    others_arrive(one, two)
    git(two.path, "commit", "--allow-empty", "-m", "x")
    before = git(two.path, "rev-parse", "HEAD")
    mine = two.git_dir / DEVICES / two.store.device
    mine.write_text("ref: refs/heads/main\n")

    two.new("more")
    two.sync()

    assert git(two.path, "rev-parse", "HEAD") == before
    one.sync()
    same([one, two])


def test_what_the_remote_says_cannot_act_on_a_terminal(one: Clone, at: Path) -> None:
    hook = at / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nprintf '\\033]0;owned\\007\\033[2J\\342\\200\\256 no\\n' >&2; exit 1\n")
    hook.chmod(0o755)
    one.new("more")

    with pytest.raises(Unusable) as caught:
        one.sync()
    assert caught.value.code == "refs_refused"
    assert str(caught.value).isprintable()


def test_a_device_that_went_sideways_is_named_and_nothing_of_it_is_lost(one: Clone, eve: Device, two: Clone) -> None:
    a, b = eve.clone.new("A"), eve.clone.new("B")
    eve.send(eve.checkpoint(eve.heads({a: [a]}), [a]))
    two.sync()
    eve.tip = None
    eve.send(eve.checkpoint(eve.heads({b: [b]}), [b]))

    refused = others_arrive(one, two)

    assert "fast-forward" in refused[EVIL]
    assert a in states(two.store)
