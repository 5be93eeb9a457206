"""``ovn-rules spec``: what the rules promise, held to it."""

from __future__ import annotations

import difflib
import re
import sys
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.rule_source import rule_file
from ovn_rules.cli.spec.accept import rewrite
from ovn_rules.cli.spec.document import SpecError
from ovn_rules.cli.spec.finding import is_spec
from ovn_rules.cli.spec.measured import coverage_text, mutation_text
from ovn_rules.cli.spec.mutation import read_explanations, score
from ovn_rules.cli.spec.reader import Case, SpecFile, read_spec
from ovn_rules.cli.spec.render import rendered
from ovn_rules.cli.spec.report import reasons, report
from ovn_rules.cli.spec.runner import Result, run_cases
from ovn_rules.cli.spec.watch import watch
from ovn_rules.engine import LoadError
from ovn_rules.engine.coverage import Coverage
from ovn_rules.engine.errors import listed, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

DEFAULT = "tests/spec"
"""Where specs are looked for when no path is given."""


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--run", "pattern", metavar="REGEX", help="Only cases whose name, or whose file's name, fits.")
@click.option("--role", "roles", metavar="ROLE", multiple=True, help="Only in this role; may be given several times.")
@click.option("--accept", is_flag=True, help="Show how the files would say what is, and rewrite them.")
@click.option("--yes", is_flag=True, help="With --accept, don't ask.")
@click.option("--watch", "watching", is_flag=True, help="Run again whenever a spec or a rule module changes.")
@click.option("--coverage", is_flag=True, help="Tell which heads were never derived and which literals never reached.")
@click.option("--mutate", is_flag=True, help="Try small faults in the rules, and tell which no case notices.")
@click.option(
    "--within",
    metavar="MODULE",
    multiple=True,
    help="With --mutate: only faults in this module, say rules/ovn/dns.py; may be given several times.",
)
@click.option(
    "--explained",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="With --mutate: mutants that nobody can notice.",
)
@click.option(
    "--fail-under",
    metavar="PERCENT",
    type=click.FloatRange(0, 100),
    default=0.0,
    help="Fail when coverage, or the mutation score, is less.",
)
@click.option("--render", "rendering", is_flag=True, help="Print the files as a reference in Markdown.")
@click.option("-v", "--verbose", is_flag=True, help="Name every case.")
def spec(
    paths: tuple[Path, ...],
    pattern: str | None,
    roles: tuple[str, ...],
    accept: bool,
    yes: bool,
    watching: bool,
    coverage: bool,
    mutate: bool,
    within: tuple[str, ...],
    explained: Path | None,
    fail_under: float,
    rendering: bool,
    verbose: bool,
) -> None:
    """Run the cases of spec files: what must follow from which rows, step by step.

    PATHS are files, or folders whose YAML files with a subject, a program and cases are taken (default: tests/spec).

    \b
    Examples:
      ovn-rules spec
      ovn-rules spec tests/spec/ezbake/acls.yaml --run 'drop|reject' -v
      ovn-rules spec --role northd --watch
      ovn-rules spec --accept
      ovn-rules spec --coverage --fail-under 100
      ovn-rules spec --mutate --explained tests/spec/ezbake/explained.yaml --fail-under 95
      ovn-rules spec tests/spec/ovn --mutate --within rules/ovn/dns.py
    """
    if within and not mutate:
        raise Failure("--within says where to make faults: it goes with --mutate")
    found = spec_paths(paths)
    if watching:
        if accept or rendering or mutate:
            raise Failure("--watch runs the cases again and again; it doesn't go with --accept, --render and --mutate")
        again = _arguments(paths, pattern, roles, fail_under, verbose=verbose, coverage=coverage)
        watch(paths or (Path(DEFAULT),), again)
    files = read_all(found)
    if rendering:
        click.echo(rendered(files), nl=False)
        return
    cases = [c for f in files for c in chosen(f, pattern, roles)]
    if not cases:
        raise Failure("no case is like that" if pattern or roles else "there are no cases")
    programs = mutated(cases, within) if mutate else []
    observed = Coverage() if coverage else None
    fine = accepted(files, cases, ask=not yes) if accept else not run(cases, observed, verbose=verbose)
    if not fine:
        raise SystemExit(1)
    figures = [("coverage", measure(observed))] if observed is not None else []
    if mutate:
        figures += [("mutation score", each) for each in mutation(programs, within, explained)]
    for what, percent in figures:
        if percent < fail_under:
            raise Failure(f"{what} is {percent:.1f} %, less than {fail_under:g} %")


def _arguments(
    paths: Sequence[Path],
    pattern: str | None,
    roles: Sequence[str],
    fail_under: float,
    *,
    verbose: bool,
    coverage: bool,
) -> list[str]:
    """The command's arguments, without --watch."""
    flags = [*(["-v"] if verbose else []), *(["--coverage"] if coverage else [])]
    given = [*map(str, paths), *flags, f"--fail-under={fail_under}", *(f"--role={role}" for role in roles)]
    return [*given, f"--run={pattern}"] if pattern else given


def spec_paths(paths: Sequence[Path]) -> list[Path]:
    """The spec files that paths stand for.

    Raises:
        Failure: a path isn't there, or there is no spec in it.
    """
    found: list[Path] = []
    for path in paths or (Path(DEFAULT),):
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*.y*ml") if is_spec(p))
            if not inside:
                raise Failure(f"{path}: no YAML file in it has a subject, a program and cases")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise Failure(f"{path}: no such file or folder")
    return list(dict.fromkeys(found))


