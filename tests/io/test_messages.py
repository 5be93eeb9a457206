"""Messages out of a byte stream."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovn_rules.io.messages import MessageReader, ProtocolError

TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.text('{}"\\é𝄞', max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.lists(st.dictionaries(TEXT, JSON, max_size=3), max_size=5)


@settings(deadline=None, max_examples=400)
@given(MESSAGES, st.booleans(), st.sampled_from(["", "\n", "  "]), st.lists(st.integers(1, 30), min_size=1))
def test_chunks_do_not_matter(messages, ascii_only, between, sizes):
    """However the bytes are cut, the messages come out whole, in order, and as soon as their last byte is there."""
    reader = MessageReader()
    found = []
    for message in messages:
        data = (json.dumps(message, ensure_ascii=ascii_only) + between).encode()
        at = 0
        while at < len(data):
            size = sizes[at % len(sizes)]
            found += reader.feed(data[at : at + size])
            at += size
        assert found[-1] == message
    assert found == messages


@settings(deadline=None, max_examples=400)
@given(MESSAGES, st.lists(st.integers(1, 30), min_size=1), st.sampled_from(["a", "n", '"']), st.integers(0, 20))
def test_messages_that_are_set_aside(messages, sizes, mark, whole):
    """Those that are kept come later, in order, and the others at once; how the bytes are cut doesn't matter."""
    reader = MessageReader()
    found = [m for message in messages[:whole] for m in reader.feed(json.dumps(message).encode())]
    data = b"".join(json.dumps(message).encode() for message in messages[whole:])
    at = 0
    while at < len(data):
        size = sizes[at % len(sizes)]
        found += reader.sift(data[at : at + size], lambda raw: mark in raw.decode())
        at += size
    kept = []
    while reader.kept:
        kept += reader.take_kept()
    asides = [m for m in messages[whole:] if mark in json.dumps(m)]
    assert kept == asides
    assert found == messages[:whole] + [m for m in messages[whole:] if mark not in json.dumps(m)]
    assert reader.pending == 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"}", "received what is not JSON: '}'"),
        (b"[1]", "received '[1]', which is not a JSON object"),
        (b"HTTP/1.1 400 Bad Request\r\n", "received what is not JSON: 'HTTP/1.1 400 Bad Request\\r\\n'"),
        (b'{"a" 1}', "received what is not JSON: '{\"a\" 1}'"),
        (b"\xff{}", "received bytes that are not UTF-8: invalid start byte"),
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "received JSON that is nested too deeply"),
    ],
)
def test_garbage_is_named(data, message):
    """A peer that speaks something else is an error of one line, never an endless wait."""
    with pytest.raises(ProtocolError) as error:
        MessageReader().feed(data)
    assert str(error.value) == message


def test_bytes_are_looked_at_once():
    """A message of a million small chunks costs what its length says: nothing held is decoded before its end."""
    reader = MessageReader()
    body = json.dumps({"rows": ['{"unbalanced'] * 20000}).encode()
    for at in range(0, len(body) - 1, 7):
        assert reader.feed(body[at : min(at + 7, len(body) - 1)]) == []
    assert reader.pending == len(body) - 1
    assert len(reader.feed(body[-1:])[0]["rows"]) == 20000
