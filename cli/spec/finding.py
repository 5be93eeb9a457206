"""Which files are specs. Imported by every pytest run that has the plugin, so it imports nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = (".yaml", ".yml")

_HEAD = re.compile(r"^(subject|program|roles|cases):", re.MULTILINE)


def is_spec(path: Path) -> bool:
    """Whether a file is a spec: a YAML file with ``cases`` and a ``subject`` or ``program``, or nearly that.

    Three of the four words that a spec begins with are enough, so that a misspelt one is a mistake that is told.
    """
    if path.suffix not in SUFFIXES:
        return False
    try:
        return len(set(_HEAD.findall(path.read_text(encoding="utf-8")))) > 2
    except (OSError, UnicodeDecodeError):
        return False
