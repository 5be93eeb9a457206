"""What is printed of a case that doesn't hold: expected against actual, and why it is so."""

import textwrap

import pytest
from specs import Folder, run

from ovn_rules.cli.spec import world
from ovn_rules.cli.spec.reader import read_spec
from ovn_rules.cli.spec.runner import Runner, run_cases
from ovn_rules.engine import RuleFailure


@pytest.fixture
def folder(tmp_path):
    """A folder with a program."""
    return Folder(tmp_path)


def printed(folder, case):
    """What is said of a case that fails, from the line about the step on, without the path."""
    path = folder.spec("- name: x\n" + textwrap.indent(textwrap.dedent(case).lstrip("\n"), "  "))
    result = run(path)
    assert result.exit_code == 1, result.output
    lines = result.output.replace(str(path), "FILE").splitlines()
    assert lines[:3] == ["FILE F", "", "FILE:4: x [everything]"]
    assert lines[-2:] == ["", "1 of 1 fail"]
    return lines[3:-2]


def test_expected_against_actual(folder):
    """A table of what was expected, what is missing marked -, what shouldn't be there +; with why and whynot."""
    lines = printed(
        folder,
        """
        given:
          Link: [[gate, hall], [hall, tower]]
        expect:
          Reach(start=gate): |
            end
            hall
            cellar
        """,
    )
    assert lines[:5] == [
        "  FILE:8: after what is given: Reach(start=gate) is not as expected",
        "      end",
        "      hall",
        "    - cellar",
        "    + tower",
    ]
    why, not_there = "\n".join(lines[5:]).split("✗ no Reach", 1)
    assert "Reach(start='gate', end='tower')\n" in why
    assert "rule reach#2  One gets to where a way ends, and on from there, unless the place is closed." in why
    assert "Link(start='hall', end='tower')" in why
    assert not_there.startswith("(start='gate', end='cellar')\n")
    assert "no Link(start='gate', end='cellar')" in not_there


def test_columns_that_were_left_out(folder):
    """What shouldn't be there is shown in the columns that were named; a row with fewer has _ there."""
    lines = printed(
        folder,
        """
        given: {Link: [[gate, hall]]}
        expect: |
          Reach(start=hall)
          Reach(start=cellar, end=attic)
        """,
    )
    assert lines[1:5] == ["      start  | end", "    - hall   | _", "    - cellar | attic", "    + gate   | hall"]


def test_changes(folder):
    """Signs stay; a fact that was there before hasn't come, and that is explained."""
    lines = printed(
        folder,
        """
        given: {Link: [[gate, hall], [gate, tower]]}
        steps:
          - name: a way is built
            insert: {Link: [[gate, cellar]]}
            changes:
              Reach: |
                ± start | end
                + gate  | hall
                - gate  | tower
                - gate  | cellar
        """,
    )
    assert lines[:6] == [
        "  FILE:10: after a way is built: Reach is not as expected",
        "      ± start | end",
        "    - + gate  | hall",
        "    - - gate  | tower",
        "    - - gate  | cellar",
        "    + + gate  | cellar",
    ]
    assert "      there before:" in lines
    assert "      Reach(start='gate', end='hall')" in lines


def test_still_there(folder):
    """What should have gone and hasn't is explained."""
    lines = printed(
        folder,
        """
        given: {Link: [[gate, hall]]}
        steps:
          - insert: {Closed: [attic]}
            changes: |
              - Reach(gate, hall)
        """,
    )
    assert lines[1:4] == ["      ± start | end", "    - - gate  | hall", "      still there:"]


def test_gone(folder):
    """Why what went is not there."""
    lines = printed(
        folder,
        """
        given: {Link: [[gate, hall]]}
        steps:
          - insert: {Closed: [hall]}
            changes: none
        """,
    )
    assert lines[0] == "  FILE:8: after step 1: changes is not as expected"
    assert "    + - Reach(start='gate', end='hall')" in lines
    assert any("Closed(" in line and "✗" in line for line in lines[4:])


def test_absent(folder):
    """What should be absent is shown with why it is there."""
    lines = printed(folder, "given: {Link: [[gate, hall]]}\nabsent: |\n  Reach(start=gate)\n")
    assert lines[1:3] == ["      start | end", "    + gate  | hall"]
    assert "rule reach" in "\n".join(lines[3:])


def test_includes_and_problems(folder):
    """Of what is included only what is missing counts; problems are lines."""
    lines = printed(folder, "given: {Link: [[gate, hall]]}\nincludes: {Reach: [[gate, hall], [gate, attic]]}\n")
    assert lines[1:4] == ["      start | end", "      gate  | hall", "    - gate  | attic"]
    path = folder.write(
        "rows.yaml",
        textwrap.dedent("""
        subject: x
        program: ezbake
        roles: [northd]
        cases:
          - name: x
            given:
              nb.Logical_Switch: [sw0]
              nb.Logical_Port: {a: {lswitch: sw0, macs: [rubbish]}}
            problems: ["b: rubbish"]
        """),
    )
    lines = run(path).output.splitlines()
    assert lines[4:6] == ["    - b: rubbish", "    + a: invalid syntax 'rubbish' in macs column"]


