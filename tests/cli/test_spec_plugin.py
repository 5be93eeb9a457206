"""Spec files in pytest: collected through the plugin, shown as the command shows them."""

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from specs import Folder, run

CASES = """
    - name: One gets on from where a way ends
      given: {Link: [[gate, hall]]}
      expect: {Reach: [[gate, hall]]}
    - name: From $start
      parameters: [{start: gate}, {start: 'the "hall"'}]
      given: {Link: [[$start, tower]]}
      expect: {Reach: [[gate, tower]]}
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with a program, a spec file, and other YAML files."""
    made = Folder(tmp_path)
    made.spec(CASES)
    made.write("other.yaml", "subject: x\n")
    made.write("roads.yml", "templates: {}\n")
    return made


def run_pytest(folder, *arguments):
    """Run pytest in a process of its own."""
    command = [sys.executable, "-m", "pytest", "-p", "ovn_rules.cli.spec.plugin", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=folder.path)


def test_collected(folder):
    """Every case is an item with a name that can be read, and nothing else is."""
    done = run_pytest(folder, "--collect-only", "-q")
    assert done.stdout.splitlines()[:3] == [
        "places.yaml::One gets on from where a way ends [everything]",
        "places.yaml::From gate [everything]",
        'places.yaml::From the "hall" [everything]',
    ]
    assert "\n3 tests collected" in done.stdout


def test_failure(folder, monkeypatch):
    """A failure is what the command prints, and nothing of Python; -k chooses."""
    done = run_pytest(folder, "-q")
    assert done.returncode == 1
    assert "1 failed, 2 passed" in done.stdout
    monkeypatch.chdir(folder.path)
    shown = run("places.yaml").output
    report = shown[shown.index("\n\n") + 2 : shown.rindex("\n\n")]
    assert report in done.stdout
    assert "Traceback" not in done.stdout
    assert ".py:" not in done.stdout.replace("places.py:", "")
    assert "2 passed" in run_pytest(folder, "-q", "-k", "gate or gets").stdout


def test_junit(folder):
    """JUnit's file has every case with its name, and the failure's text."""
    run_pytest(folder, "--junitxml=junit.xml")
    cases = ET.parse(folder.path / "junit.xml").getroot().findall(".//testcase")  # noqa: S314 - pytest has written it
    assert {c.get("name"): c.find("failure") is not None for c in cases} == {
        "One gets on from where a way ends [everything]": False,
        "From gate [everything]": False,
        'From the "hall" [everything]': True,
    }
    (text,) = [c.find("failure").text for c in cases if c.find("failure") is not None]
    assert text.startswith('places.yaml:7: From the "hall" [everything]\n')


def test_mistakes(folder):
    """Mistakes of a file are errors of its collection, a line each; a file that is named is read in any case."""
    folder.spec("- {name: x, gven: {}, expct: {}}")
    done = run_pytest(folder)
    assert done.returncode == 2
    assert "places.yaml:4: no key of a case 'gven'; did you mean 'given'?\n" in done.stdout
    assert "places.yaml:4: no key of a case 'expct'; did you mean 'expect'?\n" in done.stdout
    assert "other.yaml:1: cases is missing\n" in run_pytest(folder, "other.yaml").stdout


def test_light():
    """A run that has no specs imports nothing of this package but the plugin."""
    code = "import sys, ovn_rules.cli.spec.plugin; print(*sorted(m for m in sys.modules if m.startswith('ovn_rules.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "ovn_rules.cli",
        "ovn_rules.cli.spec",
        "ovn_rules.cli.spec.finding",
        "ovn_rules.cli.spec.plugin",
    ]
