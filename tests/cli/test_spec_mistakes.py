"""Mistakes in spec files: each is one line with file and line that says what was meant."""

import pytest
from specs import HEAD, Folder, run, said

EZBAKE = "subject: Rows\nprogram: ezbake\nroles: [northd]\ncases:\n"


@pytest.fixture
def folder(tmp_path):
    """A folder with a program."""
    return Folder(tmp_path)


FILES = {
    "": "1: the file is empty",
    "a: [1\n": "2: not YAML: while parsing a flow sequence expected ',' or ']', but got '<stream end>'",
    "a: b: c\n": "1: not YAML: mapping values are not allowed here",
    "subject: x\n\tprogram: y\n": "2: not YAML: while scanning for the next token found character '\\t' that cannot "
    "start any token",
    "- a\n": "1: a spec file is a mapping with subject, about, program, roles, use, templates, given, cases, "
    "not a list",
    "subject: x\nprogram: places.py\nrules: [a]\ncases: []\n": "3: no key of a spec file 'rules'; did you "
    "mean 'roles'?",
    "subject: x\nprogram: places.py\ncases: []\n": "3: there are no cases",
    "subject: x\nprogram: places.py\n": "1: cases is missing",
    "program: places.py\ncases: [{name: x}]\n": "1: subject is missing",
    "subject: x\nprogram: ezbak\ncases: [{name: x}]\n": "2: no program ezbak; did you mean 'ezbake'?",
    "subject: x\nprogram: none.py\ncases: [{name: x}]\n": "2: FOLDER/none.py: No such file or directory",
    "subject: x\nprogram: ezbake\nroles: [north]\ncases: [{name: x}]\n": "3: no role 'north'; did you mean 'northd'?",
    "subject: x\nprogram: ezbake\nroles: []\ncases: [{name: x}]\n": "3: there is no role to run in",
    "subject: x\nsubject: y\nprogram: places.py\ncases: [{name: x}]\n": "2: 'subject' stands here for the second time, "
    "first in line 1",
    "subject: x\nprogram: places.py\nuse: none.yaml\ncases: [{name: x}]\n": "3: none.yaml: No such file or directory",
    "subject: x\nprogram: places.py\ntemplates: [a]\ncases: [{name: x}]\n": "3: templates are a mapping of "
    "name(parameters) to rows, not a list",
    "subject: x\nprogram: places.py\ntemplates: {'a(b)': {Closed: [c]}}\ncases: [{name: x}]\n": "3: template a doesn't "
    "use its parameter b",
    "subject: x\nprogram: places.py\ntemplates: {'a b': {Closed: [c]}}\ncases: [{name: x}]\n": "3: 'a b' is not of the "
    "form Name(value, column=value)",
    "subject: x\nprogram: places.py\ntemplates: {'a(b)': {Closed: [$c, $b]}}\ncases: [{name: x}]\n": "3: no parameter "
    "'c'; there is b",
    "subject: x\nprogram: places.py\ngiven: &a [*a]\ncases: [{name: x}]\n": "3: an alias of what it stands in",
    "subject: x\nprogram: places.py\ncases: [{name: x}]\n? [a]\n: b\n": "4: a key is a text, not a list; quote what "
    "begins with a bracket",
}


@pytest.mark.parametrize("text", FILES)
def test_files(folder, text):
    """What is wrong with a file as a whole."""
    path = folder.write("wrong.yaml", text)
    message = said(run(path)).replace(str(folder.path), "FOLDER")
    assert message == f"FOLDER/wrong.yaml:{FILES[text]}"


def test_not_text(folder):
    """A file that isn't UTF-8 says at which byte."""
    path = folder.path / "wrong.yaml"
    path.write_bytes(b"subject: \xff\n")
    assert said(run(path)).endswith("wrong.yaml:1: not text: invalid start byte at byte 9")


def test_rules_with_mistakes(folder):
    """Rules that can't be loaded are shown as check shows them."""
    folder.write(
        "places.py", (folder.path / "places.py").read_text().replace("Link(start, end) &", "Lunk(start, end) &")
    )
    message = said(run(folder.spec("- name: x")))
    assert "places.py: the rules have mistakes:" in message
    assert "did you mean 'Link'?" in message


