"""JSON-RPC messages out of a byte stream: each byte is looked at a bounded number of times, and decoded once.

ovsdb-server puts nothing between its messages, so where one ends is known from its braces only. Counting
them in C (``bytes.translate``, ``split``) costs a tenth of decoding; decoding waits for the whole message.
"""

from __future__ import annotations

import codecs
import gc
import json
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NOT_BRACES = bytes(b for b in range(256) if b not in b"{}")
_decode = json.JSONDecoder().raw_decode


class ProtocolError(Exception):
    """The peer sent what is no JSON-RPC; the message says what, in one line."""


@contextmanager
def no_collection() -> Iterator[None]:
    """Suspends garbage collection while many objects are made at once that stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class MessageReader:
    """Takes chunks as they come and gives whole messages (JSON objects, decoded).

    Attributes:
        kept: Messages that were set aside, as they came.
    """

    def __init__(self) -> None:
        """Starts between two messages."""
        self.kept: deque[bytes] = deque()
        self._parts: list[bytes] = []
        self._depth = 0
        self._in_string = False
        self._odd_backslash = False

    @property
    def pending(self) -> int:
        """How many bytes of an incomplete message are held."""
        return sum(map(len, self._parts))

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        """Takes the next bytes and returns the messages that are complete now.

        Raises:
            ProtocolError: The bytes are not UTF-8 or not JSON objects.
        """
        whole = not self._parts and chunk[:1] == b"{" and chunk[-1:] == b"}"  # as whole messages mostly come
        self._parts.append(chunk)
        if not whole and not self._ends_message(chunk):
            return []
        return self._decode(b"".join(self._parts))

    def sift(self, chunk: bytes, keep: Callable[[bytes], bool]) -> list[dict[str, Any]]:
        """Takes the next bytes and returns complete messages, but for those that ``keep`` sets aside undecoded.

        Raises:
            ProtocolError: As ``feed``.
        """
        messages = []
        pieces = chunk.split(b"}{")  # ovsdb-server puts nothing between messages, and something between objects in one
        for i, piece in enumerate(pieces):
            part = b"{" * (i > 0) + piece + b"}" * (i < len(pieces) - 1)
            self._parts.append(part)
            if self._ends_message(part):
                data = b"".join(self._parts)
                if keep(data):
                    self.kept.append(data)
                    self._begin([])
                else:
                    messages += self._decode(data)
        return messages

    def take_kept(self) -> list[dict[str, Any]]:
        """The first message that was set aside.

        Raises:
            ProtocolError: As ``feed``.
        """
        messages, rest = _decoded(self.kept.popleft())
        if rest:
            raise ProtocolError(f"received what is not JSON: {rest[:40]!r}")
        return messages

    def _decode(self, data: bytes) -> list[dict[str, Any]]:
        messages, rest = _decoded(data)
        self._begin([rest] if rest else [])
        if rest and self._ends_message(rest):
            raise ProtocolError(f"received what is not JSON: {rest.decode()[:40]!r}")
        return messages

    def _begin(self, parts: list[bytes]) -> None:
        self._parts = parts
        self._depth, self._in_string, self._odd_backslash = 0, False, False

    def _ends_message(self, chunk: bytes) -> bool:
        """Whether a message ends in the chunk; goes on counting from the chunks before."""
        if self._odd_backslash:
            chunk = b"_" + chunk[1:]  # the character that the last chunk's backslash escapes
        if b"\\" in chunk:
            chunk = chunk.replace(b"\\\\", b"__")
            self._odd_backslash = chunk.endswith(b"\\")
            chunk = chunk.replace(b'\\"', b"__")
        else:
            self._odd_backslash = False
        pieces = chunk.split(b'"')
        braces = b"".join(pieces[self._in_string :: 2]).translate(None, _NOT_BRACES)
        self._in_string ^= len(pieces) % 2 == 0
        while b"{}" in braces:
            braces = braces.replace(b"{}", b"")
        closes = braces.count(b"}")
        if closes:
            if closes >= self._depth:
                return True
        elif self._depth == 0 and not braces and not self._in_string and chunk.strip():
            return True  # whole messages only, or no object at all
        self._depth += len(braces) - 2 * closes
        return False


def _decoded(data: bytes) -> tuple[list[dict[str, Any]], bytes]:
    """The messages that bytes begin with, and what is left."""
    try:
        text, used = codecs.utf_8_decode(data, "strict", False)
    except UnicodeDecodeError as e:
        raise ProtocolError(f"received bytes that are not UTF-8: {e.reason}") from e
    with no_collection():
        messages, end = _decode_all(text)
    return messages, text[end:].encode() + data[used:]


def _decode_all(text: str) -> tuple[list[dict[str, Any]], int]:
    messages = []
    end = 0
    while end < len(text):
        start = end
        while start < len(text) and text[start] in " \t\r\n":
            start += 1
        try:
            message, end = _decode(text, start)
        except json.JSONDecodeError:
            break
        except RecursionError as e:
            raise ProtocolError("received JSON that is nested too deeply") from e
        if not isinstance(message, dict):
            raise ProtocolError(f"received {text[start : start + 40]!r}, which is not a JSON object")
        messages.append(message)
    return messages, end
