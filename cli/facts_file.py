"""Facts and rows in a YAML file, for rules that no database feeds and for networks that nobody has built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.spec.document import Mistakes, SpecError, parse
from ovn_rules.cli.spec.programs import rules_of
from ovn_rules.cli.spec.reader import read_text
from ovn_rules.cli.spec.rows import RowReader, State
from ovn_rules.engine.tables import facts_of

if TYPE_CHECKING:
    from ovn_rules.engine import Fact, Program


def read_facts(path: str, program: Program, name: str) -> dict[str, list[Fact]]:
    """Relation → facts, from a file that has what a rule spec has under ``given`` (docs/specs.md, "Rows").

    Args:
        path: the file.
        program: the rules that read them; facts of relations that it doesn't have are passed over.
        name: what ``--program`` calls the program.

    Raises:
        Failure: it can't be read, or says what no database would hold; one line for each mistake.
    """
    mistakes = Mistakes(path)
    state = State()
    try:
        node = parse(read_text(Path(path)), path)
        reader = RowReader(rules_of(name), ("everything",), {}, mistakes)
        reader.apply(state, "insert", node, {})
        reader.check_references(state, node.line)
        for key, _ in node.pairs:
            if key.text in program.derived:
                mistakes.add(key.line, f"{key.text} is derived by rules; its facts can't be given")
        mistakes.raise_any()
    except SpecError as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error
    facts = facts_of(program, {table: list(rows.values()) for table, rows in state.rows.items()})
    return facts | {relation: sorted(given) for relation, given in state.facts.items()}