def read_all(paths: Sequence[Path]) -> list[SpecFile]:
    """Spec files.

    Raises:
        Failure: they have mistakes: a line for each, of all files.
    """
    files, wrong = [], []
    for path in paths:
        try:
            files.append(read_spec(path))
        except SpecError as error:
            wrong += error.lines
        except LoadError as error:
            raise Failure(f"the rules have mistakes:\n{error}") from error
    if wrong:
        raise Failure("\n".join(["the specs have mistakes:", *wrong]) if len(wrong) > 1 else wrong[0])
    return files


def chosen(file: SpecFile, pattern: str | None, roles: Sequence[str]) -> list[Case]:
    """The cases of a file that are to run, in the roles that are to run.

    Raises:
        Failure: the pattern is no regular expression, or there is no such role.
    """
    try:
        wanted = re.compile(pattern or "")
    except re.error as error:
        raise Failure(f"--run: {pattern!r} is not a regular expression: {error}") from None
    for role in roles:
        if role not in file.rules.loaders:
            raise Failure(f"--role: {file.rules.name} has no role {role}; it has {', '.join(file.rules.loaders)}")
    found = [c for c in file.cases if wanted.search(c.title) or wanted.search(file.path.name)]
    if roles:
        found = [replace(c, roles=tuple(r for r in c.roles if r in roles)) for c in found]
    return [c for c in found if c.roles]


def run(cases: Sequence[Case], observed: Coverage | None, *, verbose: bool) -> list[Result]:
    """Run cases, a line a file and a dot a run, then the failures; those that failed."""
    failed: list[Result] = []
    total = 0
    results = run_cases(cases, observe=observed.observe if observed else None, explain=reasons)
    for path, mine in groupby(results, _file):
        click.echo(f"{shown_path(str(path))} ", nl=verbose)
        for result in mine:
            total += 1
            if verbose:
                click.echo(f"  {'FAILED' if result.misses else 'ok':6}  {result.case.title} [{result.role}]")
            else:
                click.echo("F" if result.misses else ".", nl=False)
            if result.misses:
                failed.append(result)
        click.echo("", nl=not verbose)
    for result in failed:
        click.echo(f"\n{report(result)}")
    said = f"{len(failed)} of {total} fail" if failed else f"all {total} hold"
    click.echo(f"\n{said}")
    return failed


def _file(result: Result) -> Path:
    return result.case.file


def measure(observed: Coverage) -> float:
    """Print what coverage says; its percentage."""
    for line in coverage_text(observed):
        click.echo(line)
    return observed.percent()


def mutated(cases: Sequence[Case], within: Sequence[str]) -> list[list[Case]]:
    """The cases of each program whose mutants are to be tried: of those with one of the modules, if any are named.

    Raises:
        Failure: no program has such a module.
    """
    by_program: dict[str, list[Case]] = {}
    for case in cases:
        by_program.setdefault(case.rules.name, []).append(case)
    if not within:
        return list(by_program.values())
    modules = {
        name: {rule_file(c) for case in mine for role in case.roles for c in case.rules.program(role).clauses}
        for name, mine in by_program.items()
    }
    known = sorted(set().union(*modules.values()))
    for module in within:
        if module not in known:
            raise Failure(f"--within: no rule stands in {module}; there are rules in {listed(known)}")
    return [mine for name, mine in by_program.items() if modules[name].intersection(within)]


def mutation(programs: Iterable[Sequence[Case]], within: Sequence[str], explained: Path | None) -> Iterator[float]:
    """Try the mutants of programs, and print what became of them; their scores.

    Args:
        programs: each one's cases.
        within: the modules whose mutants are tried; empty for all.
        explained: a file of explanations.

    Raises:
        Failure: the file of explanations can't be read.
    """
    try:
        reasons = read_explanations(explained) if explained is not None else {}
    except SpecError as error:
        raise Failure("\n".join(error.lines)) from None
    for mine in programs:
        with click.progressbar(length=0, label="mutants", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

            def progress(done: int, total: int, bar: Any = bar) -> None:
                bar.length = total
                bar.update(done - bar.pos)

            found = score(mine, reasons, within, progress)
        for line in mutation_text(found):
            click.echo(line)
        yield found.percent()


def accepted(files: Sequence[SpecFile], cases: Sequence[Case], *, ask: bool) -> bool:
    """Rewrite expectations to what is, after showing how; whether all of them say it now.

    Raises:
        Failure: there is nobody to ask.
    """
    fine = True
    by_path = {file.path: file for file in files}
    for path, results in groupby(run_cases(cases, keep_going=True), _file):
        file = by_path[path]
        new = rewrite(file, results)
        for line in new.refused:
            click.echo(line)
        fine = fine and not new.refused
        if new.text == file.text:
            continue
        name = shown_path(str(file.path))
        before, after = (text.splitlines(keepends=True) for text in (file.text, new.text))
        click.echo("".join(difflib.unified_diff(before, after, name, f"{name}, as it is")), nl=False)
        if ask and not sys.stdin.isatty():
            raise Failure("--accept asks before it writes, and there is no terminal to ask on: give --yes")
        if ask and not click.confirm(f"Rewrite {name}?"):
            fine = False
            continue
        file.path.write_text(new.text, encoding="utf-8")
        click.echo(f"{name} is rewritten")
    return fine