CASES = {
    # -- cases
    "- {given: {}}": "4: the case has no name",
    "- {name: x, gven: {}}": "4: no key of a case 'gven'; did you mean 'given'?",
    "- {name: x}\n- {name: x}": "5: a case of this name stands in line 5 already",
    "- x": "4: a case is a mapping with name, about, roles, parameters, ranges, given, steps, fails, expect, includes, "
    "absent, changes, conflicts, exhausted, problems, not 'x'",
    "- {name: x, steps: [{expct: {}}]}": "4: no key of a step 'expct'; did you mean 'expect'?",
    "- {name: x, ranges: {Nmber: 1..2}}": "4: no relation 'Nmber'; did you mean 'Number'?",
    "- {name: x, ranges: {Number: 2}}": "4: a range is written 1..9, not '2'",
    "- {name: x, problems: none}": "4: this program reports no problems",
    # -- parameters
    "- {name: x, parameters: [{a: 1}]}": "4: parameter a isn't used",
    "- {name: $b, parameters: [{a: $a}]}": "4: no parameter 'b'; there is a",
    "- {name: $b}": "4: no parameter 'b'; there is none at all",
    "- {name: $a, parameters: [{a: 1}, {b: 1}]}": "4: every row has the parameters a",
    "- {name: $a, parameters: a}": "4: parameters are a table, or a list of mappings",
    "- name: $a\n  parameters: |\n    a\n": "6: a table of parameters is a line of names, then a line for each run",
    "- name: $a\n  parameters: |\n    a\n    1 | 2\n": "7: 2 cells under 1 parameters",
    # -- facts
    "- {name: x, given: {Lnk: [[a, b]]}}": "4: no relation 'Lnk'; did you mean 'Link'?",
    "- {name: x, given: {Link: [[a]]}}": "4: a fact of Link needs end",
    "- {name: x, given: {Link: [[a, b, c]]}}": "4: Link has 2 columns here, not 3",
    "- {name: x, given: {Link: {a: b}}}": "4: facts of Link are a table or a list, not a mapping",
    "- {name: x, given: {Link: [{strt: a, end: b}]}}": "4: no column of Link 'strt'; did you mean 'start'?",
    "- {name: x, given: {Link: [[a, [b]]]}}": "4: Link end: one text is wanted, not a list",
    "- {name: x, given: {Height: [[a, high]]}}": "4: Height metres: a whole number is wanted, not 'high'",
    "- {name: x, given: {Link: [[a, b], [a, b]]}}": "4: Link has the fact ('a', 'b')",
    "- {name: x, steps: [{delete: {Closed: [a]}}]}": "4: Closed has not the fact ('a',)",
    "- {name: x, steps: [{change: {Closed: [a]}}]}": "4: Closed is no table: its facts come and go, but don't change",
    # -- templates
    "- {name: x, given: road(a)}": "4: no template 'road'; did you mean 'rod'?",
    "- {name: x, given: rod(a}": "4: 'rod(a' is not of the form Name(value, column=value)",
    "- name: x\n  given: rod()": "5: rod needs at",
    "- name: x\n  given: rod(a, b)": "5: rod takes 1 arguments, not 2",
    "- name: x\n  given: rod(to=a)": "5: no parameter of rod 'to'; there is at",
    "- name: x\n  given: rod(at=a, at=b)": "5: at is given twice",
    "- name: x\n  given: rod(a, at=b)": "5: at is given twice",
    "- name: x\n  given: rod(at=a, b)": "5: 'b' stands after arguments with a name, and has none",
    "- name: x\n  given: rod([a)": "5: '[a': unbalanced ')'; '[' is open: put text with brackets in quotes",
    "- name: x\n  given: rod a": "5: 'rod a' is not of the form Name(value, column=value)",
    "- name: x\n  given: round(a)": "5: template round is part of itself",
    # -- expectations
    "- {name: x, expect: {Rech: none}}": "4: no relation 'Rech'; did you mean 'Reach'?",
    "- {name: x, expect: {Reach(strt=a): none}}": "4: no column of Reach 'strt'; did you mean 'start'?",
    "- {name: x, expect: {'Reach(a, b, c)': none}}": "4: Reach has 2 columns, not 3",
    "- {name: x, expect: {'Reach(a, start=a)': none}}": "4: start is given twice",
    "- {name: x, expect: {'Reach(a': none}}": "4: 'Reach(a' is not of the form Name(value, column=value)",
    "- {name: x, expect: [[a]]}": "4: a fact is Relation(column=value), not a list",
    "- name: x\n  expect: |\n    Number(a, b)": "6: Number number: a whole number is wanted, not 'b'",
    "- name: x\n  expect:\n    Reach: |\n      start | end\n      a": "8: 1 cells under 2 columns",
    "- name: x\n  expect:\n    Reach: |\n      start | and\n      a | b": "7: no column of Reach 'and'; did you "
    "mean 'end'?",
    "- name: x\n  expect:\n    Reach(start=a): |\n      start\n      a": "7: column start is given twice",
    "- name: x\n  expect:\n    Number: |\n      number\n      a": "8: Number number: a whole number is wanted, not 'a'",
    "- name: x\n  changes:\n    Reach: |\n      start\n      + a": "7: the line of column names begins "
    "with ±, not 'start'",
    "- name: x\n  changes:\n    Reach: |\n      ± start\n      a": "8: 'a' begins with neither + nor -",
    "- name: x\n  changes: |\n    Reach(a, b)": "6: 'Reach(a, b)' begins with neither + nor -",
    "- {name: x, changes: {others: [a]}}": "4: others: none is all that can be said of them",
}

