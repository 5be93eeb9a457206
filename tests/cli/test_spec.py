"""``ovn-rules spec``: which cases run, what is printed, what cases may say."""

import os
import re
import signal
import subprocess
import sys

import pytest
from recorded import run as command
from specs import HEAD, Folder, run, said

REACH = """
    - name: One gets on from where a way ends
      given:
        Link: [[gate, hall], [hall, tower]]
      expect:
        Reach: [[gate, hall], [gate, tower], [hall, tower]]
    - name: Nobody gets into a closed place
      given:
        Link: [[gate, hall]]
        Closed: [hall]
      expect:
        Reach: none
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with a program."""
    return Folder(tmp_path)


def holds(folder, cases, **how):
    """Run cases that hold."""
    result = run(folder.spec(cases, **how))
    assert result.exit_code == 0, result.output
    return result.output


def fails(folder, cases):
    """Run cases of which one fails; what is said of it."""
    path = folder.spec(cases)
    result = run(path)
    assert result.exit_code == 1, result.output
    return result.output.replace(str(path), "FILE")


def test_the_shipped_specs():
    """Without paths, the specs below tests/spec are run: a line a file, a dot a case and role, and the number."""
    done = command("spec", "--run", r"^(acls|switching)\.yaml$")
    assert (done.returncode, done.stderr) == (0, "")
    *files, _, last = done.stdout.splitlines()
    dots = [re.fullmatch(r"tests/spec/(\w+/\w+)\.yaml (\.+)", line).groups() for line in files]
    assert [name for name, _ in dots] == ["ezbake/acls", "ezbake/switching", "ovn/acls"]
    assert last == f"all {sum(len(each) for _, each in dots)} hold"


def test_run_and_role_choose(folder):
    """--run takes the cases whose name or file fits; --role one of several roles; -v names each."""
    path = folder.spec(REACH)
    assert run(path, "--run", "closed", "-v").output.splitlines() == [
        f"{path} ",
        "  ok      Nobody gets into a closed place [everything]",
        "",
        "all 1 hold",
    ]
    assert run(path, "--run", "^places").output.endswith("all 2 hold\n")
    assert run(path, "--role", "everything").output.endswith("all 2 hold\n")
    assert said(run(path, "--role", "nobody")).startswith("--role: ")
    assert said(run(path, "--run", "nothing")) == "no case is like that"
    assert said(run(path, "--run", "(")).startswith("--run: '(' is not a regular expression: ")


def test_folders(folder):
    """In a folder, YAML files that are specs are taken, and no others; without any, that is said."""
    folder.spec(REACH)
    folder.write("other.yaml", "a: b\n")
    (folder.path / "below").mkdir()
    folder.spec(REACH, head=HEAD.replace("places.py", "../places.py"), name="below/more.yml")
    assert run(folder.path).output.endswith("all 4 hold\n")
    (folder.path / "empty").mkdir()
    assert said(run(folder.path / "empty")).endswith("no YAML file in it has a subject, a program and cases")
    assert said(run(folder.path / "none.yaml")).endswith("none.yaml: no such file or folder")


def test_one_case_fails(folder):
    """The others run; the failure names file, line and case, and the exit status is 1."""
    output = fails(folder, REACH.replace("Reach: none", "Reach: [[gate, hall]]"))
    assert output.splitlines()[0] == "FILE .F"
    assert "FILE:9: Nobody gets into a closed place [everything]\n" in output
    assert "  FILE:14: after what is given: Reach is not as expected\n" in output
    assert output.endswith("\n1 of 2 fail\n")