def test_conflicts_and_exhausted(folder):
    """They are shown as relations are."""
    height = "Height: [[hall, 10], [tower, 20]]"
    lines = printed(folder, f"given: {{Link: [[gate, hall], [gate, tower]], {height}}}\nconflicts: none\n")
    assert lines[1:] == ["    + - Top(start='gate', part=100)", "    + + Top(start='gate', part=50)"] or lines[1:] == [
        "    + + Top(start='gate', part=50)",
        "    + - Top(start='gate', part=100)",
    ]
    lines = printed(
        folder,
        """
        ranges: {Number: 1..1}
        given: {Link: [[gate, hall], [gate, tower]]}
        exhausted: {Number: [hall]}
        """,
    )
    assert lines[1:] == ["      place", "    - hall", "    + tower"]


def test_many(folder):
    """Of very many that shouldn't be there the first are shown, and the number of the others."""
    ways = ", ".join(f"[gate, p{i:03}]" for i in range(60))
    lines = printed(folder, f"given: {{Link: [{ways}]}}\nexpect: {{Reach: none}}\n")
    assert len([line for line in lines if line.startswith("    + gate")]) == 40
    assert "    + ... and 20 more" in lines


def test_refused(folder):
    """A transaction that a rule refuses, that should have been refused, or that is refused for another reason."""
    zero = "given: {Link: [[gate, hall]], Height: [[hall, 0]]}\n"
    (line,) = printed(folder, zero)
    assert line.startswith("  FILE:4: after what is given: the transaction was refused: rule top (")
    assert line.endswith(": ZeroDivisionError: integer division or modulo by zero")
    (line,) = printed(folder, zero + "fails: OverflowError\n")
    assert "the transaction was refused: rule top (" in line
    (line,) = printed(folder, "given: {Link: [[gate, hall]]}\nfails: ZeroDivisionError\n")
    assert line == "  FILE:4: after what is given: the transaction should have been refused, but it was not"


def cases_of(folder):
    """A case with a step."""
    path = folder.spec("""
        - name: x
          given: {Link: [[gate, hall]]}
          steps:
            - insert: {Link: [[hall, tower]]}
    """)
    return read_spec(path).cases


def test_an_engine_that_reports_wrong_changes(folder, monkeypatch):
    """Every step's changes are held against the difference of what is there before and after."""
    give = world.Loaded.give

    def forgetful(self, wanted):
        changes = give(self, wanted)
        changes.relations.pop("Number", None)
        return changes

    monkeypatch.setattr(world.Loaded, "give", forgetful)
    (result,) = run_cases(cases_of(folder))
    assert result.misses[0].text.startswith("not as from scratch: Number: the engine says that +")


def counting(relation, wrong):
    """Makes an engine count some facts wrongly after each step."""
    return lambda engine: engine.network.members[relation].store.counts.update(wrong)


def test_an_engine_that_counts_wrong(folder):
    """Every step's facts and their numbers of derivations are held against evaluation from scratch."""
    (case,) = cases_of(folder)
    runner = Runner(case.rules, "everything", observe=counting("Reach", {("gate", "hall"): 2}))
    result = runner.run(case)
    assert result.misses[0].text == (
        "not as from scratch: Reach: ('gate', 'hall') has 2 derivations here and 1 from scratch"
    )


def test_something_is_left(folder):
    """When all rows are gone, nothing may be left."""
    (case,) = cases_of(folder)
    runner = Runner(case.rules, "everything", checked=False, observe=counting("Sign", {("left", ()): 1}))
    (miss,) = runner.run(case).misses
    assert miss.text == "when all rows are gone, there are still facts of Sign"


def test_what_always_holds_stays(folder):
    """A fact that needs no rows is there before them, and still there when all rows are gone."""
    rules = """
        class Motto(Relation):
            \"\"\"What is said everywhere.\"\"\"

            text: str = column("the words")


        @rule
        def motto():
            \"\"\"All roads lead here.\"\"\"
            Motto("here")
    """
    program = (folder.path / "places.py").read_text()
    folder.write("places.py", program + textwrap.dedent(rules))
    (case,) = cases_of(folder)
    assert not Runner(case.rules, "everything").run(case).misses


def test_a_failing_rule_leaves_the_runner_fit(folder):
    """After a refused transaction the next case runs on the same engines."""
    path = folder.spec("""
        - name: refused
          given: {Link: [[gate, hall]], Height: [[hall, 0]]}
          fails: ZeroDivisionError
        - name: fine
          given: {Link: [[gate, hall]]}
          expect: {Reach: [[gate, hall]], Number: [[hall, 1]]}
    """)
    cases = read_spec(path).cases
    assert [r.misses for r in run_cases(cases)] == [(), ()]
    with pytest.raises(RuleFailure):
        world.World(cases[0].rules, "everything").commit(cases[0].steps[0].state)
