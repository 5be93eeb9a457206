"""Keeps a log readable when something repeats itself: token buckets, as Open vSwitch has them.

Two limits. One line may repeat a few times and then once a minute, with the number of repetitions said. A
module as a whole may say a few hundred different things at once and then some a second, so that a thousand
bad rows don't fill a disk.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LINE_BURST = 5
"""How often one line may repeat at once."""

LINE_SECONDS = 60.0
"""Seconds after which a repeated line may come once more."""

MODULE_BURST = 500
"""How many lines a module may say at once."""

MODULE_SECONDS = 0.1
"""Seconds after which a module that used up its burst may say one more line."""

_REMEMBERED = 1000  # lines; the one that was said longest ago is forgotten first


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: float
    dropped: int = 0

    def take(self, now: float, burst: int, seconds: float) -> bool:
        """Takes one token, when there is one."""
        self.tokens = min(burst, self.tokens + (now - self.filled) / seconds)
        self.filled = now
        if self.tokens < 1:
            self.dropped += 1
            return False
        self.tokens -= 1
        return True

    def count(self) -> int:
        """How many were dropped since the last time this was asked."""
        dropped, self.dropped = self.dropped, 0
        return dropped


class RateLimit:
    """Says which lines are to be written, and what to add about those that were not."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Starts with full buckets.

        Args:
            clock: Seconds, from any start.
        """
        self._clock = clock
        self._lines: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()
        self._modules: dict[str, _Bucket] = {}

    def admit(self, module: str, text: str) -> list[str]:
        """What to write for a line.

        Args:
            module: Who says it.
            text: The line.

        Returns:
            The texts to write in place of the line: none when it is dropped.
        """
        now = self._clock()
        key = (module, text)
        line = self._lines.setdefault(key, _Bucket(LINE_BURST, now))
        self._lines.move_to_end(key)
        if len(self._lines) > _REMEMBERED:
            self._lines.popitem(last=False)
        if not line.take(now, LINE_BURST, LINE_SECONDS):
            return []
        whole = self._modules.setdefault(module, _Bucket(MODULE_BURST, now))
        if not whole.take(now, MODULE_BURST, MODULE_SECONDS):
            return []
        texts = [_dropped(n)] if (n := whole.count()) else []
        repeated = line.count()
        return [*texts, f"{text} (repeated {repeated} times since)" if repeated else text]

    def rest(self) -> list[tuple[str, str]]:
        """What has been dropped and not been said yet, as (module, text); asked at the end."""
        found = [(m, f"{text} (repeated {n} times)") for (m, text), b in self._lines.items() if (n := b.count())]
        return found + [(module, _dropped(n)) for module, b in self._modules.items() if (n := b.count())]


def _dropped(number: int) -> str:
    return f"dropped {number} log messages due to excessive rate"
