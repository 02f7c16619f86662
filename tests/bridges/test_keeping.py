"""Every value comes back as it was read, whatever it is."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from git_tracker.bridges import lines
from git_tracker.bridges.keeping import as_line, as_text, is_line, is_text, kept
from git_tracker.bridges.keeping import given as given_back
from git_tracker.store import EVENTS

characters = st.characters(codec=None, categories=None) | st.sampled_from("\0\ud800\udfff\n\u2028\x85 é🌱\x01")
texts = st.text(characters)
numbers = st.integers().map(str) | st.floats(allow_nan=False, allow_infinity=False).map(repr)
values = st.recursive(
    st.none() | st.booleans() | texts | numbers.map(lines.value),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and lines.text(one) == lines.text(other)


@settings(max_examples=400, deadline=None)
@given(values)
def test_what_is_kept_is_given_back(value: Any) -> None:
    fields = kept("x:y", value)
    for name, item in fields.items():
        EVENTS["custom"].decode({"type": "custom", "name": name, "value": item})
    assert same(given_back(json.loads(json.dumps(fields)), "x:y"), value)


@given(texts, st.integers(4, 64))
def test_every_text_has_a_nearest_line_and_block(text: str, limit: int) -> None:
    line = as_line(text, limit)
    assert line == "" or is_line(line, limit)
    assert is_text(as_text(text))
    if is_line(text, limit):
        assert line == text
    if is_text(text):
        assert as_text(text) == text


def test_long_values_are_kept_in_parts() -> None:
    for value in ("ä" * 300_000, ["\0" * 50_000, {"a": "\ud800" * 70_000}], "x" * 128 * 1024):
        fields = kept("x:y", value)
        assert max(len(json.dumps(item, ensure_ascii=False).encode()) for item in fields.values()) < 400_000
        assert same(given_back(fields, "x:y"), value)