GOOD = {
    "tables": """
    - name: A table may leave columns out, and select
      given:
        Link: |
          start | end
          gate  | hall
          hall  | tower
      expect:
        Reach(start=gate): |
          end
          hall
          tower
        Reach: |
          end
          hall
          tower
    """,
    "mappings and text": """
    - name: Facts are lists, mappings or text
      given:
        Link: [{end: hall, start: gate}, [hall, tower]]
      expect: |
        Reach('gate', 'hall')
        Reach(start=gate, end=tower)
        Reach(start="hall", end=_)
      includes:
        - Sign(place='gate', ends=['hall', 'tower'])
        - Sign(ends=[tower])
      absent:
        - Reach(end=gate)
    """,
    "selected absence": """
    - name: What is selected is absent
      given: {Link: [[gate, hall]]}
      absent: {Reach(start=hall): none, Reach: [[hall, gate]]}
    """,
    "steps": """
    - name: Steps change what is there
      given: {Link: [[gate, hall]]}
      steps:
        - insert: {Link: [[hall, tower]]}
          changes:
            Reach: |
              ± start | end
              + gate  | tower
              + hall  | tower
            Sign:
              - '- Sign(gate, [hall])'
              - + Sign(gate, [hall, tower])
              - + Sign(hall, [tower])
            Number: ['+ Number(tower, 2)']
            others: none
        - insert: {Closed: [nowhere]}
          changes: none
        - delete: {Link: [[hall, tower]]}
          insert: {Closed: [hall]}
          expect: {Reach: none, Number: none}
    """,
    "ellipsis": """
    - name: Dots stand for any text
      given: {Link: [[gate, entrance hall]]}
      expect: {Reach: [[gate, …hall]], Sign: [[gate, [entrance…]]]}
    """,
    "conflicts": """
    - name: Two heights are a conflict
      given:
        Link: [[gate, hall], [gate, tower]]
        Height: [[hall, 10], [tower, 20]]
      expect: {Top: [[gate, 50]]}
      conflicts:
        Top: |
          ± part
          + 50
          - 100
      steps:
        - delete: {Height: [[hall, 10]]}
          conflicts: none
    """,
    "failures": """
    - name: What a rule can't do is refused, and nothing changes
      given:
        Link: [[gate, hall]]
      steps:
        - insert: {Height: [[hall, 0]]}
          fails: "ZeroDivisionError: "
        - insert: {Height: [[hall, 2]]}
          expect: {Top: [[gate, 500]], Height: [[hall, 2]]}
    """,
    "ranges": """
    - name: With one number, a place waits
      ranges: {Number: 1..1}
      given: {Link: [[gate, hall], [gate, tower]]}
      expect: {Number: [[hall, 1]]}
      exhausted: {Number: [tower]}
      steps:
        - delete: {Link: [[gate, hall]]}
          expect: {Number: [[tower, 1]]}
          exhausted: none
    """,
    "parameters": """
    - name: From $start one gets to ${end}s
      parameters: |
        start | end  | there
        gate  | hall | [halls]
        'a b' | '$'  | ['$s']
      given: [{Link: [[$start, "${end}s"]]}]
      expect: {Sign: [[$start, $there]]}
    """,
    "parameters in a list": """
    - name: A price of $$5, not $price
      parameters: [{price: $ 7, five: $5}]
      given: {Link: [[$price, $$5]]}
      expect: {Reach: [[$price, $five]]}
    """,
}


@pytest.mark.parametrize("what", GOOD)
def test_what_cases_may_say(folder, what):
    """Every form of the format is read as it is meant."""
    assert "F" not in holds(folder, GOOD[what]).replace(str(folder.path), "")


def test_templates_and_background(folder):
    """Templates make facts in one line, use each other, and take back what they made; the background is there first."""
    folder.write(
        "roads.yaml",
        "about: Roads.\ntemplates:\n  road(from, to=tower):\n    Link: [[$from, $to], [$to, $from]]\n"
        "  street(name, far=$name-end):\n    - road($name, $far)\n    - Closed: [$far]\n",
    )
    head = HEAD.replace("cases", "use: roads.yaml\ngiven: road(gate, hall)\ncases")
    holds(
        folder,
        """
        - name: The background is a transaction of its own
          given: |
            road(aisle)
            street(main, far='long, long road')
          expect: |
            Number(gate, 1)
            Number(hall, 2)
            Number(aisle, 3)
            Number(main, 4)
            Number(tower, 5)
          steps:
            - delete: street(main, far='long, long road')
              insert: street(side)
              expect:
                Closed: [side-end]
        """,
        head=head,
    )


