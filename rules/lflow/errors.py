"""What the language says about text it can't take: one line, and a caret under the place."""

from __future__ import annotations

CONTEXT = 60
"""Characters of the text shown on each side of the caret, so that a long match still fits a terminal."""


class LflowError(ValueError):
    """A match or actions that don't follow the language of ovn-sb(5).

    Attributes:
        message: one sentence, in the wording of ovn-controller where that has one.
        position: offset of the offending place in ``text``, in characters from 0; its length for the end.
        text: the whole text that was read.
    """

    def __init__(self, message: str, position: int, text: str) -> None:
        """Keeps the three parts; ``str()`` gives the message alone."""
        super().__init__(message)
        self.message = message
        self.position = position
        self.text = text

    def render(self) -> str:
        """Three lines: the message, the text (or the part around the place), a caret under the place."""
        start = max(0, self.position - CONTEXT)
        end = self.position + CONTEXT
        before = "…" if start else ""
        after = "…" if end < len(self.text) else ""
        shown = "".join(c if c.isprintable() else " " for c in self.text[start:end])
        caret = " " * (len(before) + self.position - start) + "^"
        return f"{self.message}\n{before}{shown}{after}\n{caret}"


class TooManyFlowsError(LflowError):
    """An expression of the language that would need more OpenFlow flows than ``cubes.LIMIT``."""
