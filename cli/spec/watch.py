"""Runs specs again whenever one of them, or a rule module, changes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from ovn_rules import rules
from ovn_rules.cli.spec.finding import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAUSE = 0.3
"""Seconds between two looks at the files."""


def watch(paths: Sequence[Path], arguments: Sequence[str]) -> NoReturn:
    """Run ``ovn-rules spec`` in a process of its own, so that the rules are loaded anew, until interrupted.

    Args:
        paths: spec files and folders. What lies beside a file counts too: it may be templates or rules.
        arguments: of the command.
    """
    folders = {p if p.is_dir() else p.parent for p in paths} | {Path(each) for each in rules.__path__}
    while True:
        seen = dict(_times(folders))
        subprocess.run([sys.executable, "-m", "ovn_rules.cli.main", "spec", *arguments], check=False)
        click.echo("\nwaiting for a change; Ctrl-C ends")
        while (now := dict(_times(folders))) == seen:
            time.sleep(PAUSE)
        changed = sorted(str(p) for p in now.keys() | seen.keys() if now.get(p) != seen.get(p))
        click.echo(f"\n{changed[0]} changed{f', and {len(changed) - 1} more' if len(changed) > 1 else ''}\n")


def _times(folders: set[Path]) -> Iterator[tuple[Path, int]]:
    for folder in folders:
        for path in folder.rglob("*"):
            if path.suffix in (*SUFFIXES, ".py", ".toml"):
                try:
                    yield path, path.stat().st_mtime_ns
                except OSError:
                    continue  # gone meanwhile: an editor's temporary file
