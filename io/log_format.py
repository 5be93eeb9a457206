"""The log that ovsdb-server keeps a database in (ovsdb(5)): JSON records, each after its length and SHA-1."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

STANDALONE = b"OVSDB JSON "
CLUSTERED = b"OVSDB CLUSTER "
HEADER_LIMIT = 100
"""Bytes that a header has at most."""


@dataclass(frozen=True, slots=True)
class Header:
    """The line before a record: where its body is in the data (bytes), and its SHA-1 in hexadecimal."""

    start: int
    end: int
    sha1: bytes

    def fits(self, body: bytes) -> bool:
        """Whether a body is the whole record."""
        return hashlib.sha1(body, usedforsecurity=False).hexdigest().encode() == self.sha1


def log_kind(start: bytes) -> bytes:
    """How a log's headers begin, from its first ``HEADER_LIMIT`` bytes; nothing when it is no log."""
    return next((kind for kind in (STANDALONE, CLUSTERED) if start.startswith(kind)), b"")


def read_header(data: bytes, at: int, kind: bytes = STANDALONE) -> Header | None:
    """The header of a record that starts at a byte; None where there is none, or it is cut off.

    Args:
        data: Has it, or its first ``HEADER_LIMIT`` bytes.
        at: Where it starts.
        kind: ``STANDALONE`` or ``CLUSTERED``.
    """
    end = data.find(b"\n", at, at + HEADER_LIMIT)
    words = data[at:end].split(b" ") if end >= 0 else []
    if len(words) != 4 or not data.startswith(kind, at) or not words[2].isdigit():
        return None
    return Header(end + 1, end + 1 + int(words[2]), words[3])
