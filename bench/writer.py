"""One of many writing processes: says ready, waits for the word, writes, and tells how long each write took."""

import json
import sys
import time
from random import Random

from git_tracker.store import IssueStore


def main(repo: str, number: int, count: int, ids: list[str]) -> None:
    store = IssueStore.open(repo)
    signer = store.delegate(store.signer(), client="bench/1", label=f"writer-{number}")
    random = Random(number)
    store.comment(signer, random.choice(ids), f"writer {number} is here")  # opens files; not timed
    print("ready", flush=True)
    sys.stdin.readline()
    took = []
    for turn in range(count):
        start = time.perf_counter()
        store.comment(signer, random.choice(ids), f"writer {number}, turn {turn}: done as planned, moving on")
        took.append(time.perf_counter() - start)
    print(json.dumps(took), flush=True)
    sys.stdin.readline()  # to end is work as well, and others are still being timed
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
