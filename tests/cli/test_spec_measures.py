"""What ``ovn-rules spec`` says of rules in figures: coverage and mutation score."""

import re
import textwrap
from pathlib import Path

import pytest
from recorded import run

RULES = '''
    from ovn_rules.engine import Relation, column, rule


    class Given(Relation):
        """A number."""

        number: int = column("the number")


    class Shut(Relation):
        """A number that doesn't count."""

        number: int = column("the number")


    class Large(Relation):
        """What is more than three."""

        number: int = column("the number")


    @rule
    def large(number):
        """More than three."""
        Large(number) <= Given(number) & (number > 3) & ~Shut(number)
'''
NORTHD = (str(Path(__file__).parents[1] / "spec/ezbake/bindings.yaml"), "--role", "northd")
HEAD = """
    subject: Numbers
    program: numbers.py
    roles: [everything]
    cases:
"""
CASES = {
    "small": """
      - name: Three is not large
        given:
          Given: [[3]]
        expect:
          Large: none
    """,
    "large": """
      - name: Four is
        given:
          Given: [[4]]
        expect:
          Large: [[4]]
    """,
    "shut": """
      - name: What is shut isn't
        given:
          Given: [[5], [6]]
          Shut: [[5]]
        expect:
          Large: [[6]]
    """,
}


@pytest.fixture
def measured(tmp_path):
    """Runs the command over some of the cases."""
    (tmp_path / "numbers.py").write_text(textwrap.dedent(RULES))

    def measure(names, *arguments):
        text = textwrap.dedent(HEAD) + "".join(textwrap.indent(textwrap.dedent(CASES[n]), "  ") for n in names)
        (tmp_path / "spec.yaml").write_text(text)
        return run("spec", str(tmp_path / "spec.yaml"), *arguments)

    return measure


def test_coverage(measured):
    """What was never derived or reached is named with its place, and decides what --fail-under says."""
    done = measured(["small"], "--coverage", "--fail-under", "50")
    assert done.returncode == 0
    assert re.search(r"numbers.py:\d+: rule large: its head was never derived\n", done.stdout)
    assert "    never reached: ~Shut(number=number)" in done.stdout
    assert "coverage 50.0 %: 0 of 1 heads derived, 2 of 3 literals reached" in done.stdout
    failing = measured(["small"], "--coverage", "--fail-under", "50.1")
    assert (failing.returncode, failing.stderr) == (1, "ovn-rules: coverage is 50.0 %, less than 50.1 %\n")
    assert "coverage 100.0 %" in measured(["large"], "--coverage", "--fail-under", "100").stdout


def test_mutation(measured):
    """A mutant is killed when a case fails; what survives is named with its place."""
    done = measured(["large"], "--mutate")
    assert done.returncode == 0
    survivors = [line.partition("survives: ")[2] for line in done.stdout.splitlines() if "survives: " in line]
    assert survivors == ["large: dropped number > 3", "large: dropped ~Shut(number=number)"]
    assert "mutation score 66.7 %: 4 of 6 mutants killed, 0 explained, 2 survive" in done.stdout
    failing = measured(["large"], "--mutate", "--fail-under", "67")
    assert (failing.returncode, failing.stderr) == (1, "ovn-rules: mutation score is 66.7 %, less than 67 %\n")


def test_every_mutant_killed(measured):
    """Cases for each literal kill all."""
    done = measured(CASES, "--mutate", "--fail-under", "100")
    assert (done.returncode, done.stderr) == (0, "")
    assert "mutation score 100.0 %: 6 of 6 mutants killed" in done.stdout


def test_explained(measured, tmp_path):
    """A survivor that is explained is told apart; an explanation of what is killed is stale."""
    (tmp_path / "why.yaml").write_text('"large: dropped number > 3": because\n"large: gone": it was there once\n')
    done = measured(["large"], "--mutate", "--explained", str(tmp_path / "why.yaml"))
    assert "explained: large: dropped number > 3\n    because" in done.stdout
    assert "explained, but killed or no mutant any more: large: gone" in done.stdout
    assert "4 of 6 mutants killed, 1 explained, 1 survive" in done.stdout


def test_a_fault_that_shows_without_rows(tmp_path):
    """What would follow from nothing is noticed by a case that doesn't put the rule to work."""
    (tmp_path / "doors.py").write_text(
        textwrap.dedent('''
        from ovn_rules.engine import Relation, column, rule


        class Alarm(Relation):
            """What is wrong."""

            what: str = column("in a word")


        class Shut(Relation):
            """Doors that are shut."""

            which: str = column("which they are")


        @rule
        def shut():
            """A fire shuts all doors."""
            Shut("all") <= Alarm("fire")
    ''')
    )
    (tmp_path / "doors.yaml").write_text(
        textwrap.dedent("""
        subject: Doors
        program: doors.py
        cases:
          - name: A fire shuts them
            given:
              Alarm: [[fire]]
            expect:
              Shut: [[all]]
          - name: Else they are open
            expect:
              Shut: none
    """)
    )
    done = run("spec", str(tmp_path / "doors.yaml"), "--mutate")
    assert "mutation score 100.0 %: 5 of 5 mutants killed" in done.stdout, done


def test_within(tmp_path):
    """Only the named modules' mutants are tried, and explanations of the others' are left alone."""
    (tmp_path / "why.yaml").write_text(
        "\n".join(
            f'"{name}": because' for name in ("held_elsewhere: rule dropped", "up: rule dropped", "gone: rule dropped")
        )
    )
    modules = ["rules/ezbake/holders.py", "rules/ezbake/switching.py"]
    within = [word for module in modules for word in ("--within", module)]
    done = run("spec", *NORTHD, "--mutate", "--explained", str(tmp_path / "why.yaml"), *within)
    lines = done.stdout.splitlines()
    assert {line.partition(":")[0] for line in lines if "survives: " in line} == set(modules), done
    stale = [line.partition("any more: ")[2] for line in lines if line.startswith("explained, but")]
    assert stale == ["held_elsewhere: rule dropped", "gone: rule dropped"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--mutate", "--within", "holders.py"], "--within: no rule stands in holders.py; there are rules in rules/"),
        (["--within", "rules/ezbake/holders.py"], "--within says where to make faults: it goes with --mutate"),
    ],
)
def test_wrong_within(arguments, says):
    """A module without rules, or no faults at all, is told in one line."""
    done = run("spec", *NORTHD, *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert says in done.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[a]", "why.yaml:1: a mapping of mutants to reasons"),
        ("a: []", "why.yaml:1: a reason is a text"),
        ("{", "not YAML"),
    ],
)
def test_wrong_explanations(measured, tmp_path, text, says):
    """The file's mistakes are one line each."""
    (tmp_path / "why.yaml").write_text(text)
    done = measured(["large"], "--mutate", "--explained", str(tmp_path / "why.yaml"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert says in done.stderr
