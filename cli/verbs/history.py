"""``history``: the transactions that made a fact appear or vanish, who made them, and the rows behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.replay import replay
from ovn_rules.cli.verbs.facts import fact_document, plain
from ovn_rules.cli.verbs.history_asked import asked_facts
from ovn_rules.cli.verbs.history_graph import history_graph
from ovn_rules.cli.verbs.history_shown import show_history, when
from ovn_rules.cli.verbs.one_shot import one_shot, say
from ovn_rules.cli.verbs.verb import Option, Verb
from ovn_rules.engine.causes import Causes, causes
from ovn_rules.engine.explain import Explainer
from ovn_rules.engine.store import key_function

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ovn_rules.cli.verbs.verb import Document, World
    from ovn_rules.engine import Engine, Fact
    from ovn_rules.engine.history import Entry, History, Source, Transaction

LIMIT = 10
"""Transactions told of each fact, unless more are asked for."""

FACTS = 20
"""Facts told of when a pattern fits several."""

ROWS = 20
"""Changed rows told of a transaction."""


def answer(world: World, text: str, options: Mapping[str, Any]) -> Document:
    """What the transactions kept, or those in the files, did to facts.

    Raises:
        Failure: there is no history here, or no such fact in it.
        QuestionError: the pattern can't be read.
    """
    engine, history, warnings = _recorded(world)
    keys, asked, notes = asked_facts(world, engine, history, text)
    if not keys:
        what = f"it doesn't hold, and hasn't come or gone {_since(history)}"
        raise Failure("; ".join([f"no such fact: {asked}", what, *notes]))
    return {
        "kept": {
            "transactions": len(history.kept),
            "limit": history.limit,
            "since": history.kept[0].time if history.kept else None,
            "dropped": history.dropped,
        },
        "facts": [_told(engine, history, *key, options["limit"] or None) for key in keys[:FACTS]],
        "more": max(0, len(keys) - FACTS),
        "notes": [*warnings, *notes],
    }


def _recorded(world: World) -> tuple[Engine, History, list[str]]:
    """An engine and its history: the daemon's, or what the files have been through."""
    if hasattr(world, "history"):
        history: History | None = world.history
        if history is None:
            raise Failure("this daemon keeps no history; it was started with --history 0")
        return world.engine, history, []
    files: Mapping[str, list[str]] = getattr(world, "files", {})
    if getattr(world, "databases", None) or not any(files.values()):
        raise Failure(
            "a server tells what is there now, not what was: ask a daemon, with --attach northd or --attach "
            "controller, or give the files in which servers keep their databases"
        )
    return replay(world.engine.program, files)


def _since(history: History) -> str:
    count = len(history.kept)
    if not history.kept:
        return "in the transactions kept, of which there are none yet"
    return f"since {when(history.kept[0].time)} ({count} transaction{'' if count == 1 else 's'})"


def _told(engine: Engine, history: History, relation: str, fact: Fact, limit: int | None) -> Document:
    """One fact's history as a document."""
    entries = history.of(engine, relation, fact)
    holds = Explainer(engine).holds(relation, fact)
    first = next((e for e in reversed(entries) if e.kind != "rederived"), None)
    before = holds if first is None else first.kind == "vanished"
    shown = entries[:limit]
    return {
        **fact_document(engine, relation, fact),
        "holds": holds,
        "entries": [_entry(engine, history, e) for e in shown],
        "more": len(entries) - len(shown),
        "older": _older(history, first) if before else None,
        "unsure": [{"time": t.time, "size": t.size} for t in history.since(first) if t.given is None],
    }


def _older(history: History, first: Entry | None) -> str:
    """Since when a fact held before the first thing that is known of it."""
    numbers = [t for t in history.kept if t.given is None]
    if first is not None:
        numbers = [t for t in numbers if t.number < first.transaction.number]
    if numbers:
        last = numbers[-1]
        what = "when the databases were read as a whole" if last.loaded else "in a change kept as numbers"
        return f"it came {what}, at {when(last.time)} ({last.size:,} facts changed), or before"
    if history.kept:
        return f"it is older than what is kept, since {when(history.kept[0].time)}"
    return "nothing has changed since this daemon began to keep a history"


