"""``watch``: the answers of a query, and how they change with the network, until it is interrupted."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import click

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.following import Following
from ovn_rules.cli.sources import network_options
from ovn_rules.cli.verbs import one_shot
from ovn_rules.cli.verbs import query as asking
from ovn_rules.cli.verbs.facts import plain, value_text
from ovn_rules.cli.verbs.verb import Option, Verb
from ovn_rules.engine.errors import QuestionError
from ovn_rules.engine.order import in_order
from ovn_rules.engine.queries import Watch, parse_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ovn_rules.cli.options import TlsFiles
    from ovn_rules.cli.verbs.verb import Document, World
    from ovn_rules.engine import Engine
    from ovn_rules.engine.queries import Query
    from ovn_rules.engine.runtime import Change

Difference = tuple[list[list[Any]], list[list[Any]]]
"""The answers that are gone, and those that have come, as documents have them."""


class Followed(Protocol):
    """A network that is followed as it changes."""

    @property
    def engine(self) -> Engine:
        """The facts, with everything derived."""

    def changes(self) -> Iterator[Mapping[str, Change]]:
        """What changes, given and derived, as it comes."""


def differences(world: Followed, query: Query, say: Callable[[str], None]) -> Iterator[Difference]:
    """The answers of a query, then how each transaction changes them.

    Args:
        world: what is asked about.
        query: the query.
        say: told in one line when the answers can't be found after a transaction; they are compared again later.

    Raises:
        QuestionError: the query can't be answered at first.
    """
    watch = Watch(query, world.engine)
    yield [], [plain(row) for row in in_order(watch.rows)]
    for changes in world.changes():
        try:
            gone, come = watch.update(changes)
        except QuestionError as error:
            say(str(error))
            continue
        if gone or come:
            yield [plain(row) for row in gone], [plain(row) for row in come]


def compared(documents: Iterable[Document]) -> Iterator[Difference]:
    """The same from answers that are asked for again and again.

    Args:
        documents: what ``answer`` gives, each later than the one before.
    """
    before: dict[str, list[Any]] = {}
    for number, document in enumerate(documents):
        now = {json.dumps(row): row for row in document["rows"]}
        gone = [row for key, row in before.items() if key not in now]
        come = [row for key, row in now.items() if key not in before]
        before = now
        if gone or come or not number:
            yield gone, come


def lines(columns: Sequence[str], found: Iterable[Difference], options: Mapping[str, Any], form: str) -> Iterator[str]:
    """Differences as lines: ``-`` for what is gone, ``+`` for what has come.

    Args:
        columns: the answers' columns.
        found: the differences; the first is the answers at the beginning.
        options: the verb's.
        form: ``text`` or ``json``.
    """
    left = options["count"]
    for number, (gone, come) in enumerate(found):
        time = datetime.now().astimezone().isoformat(timespec="milliseconds") if options["timestamp"] else ""
        for sign, rows in (("-", gone), ("+", come)):
            for row in rows:
                yield _json(sign, columns, row, time) if form == "json" else _text(sign, columns, row, time)
                if number and left:
                    left -= 1
                    if not left:
                        return
        if number and options["once"]:
            return


def _text(sign: str, columns: Sequence[str], row: list[Any], time: str) -> str:
    values = ", ".join(f"{c}={value_text(v)}" for c, v in zip(columns, row, strict=True))
    return f"{time} {sign} {values or 'true'}".lstrip()


def _json(sign: str, columns: Sequence[str], row: list[Any], time: str) -> str:
    line: dict[str, Any] = {"time": time} if time else {}
    line |= {"change": sign, "row": dict(zip(columns, row, strict=True))}
    return json.dumps(line, ensure_ascii=False)


def answer(world: World, text: str, _options: Mapping[str, Any]) -> Document:
    """All answers of the query now, for ``compared``."""
    return asking.answer(world, text, {"limit": 0})


VERB = Verb(
    name="watch",
    argument="QUERY",
    summary="A query's answer as the network changes.",
    help="Print the answers of a query, then a line for each one that comes (+) or goes (-) as the databases change, "
    f"until it is interrupted.\n\n{asking.HELP}",
    examples=(
        "'Binding(logical_port=port, chassis=chassis)'",
        "--once 'nb.Logical_Port(name=n) & ~PortHolder(n, _)'",
        "--timestamp '(chassis, count(match)) <= OpenFlow(chassis=chassis, match=match)'",
    ),
    answer=answer,
    show=asking.show,
    options=(
        Option("count", "number", 0, "End after so many lines of changes; 0 for never."),
        Option("once", "flag", None, "End after the first transaction that changes the answers."),
        Option("timestamp", "flag", None, "Begin each line with the time when it was printed."),
    ),
)


def _run(
    argument: str,
    nb: str | None,
    sb: str | None,
    ovs: tuple[str, ...],
    program: str | None,
    form: str,
    tls: TlsFiles,
    **options: Any,
) -> None:
    def say(line: str) -> None:
        click.echo(f"ovn-rules: {line}", err=True)

    world = Following(nb, sb, ovs, program, say, tls.tls())
    try:
        if not world.databases:
            raise Failure("files don't change: watch needs a live database; ovn-rules query answers once")
        with one_shot.questioned():
            query = parse_query(world.engine.program, argument)
            world.load()
            for line in lines(query.columns, differences(world, query, say), options, form):
                click.echo(line)
    except KeyboardInterrupt:
        return
    finally:
        world.close()


command = one_shot.command(VERB, _run, network_options)
