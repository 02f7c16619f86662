"""Objects of git, loose, packed or borrowed: read as git reads them, and what is damaged is said to be at once."""

import random
import subprocess
from pathlib import Path

import pytest

from git_tracker.errors import Corrupt
from git_tracker.store import place
from git_tracker.store.commit import EMPTY_TREE
from git_tracker.store.objects import GitRepository
from tests.store.hubs import git


def opened(repo: Path, *, frugally: bool = False) -> GitRepository:
    found = GitRepository(place.find(str(repo)))
    if frugally:
        found._files.read_once()  # as `read_frugally` does, which changes libgit2 for all that comes after in a process
    return found


def commit(repo: GitRepository, *parents: str, text: str = "words") -> str:
    lines = [
        f"tree {EMPTY_TREE}",
        *(f"parent {parent}" for parent in parents),
        *("author A <a> 1 +0000", "committer A <a> 1 +0000"),
    ]
    return repo.write_commit("\n".join([*lines, "", text, ""]).encode())


def test_an_object_is_the_same_loose_packed_and_borrowed(repo: Path, tmp_path: Path) -> None:
    chance = random.Random(1)
    ids = [commit(opened(repo), text=chance.randbytes(size).hex()) for size in (0, 10, 1900, 2100, 100_000)]
    blob = git(repo, "hash-object", "-w", "--stdin", stdin=b"\0" * 3_000_000)
    tree = git(repo, "mktree", stdin=f"100644 blob {blob}\tzeros\n".encode())
    for number, id in enumerate(ids):
        git(repo, "update-ref", f"refs/heads/b{number}", id)
    git(repo, "tag", "-a", "-m", "t", "t", ids[0])
    tag = git(repo, "rev-parse", "refs/tags/t")
    expected = {
        id: subprocess.run(["git", "-C", repo, "cat-file", "commit", id], capture_output=True, check=True).stdout
        for id in ids
    }
    borrower = tmp_path / "borrower"
    git(tmp_path, "clone", "--quiet", "--shared", "--no-checkout", str(repo), str(borrower))

    for pack in (False, True):
        if pack:
            git(repo, "repack", "-adq")
            git(repo, "prune-packed")
        for there, frugally in ((repo, False), (borrower, False), (repo, True), (borrower, True)):
            here = opened(there, frugally=frugally)
            assert {id: here.commit(id, named=True) for id in ids} == expected
            assert {id: here.commit(id) for id in ids} == expected
            assert all(map(here.has, ids))
            assert all(map(here.is_commit, ids))
            if not pack:
                assert here.tree(tree, 100)
                assert here.has(blob)
                with pytest.raises(Corrupt, match="not a commit"):
                    here.commit(blob)
                with pytest.raises(Corrupt, match="no tree of at most 10 bytes"):
                    here.tree(tree, 10)
            with pytest.raises(Corrupt, match="not a commit"):
                here.commit(tag)
            assert not here.is_commit(tag)
            assert here.commit("ab" * 20) is None
            assert not here.has("ab" * 20)


def test_who_listed_the_files_finds_what_came_since_and_what_a_pack_has_whole(repo: Path) -> None:
    first = commit(opened(repo))
    git(repo, "update-ref", "refs/heads/b", first)
    git(repo, "repack", "-adq")
    torn = repo / ".git/objects" / first[:2] / first[2:]
    torn.parent.mkdir(exist_ok=True)
    torn.write_bytes(b"x")
    here = opened(repo, frugally=True)
    later = commit(opened(repo), first, text="later")
    assert here.parents(later) == (first,)
    assert (here.commit(first, named=True) or b"").endswith(b"\n\nwords\n")
    assert here.commit("12" * 20, named=True) is None


@pytest.mark.parametrize("size", [300, 30_000], ids=["stored", "deflated"])
def test_an_object_that_was_cut_short_or_changed_anywhere_is_damaged(repo: Path, size: int) -> None:
    here = opened(repo)
    id = commit(here, text="".join(random.Random(2).choices("abcdefgh \n", k=size)))
    path = repo / ".git/objects" / id[:2] / id[2:]
    content = path.read_bytes()
    path.chmod(0o644)
    for cut in {*range(0, len(content), max(1, len(content) // 60)), len(content) - 1}:
        for bad in (content[:cut], content[:cut] + bytes([content[cut] ^ 0x55]) + content[cut + 1 :], content + b"x"):
            path.write_bytes(bad)
            assert not here.has(id)
            with pytest.raises(Corrupt, match="the object's file is damaged"):
                here.commit(id)
    git(repo, "init", "--quiet", "--bare", "other")
    path.write_bytes(content)
    git(repo, "update-ref", "refs/heads/it", id)
    git(repo, "repack", "-adq")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content[:100])
    assert opened(repo).has(id), "the pack has it still"


def test_who_comes_before_whom_is_as_git_says(repo: Path) -> None:
    chance = random.Random(3)
    here = opened(repo)
    made = [commit(here, text="root")]
    for number in range(40):
        made.append(
            commit(here, *{*chance.sample(made[-6:], min(len(made), chance.choice((1, 1, 2))))}, text=str(number))
        )
    aside = commit(here, text="another root")

    for later, earlier in [
        *((chance.choice(made), chance.choice(made)) for _ in range(60)),
        (made[-1], aside),
        (aside, made[0]),
    ]:
        known = (
            subprocess.run(["git", "-C", repo, "merge-base", "--is-ancestor", earlier, later], check=False).returncode
            == 0
        )
        assert here.descends_or_is(later, earlier) == known
        assert (earlier in here.reached((earlier, aside), (later,))) == known
    assert not here.descends(made[-1], "ab" * 20)
    assert not here.descends("ab" * 20, made[0])
