"""Colours of a question while it is typed. They are the terminal's own, so that they fit its background."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prompt_toolkit.lexers import Lexer
from prompt_toolkit.styles import Style

from ovn_rules.cli.repl.commands import COMMANDS
from ovn_rules.cli.verbs.registry import SUMMARIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import StyleAndTextTuples

    from ovn_rules.cli.repl.world import Asked

STYLE = Style.from_dict(
    {
        "verb": "bold",
        "relation": "ansicyan",
        "unknown": "ansired",
        "column": "ansibrightblue",
        "string": "ansigreen",
        "variable": "italic ansimagenta",
        "option": "ansimagenta",
        "comment": "ansibrightblack",
        "prompt": "bold ansibrightblue",
        "bottom-toolbar": "noreverse ansibrightblack",
        "bottom-toolbar.gone": "noreverse bold ansired",
    }
)

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)
    |(?P<option>(?<!\S)--[\w-]+)
    |(?P<name>[A-Za-z_][\w.]*\#[0-9a-f]{8}\b)
    |(?P<called>[A-Za-z_][\w.]*(?=\s*\())
    |(?P<column>[A-Za-z_]\w*(?=\s*=(?!=)))
    |(?P<word>[A-Za-z_][\w.]*)
    |(?P<open>[(\[{])|(?P<close>[)\]}])
    |(?P<other>[\w:.]+|\s+|.)""",
    re.VERBOSE,
)


class QuestionLexer(Lexer):
    """Colours verbs, relations that there are and that there aren't, columns, texts, variables and options.

    Args:
        world: has the relations.
    """

    def __init__(self, world: Asked) -> None:
        self.world = world

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """See ``Lexer``."""
        relations = self.world.catalogue().get("relations", {})
        lines: list[StyleAndTextTuples] = []
        depth = 0
        for number, line in enumerate(document.lines):
            fragments: StyleAndTextTuples = []
            start = 0
            if number == 0:
                start = _first_word(line, fragments)
            for token in _TOKEN.finditer(line, start):
                kind = token.lastgroup or "other"
                depth += {"open": 1, "close": -1}.get(kind, 0)
                fragments.append((_style(kind, token[0], relations, depth), token[0]))
            lines.append(fragments)
        return lambda n: lines[n] if n < len(lines) else []


def _first_word(line: str, fragments: StyleAndTextTuples) -> int:
    """Colour the verb, or a comment; where the rest begins."""
    found = re.match(r"\s*(\S+)", line)
    if found is None:
        return 0
    if found[1].startswith("#"):
        fragments.append(("class:comment", line))
        return len(line)
    known = found[1] in SUMMARIES or found[1] in COMMANDS
    begun = any(name.startswith(found[1]) for name in (*SUMMARIES, *COMMANDS)) and found.end() == len(line)
    fragments.append(("class:verb" if known else "" if begun else "class:unknown", found[0]))
    return found.end()


def _style(kind: str, text: str, relations: dict[str, object], depth: int) -> str:
    if kind == "name" or (kind in ("called", "word") and text in relations):
        return "class:relation"
    if kind == "called":
        # Relations begin with a capital or have a dot; the actions and functions of flows don't.
        return "class:unknown" if text[0].isupper() or "." in text else ""
    if kind == "word":
        return "class:variable" if depth > 0 and text not in ("True", "False", "_") else ""
    return f"class:{kind}" if kind in ("string", "option", "column") else ""
