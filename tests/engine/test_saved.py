"""Programs kept beside the byte code: they save the loading, and are never those of other sources."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ovn_rules.cli.programs import SHIPPED, find_program
from ovn_rules.engine import Engine, Program, frontend, load, saved

ROOT = Path(__file__).parents[2]
ROLES = [(name, role) for name in SHIPPED for role in ("northd", "controller", "everything")]

START = """
import sys
from ovn_rules.engine import Engine, frontend, saved
from ovn_rules.rules.ezbake.programs import NORTHD
load = frontend.load
def noticed(*things, **options):
    print("read")
    return load(*things, **options)
frontend.load = noticed
{before}
program = NORTHD.load()
Engine(program).transact({{}})
print([(c.name, c.location) for c in program.clauses])
"""
"""Loads a role of the package, says whether its rules were read, and where they are."""


@pytest.fixture
def package(tmp_path):
    """A copy of the package's engine and rules."""
    for name in ("engine", "rules"):
        shutil.copytree(ROOT / name, tmp_path / "ovn_rules" / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    return tmp_path


def begin(package, before="", **environment):
    time.sleep(0.15)  # what was written just before a start might not be what was imported
    plain = {n: v for n, v in os.environ.items() if n not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")}
    return subprocess.Popen(
        [sys.executable, "-c", START.format(before=before)],
        env={**plain, "PYTHONPATH": str(package), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert not err
    lines = out.splitlines()
    return lines[0] == "read", lines[-1]


def start(package, before="", **environment):
    """Whether a process reads the rules, and where they are."""
    return end(begin(package, before, **environment))


def kept(package):
    folder = package / "ovn_rules" / "rules" / "__pycache__"
    return sorted(folder.glob("program-*"))


def edit(path, old, new):
    """Changes a file, but not its size nor its time."""
    assert len(old) == len(new)
    text = path.read_text()
    assert old in text
    times = path.stat()
    path.write_text(text.replace(old, new))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize(("name", "role"), ROLES)
def test_what_was_kept_is_the_program(name, role, monkeypatch, tmp_path):
    role = find_program(name).roles[role]
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(saved, "_started", time.time)
    first = role.load()
    monkeypatch.setattr(frontend, "load", lambda *_, **__: pytest.fail("the rules are read again"))
    second = role.load()
    plain = load(*role.modules, extra_columns=role.names)
    assert first == second == plain == Program(plain.relations, plain.clauses)
    assert [c.location for c in second.clauses] == [c.location for c in plain.clauses]
    known = dict(second.functions)
    Engine(second)
    assert second.functions == known  # none had to be generated
    Engine(plain)
    assert list(plain.functions) == list(known)
    for place, function in plain.functions.items():
        function.compile()
        assert function == known[place]


def test_other_columns_are_another_program(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(saved, "_started", time.time)
    role = find_program("ezbake").northd
    wide = replace(role, names={"nb.Logical_Port": ("*",)})
    for each in (role, wide) * 2:
        assert each.load() == load(*each.modules, extra_columns=each.names)
    assert role.load() != wide.load()


def test_rules_are_read_by_the_first_start_alone(package):
    read, first = start(package)
    assert read
    (path,) = kept(package)
    assert path.suffix == ".pyc"
    assert path.stat().st_mode == (ROOT / "engine" / "saved.py").stat().st_mode
    assert start(package) == (False, first)


def test_a_changed_rule_is_read(package):
    _, first = start(package)
    edit(package / "ovn_rules/rules/ezbake/addresses.py", "invalid syntax", "another syntax")
    read, second = start(package)
    assert read
    assert second != first
    assert start(package) == (False, second)


def test_what_rules_import_counts(package):
    _, first = start(package)
    edit(package / "ovn_rules/rules/lflow/openflow.toml", "# ", "#!")
    assert start(package) == (True, first)


def test_a_changed_engine_reads_the_rules(package):
    _, first = start(package)
    edit(package / "ovn_rules/engine/codegen.py", "interpret", "Interpret")
    assert start(package) == (True, first)


def test_a_moved_package_names_its_own_files(package, tmp_path_factory):
    start(package)
    other = tmp_path_factory.mktemp("moved") / "here"
    package.rename(other)
    assert start(other)[0]


@pytest.mark.parametrize(
    "before",
    ["sys.version += '+'", "saved.MAGIC_NUMBER = b'1234'", "pass"],
    ids=["version", "byte code", "the same"],
)
def test_another_python_reads_the_rules(package, before):
    _, first = start(package)
    assert start(package, before) == (before != "pass", first)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:20] + b"?" + content[21:],
        lambda content: content[:-40] + b"?" + content[-39:],
    ],
    ids=["empty", "half", "seal", "a byte"],
)
def test_damage_costs_a_reading(package, damage):
    _, first = start(package)
    (path,) = kept(package)
    path.write_bytes(damage(path.read_bytes()))
    assert start(package) == (True, first)
    assert start(package) == (False, first)


def test_where_nothing_can_be_written_rules_are_read_each_time(package, tmp_path):
    (tmp_path / "file").touch()
    for _ in range(2):
        assert start(package, PYTHONPYCACHEPREFIX=str(tmp_path / "file"))[0]


def test_nothing_is_kept_when_python_is_to_keep_nothing(package):
    assert start(package, PYTHONDONTWRITEBYTECODE="1")[0]
    assert not kept(package)
    start(package)
    assert not start(package, PYTHONDONTWRITEBYTECODE="1")[0]


def test_it_is_kept_where_byte_code_is(package, tmp_path):
    assert start(package, PYTHONPYCACHEPREFIX=str(tmp_path / "there"))[0]
    assert not kept(package)
    assert list((tmp_path / "there").rglob("program-*.pyc"))
    assert not start(package, PYTHONPYCACHEPREFIX=str(tmp_path / "there"))[0]


def test_starts_at_once_leave_one_whole_file(package):
    _, first = start(package, PYTHONDONTWRITEBYTECODE="1")
    for process in [begin(package) for _ in range(4)]:
        assert end(process)[1] == first
    assert len(kept(package)) == 1
    assert start(package) == (False, first)


def test_an_upgrade_during_a_start_is_not_kept(package):
    path = package / "ovn_rules/rules/ezbake/stages.py"
    upgrade = f"from pathlib import Path; p = Path({str(path)!r}); p.write_text(p.read_text() + '\\n# new\\n')"
    assert start(package, upgrade)[0]
    assert not kept(package)
    start(package)
    assert start(package, upgrade)[0]  # nor is what was kept taken: who knows what of it was imported


def test_a_users_own_rules_are_not_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "there"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "own.py"
    path.write_text("from ovn_rules.engine import Relation, rule\n\n\nclass A(Relation):\n    a: int\n")
    find_program(str(path)).everything.load()
    assert not list(tmp_path.rglob("program-*"))
