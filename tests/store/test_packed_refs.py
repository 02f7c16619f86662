"""Refs in the one file that git packs them into: found as git finds them, and what moved in it noticed by whoever looks."""

import random
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from git_tracker.store import IssueStore, Signer, refs
from git_tracker.store.packedrefs import PackedRefs
from tests.store.hubs import git

_IDS = st.text("0123456789abcdef", min_size=40, max_size=40)
_OURS = st.one_of(
    _IDS.map(refs.issue),
    _IDS.map(lambda id: refs.KEEP + id),
    st.just(refs.TRUST),
    _IDS.map(lambda id: refs.DEVICES + id),
)
_THEIRS = st.sampled_from(
    ["refs/git-tracker0", "refs/git-trackes/a", "refs/heads/é", "refs/git", "refs/tags/v1", "refs/zz"]
)
_REFS = st.dictionaries(st.one_of(_OURS, _THEIRS), _IDS, max_size=60)


def file(found: dict[str, str], *, peeled: bool = False, header: bool = True) -> PackedRefs:
    lines = [
        f"{id} {name}\n" + (f"^{id}\n" if peeled and name.startswith("refs/tags") else "") for name, id in found.items()
    ]
    lines.sort(key=lambda line: line[41:].partition("\n")[0].encode())
    return PackedRefs(("# pack-refs with: peeled sorted \n" * header + "".join(lines)).encode())


@given(_REFS, _REFS, st.booleans(), st.booleans())
def test_what_differs_between_two_states_of_the_file_is_what_its_refs_say(
    one: dict[str, str], more: dict[str, str], peeled: bool, header: bool
) -> None:
    two = {name: id for name, id in one.items() if int(id, 16) % 3} | more
    before, after = file(one, peeled=peeled), file(two, peeled=peeled, header=header)
    for prefix in (refs.PREFIX, refs.ISSUES):
        there, here = (dict(kept for kept in all.items() if kept[0].startswith(prefix)) for all in (one, two))
        assert after.below(prefix) == here
        changed = {name for name in there.keys() | here.keys() if there.get(name) != here.get(name)}
        assert after.differing(before, prefix) == before.differing(after, prefix) == changed
    assert after.below(refs.PREFIX, but=refs.ISSUES) | after.below(refs.ISSUES) == after.below(refs.PREFIX)
    for name in one.keys() | two.keys():
        assert after.target(name) == two.get(name, "")


def test_a_file_of_thousands_of_lines_is_read_as_git_reads_it(repo: Path) -> None:
    chance = random.Random(7)
    git(repo, "commit", "--allow-empty", "-qm", "one")
    one = git(repo, "rev-parse", "HEAD")
    git(repo, "commit", "--allow-empty", "-qm", "two")
    two = git(repo, "rev-parse", "HEAD")
    git(repo, "tag", "-a", "-m", "peeled", "v1")
    names = [refs.issue(f"{chance.getrandbits(160):040x}") for _ in range(3000)]

    def packed(moves: dict[str, str]) -> PackedRefs:
        orders = "".join(f"update {name} {id}\n" if id else f"delete {name}\n" for name, id in moves.items())
        subprocess.run(["git", "-C", str(repo), "update-ref", "--stdin"], input=orders, text=True, check=True)
        git(repo, "pack-refs", "--all")
        return PackedRefs.read(str(repo / ".git"))

    before = packed(dict.fromkeys(names[:2900], one))
    moves = dict.fromkeys(chance.sample(names[:2900], 40), two) | dict.fromkeys(names[2900:], one)
    moves |= dict.fromkeys(chance.sample(names[:2900], 25), "")
    after = packed(moves)
    assert after.differing(before, refs.PREFIX) == moves.keys()
    listed = git(repo, "for-each-ref", "--format=%(refname) %(objectname)", "refs/git-tracker").splitlines()
    assert after.below(refs.PREFIX) == dict(line.split() for line in listed)
    content = (repo / ".git/packed-refs").read_text().splitlines(keepends=True)[1:]
    chance.shuffle(content := [line for line in content if line[0] != "^"])
    (repo / ".git/packed-refs").write_text("".join(content))  # as programs write it that do not sort
    assert PackedRefs.read(str(repo / ".git")).below(refs.PREFIX) == after.below(refs.PREFIX)


def test_refs_that_were_moved_where_they_are_packed_are_noticed_by_an_open_store_and_by_a_new_one(
    store: IssueStore, ada: Signer, repo: Path
) -> None:
    chance = random.Random(3)
    made = store.create_issues(ada, [{"title": f"issue {number}"} for number in range(180)])
    before = {id: git(repo, "rev-parse", refs.issue(id)) for id in chance.sample(made, 30)}
    for id in before:
        store.update_issue(ada, id, {"title": "something that will be gone"})
    old = IssueStore.open(str(repo))
    git(repo, "pack-refs", "--all")
    store.refresh()  # whose first look at refs that is
    for count, (id, tip) in enumerate(before.items()):
        git(repo, "update-ref", *(("-d", refs.issue(id)) if count % 3 == 0 else (refs.issue(id), tip)))
    git(repo, "pack-refs", "--all")
    gone = {id for count, id in enumerate(before) if count % 3 == 0}

    for one in (old, store, IssueStore.open(str(repo))):
        one.refresh()
        titles = {item["id"]: item["title"] for item in one.list_issues("", limit=200)["items"]}
        assert titles == {id: f"issue {number}" for number, id in enumerate(made) if id not in gone}
