"""What can come next in a question: verbs, options, relations, columns, values, files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prompt_toolkit.completion import Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from ovn_rules.cli.repl.commands import COMMANDS, FORMS
from ovn_rules.cli.repl.lines import FORMAT, quoted
from ovn_rules.cli.verbs.registry import SUMMARIES, find_verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prompt_toolkit.completion import CompleteEvent

    from ovn_rules.cli.repl.world import Asked

BARE = ("relations", "rules", "show")
"""Verbs that take a relation's name alone."""

_OPTION = re.compile(r"(?:^|\s)--(?:(format)(?:=|\s+)(\w*)|([\w-]*))$")
_FILE = re.compile(r"\s>\s*(\S*)$")
_CALLED = re.compile(r"([A-Za-z_][\w.]*)\s*$")
_VALUE = re.compile(r"\s*(\w+)\s*=\s*(.*)", re.DOTALL)
_WORD = re.compile(r"[\w.]*$")


class QuestionCompleter(Completer):
    """Suggests what fits at the cursor.

    Args:
        world: has the relations and the values.
        eager: whether values are looked up while somebody types, or only when they ask.
    """

    def __init__(self, world: Asked, *, eager: bool) -> None:
        self.world = world
        self.eager = eager

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """See ``Completer``."""
        text = document.text_before_cursor.lstrip()
        verb, blank, rest = text.partition(" ")
        if not blank:
            summaries = SUMMARIES | {name: command.summary for name, command in COMMANDS.items()}
            return _beginning(verb, summaries)
        if verb == "help":
            return _beginning(rest.lstrip(), dict.fromkeys([*SUMMARIES, *COMMANDS], ""))
        if verb == "format":
            return _beginning(rest.lstrip(), dict.fromkeys(FORMS, ""))
        if verb not in SUMMARIES:
            return ()
        return self._argument(verb, f" {rest}", complete_event)

    def _argument(self, verb: str, text: str, event: CompleteEvent) -> Iterable[Completion]:
        if found := _OPTION.search(text):
            options = (FORMAT, *find_verb(verb).options)
            if found[1]:
                return _beginning(found[2], dict.fromkeys(find_verb(verb).formats, ""))
            return _beginning(f"--{found[3]}", {f"--{o.name}": o.help for o in options})
        if (file := _FILE.search(text)) and not quoted(text)[file.start()]:
            return PathCompleter(expanduser=True).get_completions(Document(file[1]), event)
        return self._fact(verb, text, event)

    def _fact(self, verb: str, text: str, event: CompleteEvent) -> Iterable[Completion]:
        relations = self.world.catalogue().get("relations", {})
        relation, inside = innermost(text)
        if relation is None or relation not in relations:
            word = _WORD.search(text)
            rules = self.world.catalogue().get("rules", ()) if verb == "rules" else ()
            return _names(word[0] if word else "", (*relations, *rules), "" if verb in BARE else "(")
        columns: dict[str, str] = relations[relation]
        part = inside[_last_comma(inside) :]
        if (value := _VALUE.fullmatch(part)) and value[1] in columns:
            if not (self.eager or event.completion_requested):
                return ()
            found = self.world.values(relation, value[1], value[2])
            return (Completion(each, start_position=-len(value[2])) for each in found)
        given = set(re.findall(r"(\w+)\s*=", inside))
        return _beginning(part.strip(), {f"{c}=": kind for c, kind in columns.items() if c not in given})


def _beginning(prefix: str, found: dict[str, str]) -> Iterator[Completion]:
    for text, about in sorted(found.items()):
        if text.startswith(prefix):
            yield Completion(text, start_position=-len(prefix), display_meta=about)


def _names(prefix: str, names: Sequence[str], after: str) -> Iterator[Completion]:
    """Names that begin with a prefix, in any case, then those whose part after a dot does."""
    low = prefix.lower()
    begun = sorted(name for name in names if name.lower().startswith(low))
    inside = sorted(name for name in names if name.lower().partition(".")[2].startswith(low) and "." in name)
    for name in dict.fromkeys((*begun, *inside)):
        yield Completion(f"{name}{after}", start_position=-len(prefix), display=name)


def innermost(text: str) -> tuple[str | None, str]:
    """The name before the innermost bracket that is open at the end, and what follows the bracket."""
    inside_quotes = _quoted_so_far(text)
    depth = 0
    for i in range(len(text) - 1, -1, -1):
        if inside_quotes[i]:
            continue
        if text[i] in ")]}":
            depth += 1
        elif text[i] in "([{":
            if depth:
                depth -= 1
            elif text[i] == "(":
                called = _CALLED.search(text[:i])
                return (called[1] if called else None), text[i + 1 :]
    return None, ""


def _quoted_so_far(text: str) -> list[bool]:
    """As ``quoted``, but the last quote may be open: somebody is typing."""
    for end in ("", '"', "'"):
        flags = quoted(text + end)
        if any(flags):
            return flags
    return [False] * len(text)


def _last_comma(inside: str) -> int:
    """Where the argument at the cursor begins."""
    flags = _quoted_so_far(inside)
    depth, start = 0, 0
    for i, c in enumerate(inside):
        if flags[i]:
            continue
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and not depth:
            start = i + 1
    return start
