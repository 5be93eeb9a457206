"""What users install: the wheel as a complete program, the services, the pinned versions."""

import importlib.metadata
import re
import shutil
import stat
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
UNITS = sorted((ROOT / "packaging" / "systemd").glob("*.service"))


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **options)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def sources(*places):
    """The files of folders and single files, without what Python leaves there."""
    found = [p for place in places for p in ([ROOT / place] if (ROOT / place).is_file() else (ROOT / place).rglob("*"))]
    return [str(p.relative_to(ROOT)) for p in found if p.is_file() and p.suffix != ".pyc"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of the sources so that the clone gets no build folder."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in sources("engine", "io", "cli", "rules", "docs/man", "pyproject.toml", "LICENSE", "README.md"):
        target = folder / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(folder / "source"))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel, tmp_path_factory):
    """The program, installed from the wheel into an environment of its own that sees the dependencies of this one."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(f"{importlib.metadata.distribution('click').locate_file('')}\n")
    # What is installed here must not be taken from the clone by way of this environment's own install.
    pip = [sys.executable, "-m", "pip", f"--python={python}", "--disable-pip-version-check", "--quiet"]
    run(*pip, "install", "--no-deps", "--no-index", "--force-reinstall", "--target", str(site), str(wheel))
    script = folder / "ovn-rules"
    script.write_text(
        f"#!{python}\n"
        "import ovn_rules.engine, ovn_rules.cli.main\n"
        f"assert ovn_rules.engine.__file__.startswith({str(folder)!r}), ovn_rules.engine.__file__\n"
        "ovn_rules.cli.main.main()\n"
    )
    script.chmod(0o755)
    return script


def test_wheel_is_complete(wheel):
    """The wheel holds every source, schema, symbol table and py.typed of the packages, the manual and the licence."""
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if not n.endswith("/")]
    inside = {n.removeprefix("ovn_rules/") for n in names if n.startswith("ovn_rules/")}
    expected = set(sources("engine", "io", "cli", "rules"))
    assert inside == expected
    assert {"rules/ezbake/ovn-nb.ovsschema", "rules/ezbake/switching.py", "rules/lflow/py.typed"} <= inside
    assert any(n.endswith(".dist-info/licenses/LICENSE") for n in names)
    assert any(n.endswith(".data/data/share/man/man1/ovn-rules.1") for n in names)


def test_every_package_is_listed():
    """Each folder with an ``__init__.py`` is a package of pyproject.toml."""
    packages = {
        n.removesuffix("/__init__.py") for n in sources("engine", "io", "cli", "rules") if n.endswith("__init__.py")
    }
    assert set(PROJECT["tool"]["setuptools"]["package-dir"].values()) == packages
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == set(PROJECT["tool"]["setuptools"]["package-dir"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--version"], r"ovn-rules \d+\.\d+\.\d+\n"),
        (["expr", "ip4"], r"(?s).*costs 1 flow\n"),
        (["demo"], r"(?s).*Pipeline.*"),
        (["check"], r"(?s).*"),
    ],
)
def test_installed_program(program, tmp_path, words, expected):
    """The program installed from the wheel works outside of the clone."""
    assert re.fullmatch(expected, run(str(program), *words, cwd=tmp_path))


def test_metadata(wheel):
    """The wheel says name, version, licence, what it needs, and its command."""
    with zipfile.ZipFile(wheel) as archive:
        read = {n.rpartition("/")[2]: archive.read(n).decode() for n in archive.namelist() if ".dist-info/" in n}
    assert re.search(r"^License-Expression: Apache-2.0$", read["METADATA"], re.MULTILINE)
    for requirement in PROJECT["project"]["dependencies"]:
        assert f"Requires-Dist: {requirement}\n" in read["METADATA"]
    assert "ovn-rules = ovn_rules.cli.main:main" in read["entry_points.txt"]
    assert "[pytest11]\novn_rules.cli.spec.plugin = ovn_rules.cli.spec.plugin\n" in read["entry_points.txt"]


def test_licence_is_apache_2():
    """LICENSE is the whole text of the Apache License 2.0."""
    text = " ".join((ROOT / "LICENSE").read_text().split())
    assert text.startswith("Apache License Version 2.0, January 2004")
    assert all(f" {n}. " in text for n in range(1, 10))
    assert "END OF TERMS AND CONDITIONS" in text


def test_constraints_are_exact():
    """constraints.txt pins every package exactly, covers what pyproject.toml asks for, and names no registry."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line) for line in lines)
    pinned = {re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in lines}
    project = PROJECT["project"]
    asked = project["dependencies"] + project["optional-dependencies"]["dev"] + PROJECT["build-system"]["requires"]
    for requirement in asked:
        assert re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", requirement)[0]).lower() in pinned


@pytest.mark.parametrize("unit", UNITS, ids=lambda u: u.stem)
def test_units(unit, tmp_path):
    """Systemd finds nothing wrong with the services, and the program has the commands and options that they start."""
    text = unit.read_text()
    words = re.search(r"^ExecStart=/opt/ovn-rules/bin/ovn-rules (.*)$", text, re.MULTILINE)[1].split()
    (tmp_path / unit.name).write_text(text.replace("/opt/ovn-rules/bin/ovn-rules", "/bin/true"))
    if shutil.which("systemd-analyze"):
        command = ["systemd-analyze", "verify", "--man=no", tmp_path / unit.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, [line for line in done.stderr.splitlines() if unit.name in line]) == (0, [])
    options = [w.partition("=")[0] for w in words if w.startswith("--")]
    command = [sys.executable, "-c", "from ovn_rules.cli.main import main; main()"]
    shown = run(*command, *(w for w in words if not w.startswith(("-", "$"))), "--help")
    assert all(option in shown for option in options)


def test_scripts_are_scripts():
    """The scripts that make and CI call can be run, and bash finds no mistake in them."""
    for name in sources("scripts", ".ci"):
        path = ROOT / name
        assert path.stat().st_mode & stat.S_IXUSR, name
        if path.read_text().startswith("#!/bin/bash"):
            run("bash", "-n", str(path))


def test_no_pattern_that_debians_python_matches_wrongly():
    """No regular expression makes a group possessive or atomic: Python 3.11 before 3.11.5 matches those wrongly."""
    wrong = re.compile(r"(?<!\\)\)(?:[*+?]|\{[\d,]+\})\+|\(\?>")
    found = [
        n for n in sources("engine", "io", "cli", "rules") if n.endswith(".py") and wrong.search((ROOT / n).read_text())
    ]
    assert found == []
