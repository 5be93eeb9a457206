"""A pytest plugin: every case of a spec file is a test, once in each of its roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ovn_rules.cli.spec.finding import SUFFIXES, is_spec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ovn_rules.cli.spec.reader import Case
    from ovn_rules.cli.spec.runner import Runner

_RUNNERS = pytest.StashKey[dict[tuple[object, str], "Runner"]]()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collects spec files; a YAML file that is named on the command line is one in any case."""
    named = file_path.suffix in SUFFIXES and parent.session.isinitpath(file_path)
    return SpecCollector.from_parent(parent, path=file_path) if named or is_spec(file_path) else None


class SpecCollector(pytest.File):
    """A spec file."""

    def collect(self) -> Iterable[SpecItem]:
        """Its cases, in each of their roles."""
        from ovn_rules.cli.spec.document import SpecError  # noqa: PLC0415 - only where there are specs
        from ovn_rules.cli.spec.reader import read_spec  # noqa: PLC0415 - likewise
        from ovn_rules.engine import LoadError  # noqa: PLC0415 - likewise

        try:
            cases = read_spec(self.path).cases
        except (SpecError, LoadError, OSError) as error:
            raise self.CollectError(str(error)) from None
        for case in cases:
            for role in case.roles:
                yield SpecItem.from_parent(self, name=f"{case.title} [{role}]", case=case, role=role)


class SpecFailure(Exception):  # noqa: N818 - pytest shows its text, nobody catches it
    """A case that doesn't hold: expected against actual, and why."""


class SpecItem(pytest.Item):
    """A case in a role."""

    def __init__(self, *, case: Case, role: str, **others: Any) -> None:
        """Takes the case, the role, and what pytest needs."""
        super().__init__(**others)
        self.case = case
        self.role = role

    def runtest(self) -> None:
        """Runs the case.

        Raises:
            SpecFailure: it doesn't hold.
        """
        from ovn_rules.cli.spec.report import reasons, report  # noqa: PLC0415 - only where there are specs
        from ovn_rules.cli.spec.runner import Runner  # noqa: PLC0415 - likewise

        runners = self.session.config.stash.setdefault(_RUNNERS, {})
        key = (self.case.rules, self.role)
        if key not in runners:
            runners[key] = Runner(self.case.rules, self.role, explain=reasons)
        result = runners[key].run(self.case)
        if result.misses:
            raise SpecFailure(report(result))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The report of a case that doesn't hold; of anything else, what pytest makes of it."""
        if isinstance(excinfo.value, SpecFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the case stands, the line counted from 0."""
        return self.path, self.case.line - 1, self.name
