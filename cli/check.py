"""``ovn-rules check``: what is wrong with the rules, and how they will run."""

from __future__ import annotations

import click

from ovn_rules.cli.check_database import check_database
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.options import TlsFiles, tls_options
from ovn_rules.cli.places import absolute
from ovn_rules.cli.programs import find_program, program_option
from ovn_rules.engine import Engine, LoadError, Program, inspection
from ovn_rules.engine.sinks import problems


@click.command()
@program_option
@click.option("--relations", is_flag=True, help="List relations with their columns.")
@click.option("--plans", metavar="[RULE]", is_flag=False, flag_value="", help="Show how rules are joined.")
@click.option(
    "--nb", metavar="DB", help="List what a northbound database uses that the rules don't do: exit 1 for any."
)
@tls_options
def check(program: str | None, relations: bool, plans: str | None, nb: str | None, tls: TlsFiles) -> None:
    """Load the rules and every check of them: exit 1 with file, line and caret for each mistake.

    \b
    Examples:
      ovn-rules check
      ovn-rules check --relations
      ovn-rules check --plans deliver_unicast
      ovn-rules check --nb unix:/var/run/ovn/ovnnb_db.sock
    """
    if nb is not None:
        if relations or plans is not None:
            raise click.UsageError("--nb is about a database, --relations and --plans about the rules")
        check_database(absolute(nb), program, tls.tls())
        return
    chosen = find_program(program)
    wrong: list[str] = []
    for role in chosen.roles.values():
        try:
            rules = role.load()
        except LoadError as error:
            raise Failure(f"the rules have mistakes:\n{error}") from error
        for sink in role.sinks:
            columns = [c.name for c in rules.relations[sink.relation].columns]
            wrong += problems(sink, columns, chosen.databases[sink.database].schema)
    if wrong:
        raise Failure("; ".join(wrong))
    rules = chosen.everything.load()
    if relations:
        _list_relations(rules)
    if plans is not None:
        _show_plans(rules, plans)
    if not relations and plans is None:
        strata = inspection.strata(Engine(rules))
        click.echo(
            f"{chosen.name}: {len(rules.clauses)} clauses, {len(rules.derived)} derived relations, "
            f"{len(strata)} strata, "
            f"{sum(r for _, r in strata)} recursive; no mistakes"
        )


def _list_relations(rules: Program) -> None:
    for definition in sorted(rules.relations.values(), key=lambda r: r.name):
        columns = ", ".join(f"{c.name}: {c.type}" for c in definition.columns)
        click.echo(f"{definition.name}({columns})")
        if definition.doc:
            click.echo(f"    {definition.doc.splitlines()[0]}")


def _show_plans(rules: Program, rule: str) -> None:
    text = inspection.plans(Engine(rules), rule or None)
    if not text:
        raise Failure(f"no rule {rule}")
    click.echo(text)
