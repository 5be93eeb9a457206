"""Rules of a user's own, from a Python file."""

import json
import subprocess
import textwrap

import pytest
from recorded import PROGRAM, run

from ovn_rules.cli.demo_network import save

AUDIT = '''
    """What an auditor looks for in the northbound database."""

    from pathlib import Path

    from ovn_rules.engine import Database, Relation, column, count, rule
    from ovn_rules.rules import ezbake

    nb = Database("nb", Path(ezbake.__file__).parent / "ovn-nb.ovsschema")


    class Ports(Relation):
        """How many ports a logical switch has."""

        switch: str = column("its name")
        ports: int = column("how many")


    @rule
    def ports(switch, name, port):
        """Every port counts for its switch."""
        Ports(name, count(port)) <= (
            nb.Logical_Switch(_uuid=switch, name=name) & nb.Logical_Port(_uuid=port, lswitch=switch)
        )
'''


@pytest.fixture
def audit(tmp_path):
    """The file of the program."""
    path = tmp_path / "audit.py"
    path.write_text(textwrap.dedent(AUDIT))
    return path


def test_over_a_database(audit, tmp_path):
    """Its relations are derived from any database whose tables it names."""
    nb, *_ = save(tmp_path / "demo")
    done = run("derive", "Ports", "--program", str(audit), "--nb", str(nb), "--format=json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [{"switch": "net-a", "ports": 5}, {"switch": "net-b", "ports": 1}]


def test_check_and_graph(audit):
    """They take it as well."""
    assert run("check", "--program", str(audit)).stdout.startswith("audit: 1 clauses, 1 derived relations")
    assert run("graph", "--program", str(audit)).stdout == "Ports <= nb.Logical_Port, nb.Logical_Switch\n"


MISTAKES = {
    "no rules": ("from nowhere import nothing", "ModuleNotFoundError: No module named 'nowhere'"),
    "no Python": ("class", "SyntaxError"),
    "a mistake in a rule": (
        textwrap.dedent(AUDIT).replace("lswitch=switch", "lswich=switch"),
        "did you mean 'lswitch'?",
    ),
}


@pytest.mark.parametrize(("text", "says"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(tmp_path, text, says):
    """What can't be loaded is said with its place, and no traceback."""
    path = tmp_path / "broken.py"
    path.write_text(text)
    done = run("derive", "Ports", "--program", str(path), "--nb", "nb.db")
    assert (done.returncode, done.stdout) == (1, "")
    assert "broken.py" in done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("name", "says"), [("ezbak", "did you mean 'ezbake'?"), ("nowhere.py", "No such file")])
def test_no_such_program(name, says):
    """A misspelt name, or a file that isn't there."""
    done = run("check", "--program", name)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert name in done.stderr
    assert says in done.stderr


def test_no_daemon(audit):
    """A daemon needs to know what to write where."""
    for role in ("northd", "controller"):
        done = run("daemon", role, "--program", str(audit))
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert "doesn't say what is written where" in done.stderr


ROWS = """
nb.Logical_Switch: [sw0]
nb.Logical_Port:
  a: {lswitch: sw0}
  b: {lswitch: sw0}
"""


def test_facts_from_a_file(audit, tmp_path):
    """Rows and facts need no database."""
    facts = tmp_path / "facts.yaml"
    facts.write_text(ROWS)
    done = run("derive", "Ports", "--program", str(audit), "--facts", str(facts), "--format=json")
    assert (json.loads(done.stdout), done.stderr) == ([{"switch": "sw0", "ports": 2}], "")


def test_facts_in_a_session(audit, tmp_path):
    """The REPL takes them too, and reads them again when it is told to."""
    facts = tmp_path / "facts.yaml"
    facts.write_text(ROWS)
    script = "query Ports(name, n)\nreload\nquery --format json Ports(name, n)\n"
    arguments = [*PROGRAM, "repl", "--program", str(audit), "--facts", str(facts)]
    session = subprocess.run(arguments, input=script, capture_output=True, text=True, check=True)
    assert session.stdout.splitlines()[:2] == ["name  n", "sw0   2"]
    assert "read again: 0 facts came, 0 went" in session.stdout


def test_facts_beside_a_database(audit, tmp_path):
    """They come on top of what databases hold."""
    nb, *_ = save(tmp_path / "demo")
    facts = tmp_path / "facts.yaml"
    facts.write_text(ROWS)
    asked = ("derive", "Ports", "--program", str(audit), "--nb", str(nb), "--facts", str(facts), "--format=json")
    assert {o["switch"]: o["ports"] for o in json.loads(run(*asked).stdout)} == {"net-a": 5, "net-b": 1, "sw0": 2}


WRONG_FACTS = {
    "a table": ("nb.Logical_Prt: [a]", ":1: no table of nb 'Logical_Prt'; did you mean 'Logical_Port'?"),
    "a reference": (ROWS.replace("b: {lswitch: sw0}", "b: {lswitch: sw1}"), "lswitch refers to 'sw1', which is no row"),
    "a derived relation": ("Ports: [[a, 1]]", ":1: Ports is derived by rules; its facts can't be given"),
    "no YAML": ("{", "not YAML"),
}


@pytest.mark.parametrize(("text", "says"), WRONG_FACTS.values(), ids=WRONG_FACTS)
def test_wrong_facts(audit, tmp_path, text, says):
    """One line with file, line and reason."""
    facts = tmp_path / "facts.yaml"
    facts.write_text(text)
    done = run("derive", "Ports", "--program", str(audit), "--facts", str(facts))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "facts.yaml:" in done.stderr
    assert says in done.stderr


def test_no_such_file_of_facts(audit):
    """It is named."""
    done = run("derive", "Ports", "--program", str(audit), "--facts", "nowhere.yaml")
    assert (done.returncode, done.stderr) == (1, "ovn-rules: nowhere.yaml: No such file or directory\n")
