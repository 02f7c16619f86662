"""Texts of realistic length out of a made-up vocabulary: the same for the same random source."""

import json
from bisect import bisect
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from random import Random

_SYLLABLES = (
    "ba be bi bo bra ca ce co cra da de di dor e fa fe fi fla ga ge gi gra ha he hi ho in jo ka ke kin la le li lo lum ma"
    " me mi mo mu na ne ni no or pa pe pi plo po qua ra re ri ro sa se si so sta ta te ti to tra un va ve vi vo wa we win"
    " xe ya ze zo"
).split()
_WORDS = 6000
_MEANT = (
    "the to for and in with is all add fix when not after test server client session index cache lock agent error file"
    " handler queue merge branch parse timeout retry config"
).split()
QUANTILES: dict[str, list[int]] = json.loads((Path(__file__).parent / "quantiles.json").read_text(encoding="utf-8"))


def drawn(random: Random, name: str) -> int:
    """Return a number distributed as `quantiles.json` says."""
    steps = QUANTILES[name]
    place = random.random() * (len(steps) - 1)
    low = int(place)
    return round(steps[low] + (steps[low + 1] - steps[low]) * (place - low))


class Vocabulary:
    """Words as frequent as in a language: the n-th is used in proportion to 1/n."""

    def __init__(self, seed: int) -> None:
        random = Random(f"words {seed}")
        words = dict.fromkeys(_MEANT)
        while len(words) < _WORDS:
            length = max(2, drawn(random, "word"))
            word = ""
            while len(word) < length:
                word += random.choice(_SYLLABLES)
            words[word] = None
        self._words = list(words)
        self._weights = list(accumulate(1 / rank for rank in range(1, _WORDS + 1)))

    def word(self, random: Random) -> str:
        return self._words[bisect(self._weights, random.random() * self._weights[-1])]

    def line(self, random: Random, length: int) -> str:
        """Return words of about `length` characters in all, at least one."""
        words, size = [self.word(random)], 0
        while size + len(words[-1]) + 1 < length:
            size += len(words[-1]) + 1
            words.append(self.word(random))
        return " ".join(words)

    def text(self, random: Random, length: int) -> str:
        """Return paragraphs, lists and now and then code, of about `length` characters in all; empty for 0."""
        parts: list[str] = []
        left = length
        while left > 0:
            part = self.line(random, min(left, random.randint(40, 240)))
            kind = random.random()
            if kind < 0.2:
                part = f"- {part}"
            elif kind < 0.25:
                part = f"## {part[:60]}"
            elif kind < 0.3:
                part = f"`{part[:30]}` {part[30:]}"
            parts.append(part.capitalize())
            left -= len(part) + 1
        return "\n".join(parts)


def titles(seed: int) -> Iterator[str]:
    """Yield titles such as those of the repositories that `generate` makes: no two alike, and many that share words."""
    vocabulary, random = Vocabulary(seed), Random(f"titles {seed}")
    while True:
        yield vocabulary.line(random, drawn(random, "title"))