def test_rows(folder):
    """Rows have names, defaults and references by name; sets and maps grow and shrink; a role reads another's rows."""
    head = "subject: Rows\nprogram: ezbake\nroles: [controller, everything]\ncases:\n"
    holds(
        folder,
        """
        - name: A host has ports
          given:
            nb.Logical_Switch: [sw0]
            nb.Logical_Port: {a: {lswitch: sw0}, b: {lswitch: sw0, name: other}}
            ovs.Bridge: {br: {name: br-int}}
            ovs.Open_vSwitch: {hv1: {external_ids: {system-id: one, ovn-bridge: none}, bridges: br}}
          expect:
            Port: |
              name  | datapath | key | parent | tag
              a     | sw0      | 1   |        | []
              other | sw0      | 2   |        |
            ActiveChassis: [[one, hv1, br]]
          steps:
            - change: {ovs.Open_vSwitch: {hv1: {external_ids+: {system-id: two, x: y}}}}
              expect: {ActiveChassis: [[two, hv1, br]]}
            - change: {ovs.Open_vSwitch: {hv1: {external_ids-: [system-id], bridges-: [br]}}}
              expect: {ActiveChassis: none, LocalChassis: none}
            - insert: {ovs.Open_vSwitch: {hv1: {bridges+: [br]}}}
              expect: {LocalBridge: [[hv1, br]]}
            - delete: {ovs.Open_vSwitch: {hv1: {bridges+: [br]}}}
              expect: {LocalBridge: none}
        - name: A map may stand in quotes
          parameters: [{ids: "{system-id=one, x=y}"}]
          given: {ovs.Bridge: {br: {name: br-int}}, ovs.Open_vSwitch: {hv1: {external_ids: $ids, bridges: br}}}
          expect: {ActiveChassis: [[one, hv1, br]]}
          steps:
            - change: {ovs.Open_vSwitch: {hv1: {external_ids: "{system-id=two}"}}}
              expect: {ActiveChassis: [[two, hv1, br]]}
            - change: {ovs.Open_vSwitch: {hv1: {external_ids: "{}"}}}
              expect: {ActiveChassis: none}
        - name: Problems are said as the log says them
          roles: [everything]
          given:
            nb.Logical_Switch: [sw0]
            nb.Logical_Port: {a: {lswitch: sw0, macs: [rubbish]}}
          problems: ["a: invalid … macs column"]
          steps:
            - change: {nb.Logical_Port: {a: {macs: none}}}
              problems: none
        """,
        head=head,
    )


def test_watch_runs_again(folder):
    """--watch runs the cases again, with the rules loaded anew, when a spec or a rule module changes."""
    path = folder.spec(REACH)
    arguments = [sys.executable, "-m", "ovn_rules.cli.main", "spec", "--watch", str(path)]
    process = subprocess.Popen(
        [*arguments, "--coverage", "--fail-under", "99.5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )

    def until(text):
        found = []
        for line in process.stdout:
            found.append(line)
            if text in line:
                return "".join(found)
        raise AssertionError("".join(found))

    try:
        first = until("waiting for a change")
        assert "all 2 hold" in first
        assert "less than 99.5 %" in first
        folder.spec(REACH.replace("Reach: none", "Reach: [[gate, hall]]"))
        assert "1 of 2 fail" in until("waiting for a change")
        rules = (folder.path / "places.py").read_text()
        folder.write("places.py", rules.replace("Link(start, end) & ~Closed(end)", "Link(start, end)", 1))
        again = until("waiting for a change")
        assert "places.py changed" in again
        assert "all 2 hold" in again
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130
        process.stdout.close()