TEMPLATES = "templates: {'rod(at)': {Closed: [$at]}, 'round(a)': [round($a)]}\n"


@pytest.mark.parametrize("cases", CASES)
def test_cases(folder, cases):
    """What is wrong with a case."""
    path = folder.spec(cases, head=HEAD.replace("cases:\n", TEMPLATES + "cases:\n").replace("subject: Places\n", ""))
    path.write_text("subject: x\n" + path.read_text())
    message = said(run(path)).replace(str(path), "FILE")
    line, _, text = CASES[cases].partition(":")
    assert message == f"FILE:{int(line) + 1}:{text}"


ROWS = {
    "{nc.ACL: [a]}": "no database 'nc'; there are nb, ovs, sb",
    "{nb.Logical_Swich: [a]}": "no table of nb 'Logical_Swich'; did you mean 'Logical_Switch'?",
    "{nb.Logical_Switch: [[a]]}": "nb.Logical_Switch has names of rows, or rows by name, not a list",
    "{nb.Logical_Switch: {a: b}}": "a row is columns with values, not 'b'",
    "{nb.Logical_Switch: {a: {nam: b}}}": "no column of Logical_Switch 'nam'; did you mean 'name'?",
    "{nb.Logical_Switch: {a: {name+: b}}}": "Logical_Switch name is one value: nothing can be added to it",
    "{nb.Logical_Switch: {a: {name: [b]}}}": "Logical_Switch name: one text is wanted, not a list",
    "{nb.Logical_Switch: {a: {external_ids: {x: [b]}}}}": "Logical_Switch external_ids: one text is wanted, not a list",
    "{nb.Logical_Switch: {a: {external_ids: [{x: b}]}}}": "Logical_Switch external_ids: 2 values in brackets are "
    "wanted, not a mapping",
    "{nb.Logical_Switch: {a: {external_ids: ['{x=b}']}}}": "Logical_Switch external_ids: 2 values in brackets are "
    "wanted, not {x=b}",
    "{nb.Logical_Port: [a]}": "Logical_Port 'a' needs lswitch",
    "{nb.Logical_Port: {a: {lswitch: sw0}}}": "nb.Logical_Port 'a': lswitch refers to 'sw0', which is no row of "
    "nb.Logical_Switch",
    "{nb.Logical_Switch: [s], nb.ACL: {a: {lswitch: s, priority: 0, action: drop}}}": "ACL priority: 1 is the "
    "least, not 0",
    "{nb.Logical_Switch: [s], nb.ACL: {a: {lswitch: s, priority: 70000, action: drop}}}": "ACL priority: 65535 is the "
    "most, not 70000",
    "{nb.Logical_Switch: [s], nb.ACL: {a: {lswitch: s, priority: 1}}}": "ACL 'a' needs action: one of allow, "
    "allow-related, drop, reject is wanted, not ''",
    "{nb.Logical_Switch: [s], nb.ACL: {a: {lswitch: s, priority: 1, action: alow}}}": "ACL action: one of allow, "
    "allow-related, drop, reject is wanted, not 'alow'",
    "{nb.Logical_Switch: [a, a]}": "Logical_Switch has a row 'a' already; change it, or name it otherwise",
    "{nb.Logical_Port: {a: {macs+: [b]}}}": "no row of Logical_Port 'a'; there is none at all",
}


@pytest.mark.parametrize("rows", ROWS)
def test_rows(folder, rows):
    """What a database would not take."""
    path = folder.spec(f"- {{name: x, given: {rows}}}", head=EZBAKE)
    assert said(run(path)) == f"{path}:5: {ROWS[rows]}"


def test_rows_that_are_not_there(folder):
    """Only a row that is there can go or change, and none may refer to one that went."""
    path = folder.spec(
        """
        - name: x
          given: {nb.Logical_Switch: [sw0], nb.Logical_Port: {a: {lswitch: sw0}}}
          steps:
            - delete: {nb.Logical_Port: [b]}
            - change: {nb.Logical_Port: {b: {macs: [c]}}}
            - delete: {nb.Logical_Switch: [sw0]}
        """,
        head=EZBAKE,
    )
    assert said(run(path)).splitlines() == [
        "the specs have mistakes:",
        f"{path}:8: no row of Logical_Port 'b'; there is a",
        f"{path}:9: no row of Logical_Port 'b'; there is a",
        f"{path}:10: nb.Logical_Port 'a': lswitch refers to 'sw0', which is no row of nb.Logical_Switch",
    ]


def test_a_relation_of_another_role(folder):
    """What a case names is in all of its roles."""
    path = folder.spec("- {name: x, expect: {OpenFlow: none}}", head=EZBAKE)
    assert said(run(path)) == (
        f"{path}:5: OpenFlow is no relation of the role northd, only of controller and everything"
    )
    path.write_text(path.read_text().replace("northd", "controller"))
    assert run(path).exit_code == 0
