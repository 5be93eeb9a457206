"""How a fact's history is printed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.text import Text

from ovn_rules.cli.verbs.facts import fact_text, value_text
from ovn_rules.cli.verbs.terminal import print_item, print_notes

if TYPE_CHECKING:
    from rich.console import Console

    from ovn_rules.cli.verbs.verb import Document

STYLES = {"appeared": "green", "vanished": "red", "rederived": "yellow"}


def when(time: float | None) -> str:
    """A time as the daemons' logs have it: UTC, to the millisecond."""
    if not time:
        return "a time that isn't known"
    at = datetime.fromtimestamp(time, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def show_history(document: Document, console: Console) -> None:
    """Print each fact, then what happened to it, newest first."""
    for number, fact in enumerate(document["facts"]):
        if number:
            console.print()
        _show_fact(fact, console)
    if document["more"]:
        console.print(f"... and {document['more']} more facts; give more columns to narrow it down")
    print_notes(console, document["notes"])


def _show_fact(fact: Document, console: Console) -> None:
    print_item(console, Text(""), fact_text(fact, brief=True))
    _line(console, 2, Text("holds", "green") if fact["holds"] else Text("doesn't hold", "red"))
    for entry in fact["entries"]:
        _show_entry(entry, console)
    if fact["more"]:
        _line(console, 2, Text(f"... and {fact['more']} earlier transactions; --limit 0 shows all"))
    for each in fact["unsure"] if fact["entries"] or not fact["older"] else ():
        text = f"{when(each['time'])}  {each['size']:,} facts changed at once, kept as numbers: maybe this one too"
        _line(console, 2, Text(text, style="magenta"))
    if fact["older"]:
        _line(console, 2, Text(fact["older"], style="dim"))


def _show_entry(entry: Document, console: Console) -> None:
    _line(console, 2, entry_text(entry))
    for source in entry["sources"]:
        for text in said(source):
            _line(console, 6, Text(text))
    if not entry["exact"] and entry["rows"]:
        text = "all that changed then; which of it is the cause can't be found any more:"
        _line(console, 6, Text(text, style="magenta"))
    for row in entry["rows"]:
        _line(console, 6, row_text(row))
    if entry["more_rows"]:
        _line(console, 6, Text(f"... and {entry['more_rows']} more"))


def entry_text(entry: Document) -> Text:
    """When something happened to a fact, and what."""
    kind = entry["kind"]
    line = Text.assemble(when(entry["time"]), "  ", (kind, STYLES[kind]))
    if "rule" in entry:
        line.append(f": it held already; rule {entry['rule']} makes it from these rows, too, since then")
    if "instead" in entry:
        columns = ", ".join(f"{name}={value_text(value)}" for name, value in entry["instead"].items())
        line.append(f", {'replacing' if kind == 'appeared' else 'replaced by'} {columns}")
    return line


def row_text(row: Document) -> Text:
    """A row that came or went, or the columns of it that changed."""
    if row["change"] != "changed":
        sign, style = ("+", "green") if row["change"] == "inserted" else ("-", "red")
        return Text.assemble((f"{sign} ", style), fact_text(row, brief=True))
    columns = (f"{c}={value_text(old)} → {value_text(row['fact'][c])}" for c, old in row["was"].items())
    return Text.assemble(("~ ", "yellow"), fact_text(row, ("name",)), ": ", ", ".join(columns))


def _line(console: Console, indent: int, text: Text) -> None:
    print_item(console, Text(" " * indent), text)


def said(source: Document) -> list[str]:
    """Who changed a database: a line for each commit."""
    name = source["database"]
    lines = []
    for commit in source["commits"]:
        comment = "; ".join(line for line in commit["comment"].splitlines() if line.strip())
        lines.append(f"{name}, {when(commit['time'])}: {comment or 'no comment was given'}")
    if not lines:
        lines.append(f"{name}: comment unknown: {source['unknown']}" if source["unknown"] else f"{name}")
    return lines