def _entry(engine: Engine, history: History, entry: Entry) -> Document:
    transaction = entry.transaction
    # What a new engine has read at once is no cause.
    found = Causes((), True) if transaction.loaded else causes(engine, history, entry)
    sources = _behind(transaction, found)
    rows = _rows(engine, found)
    commits = [c for s in sources for c in s.commits if c.time is not None]
    document: Document = {
        "kind": entry.kind,
        "loaded": transaction.loaded,
        "transaction": transaction.number,
        "time": commits[0].time if len(commits) == 1 else sources[0].time if sources else transaction.time,
        "sources": [
            {
                "database": s.name,
                "commits": [{"time": c.time, "comment": c.comment} for c in s.commits],
                "unknown": s.unknown,
            }
            for s in sources
        ],
        "exact": found.exact,
        "rows": rows[:ROWS],
        "more_rows": max(0, len(rows) - ROWS),
    }
    if entry.derivation is not None:
        document["rule"] = entry.derivation.clause.name
    other = _counterpart(engine, entry)
    if other is not None:
        columns = [c.name for c in engine.program.relations[entry.relation].columns]
        pairs = zip(columns, other, entry.fact, strict=True)
        document["instead"] = {name: plain(value) for name, value, mine in pairs if value != mine}
    return document


def _behind(transaction: Transaction, found: Causes) -> list[Source]:
    """The sources of the changes that are behind an entry; all when that isn't known."""
    sources = [
        s
        for s in transaction.sources
        if any(fact in s.delta.get(relation, ((), ()))[came] for relation, fact, came in found.changes)
    ]
    return sources or list(transaction.sources)


def _rows(engine: Engine, found: Causes) -> list[Document]:
    """The changed rows: what went and came of each. Elements of sets and maps that a row's fact has are left out."""
    relations = engine.program.relations
    rows: dict[Any, Document] = {}
    elements: list[tuple[Any, str, Document]] = []
    for relation, fact, came in found.changes:
        document = fact_document(engine, relation, fact)
        table = relations[relation].table
        if table is None or table.column is not None:
            whole = None if table is None else (f"{table.database}.{table.table}", fact[0])
            elements.append((whole, "" if table is None else table.column or "", _changed(document, came)))
        elif (relation, fact[0]) in rows:
            changed = rows[relation, fact[0]]
            old, new = (changed["fact"], document["fact"]) if came else (document["fact"], changed["fact"])
            was = {name: value for name, value in old.items() if value != new[name]}
            rows[relation, fact[0]] = {**document, "fact": new, "change": "changed", "was": was}
        else:
            rows[relation, fact[0]] = _changed(document, came)
    left = [d for whole, column, d in elements if whole not in rows or column not in rows[whole]["fact"]]
    return [*rows.values(), *left]


def _changed(document: Document, came: bool) -> Document:
    return {"change": "inserted" if came else "deleted", **document}


def _counterpart(engine: Engine, entry: Entry) -> Fact | None:
    """The fact with the same key that went when this one came, or came when it went."""
    key = engine.program.relations[entry.relation].key
    if key is None or entry.kind == "rederived":
        return None
    key_of = key_function(key)
    others = entry.transaction.change(entry.relation)[entry.kind == "vanished"]
    return next((f for f in others if key_of(f) == key_of(entry.fact)), None)


VERB = Verb(
    name="history",
    argument="FACT",
    summary="Which transactions made a fact appear or vanish.",
    help="Tell which transactions made FACT appear or vanish: when, in which database, the comment that whoever made "
    "it gave, and the changed rows that are behind it.\n\n"
    "FACT is RELATION(column=value, ...) or a flow as ovs-ofctl dump-flows prints it. A running daemon is asked with "
    "--attach; it keeps its last transactions (--history of 'ovn-rules daemon'). Without one, the files in which "
    "servers keep their databases tell what was committed since they were last compacted.",
    examples=(
        "'nb.Logical_Port(name=\"vm1\")'",
        "'Binding(logical_port=\"vm1\")'",
        "--limit 1 'table=64, priority=50,reg7=0x1 actions=output:1'",
    ),
    answer=answer,
    show=show_history,
    graph=history_graph,
    options=(Option("limit", "number", LIMIT, "How many transactions of each fact; 0 for all."),),
)


def _attachable(command: click.Command, verb: Verb) -> click.Command:
    """The command of a verb with ``--attach``, which asks a running daemon instead of databases."""
    local: Callable[..., Any] | None = command.callback
    assert local is not None  # noqa: S101 - one_shot makes commands that do something

    def run(attach: str | None, **given: Any) -> None:
        if attach is None:
            local(**given)
            return
        if given["nb"] or given["sb"] or given["ovs"] or given["facts"]:
            raise click.UsageError(
                "--attach asks a daemon about its own databases; give no --nb, --sb, --ovs or --facts"
            )
        from ovn_rules.cli.repl.attached import Attached  # noqa: PLC0415 - who asks files needs none

        options = {o.name: given[o.name] for o in verb.options}
        say(verb, Attached(attach).ask(verb, given["argument"], options), given["form"])

    option = click.Option(
        ["--attach"],
        metavar="[PATH|northd|controller|NAME]",
        is_flag=False,
        flag_value="",
        default=None,
        help="Ask a running daemon over its control socket; without a value, the one that runs here.",
    )
    command.params.append(option)
    command.callback = run
    return command


command = _attachable(one_shot(VERB), VERB)
