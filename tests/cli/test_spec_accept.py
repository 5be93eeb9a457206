"""``ovn-rules spec --accept``: expectations rewritten to what is, in place."""

import os
import pty
import subprocess
import sys

import pytest
from specs import Folder, run

BEFORE = """\
# What this is about
- name: Tables lose rows, and take new ones   # a comment
  given:
    Link: [[gate, hall], [hall, tower]]
  expect:   # another

    Reach: |
      start      | end
      gate       | hall
      cellar     | attic

    Number: [[hall, 1], [attic, 2]]   # kept
    Sign:
      # of the gate
      - [gate, [hall]]
      # of the hall
      - [hall, [tower]]
    Top: [[gate, 1]]
- name: Others stay as they are
  given: {Link:   [[a,b]]}
  expect: {Reach: [ [a,b] ]}
- name: Steps
  given: {Link: [[a, b]]}
  steps:
    - insert: {Link: [[b, c]]}
      changes: none
    - delete: {Link: [[b, c]]}
      changes:
        Reach: |
          ± start | end
          - b     | c
          + c     | c
        Number: none
      expect: |
        Reach(a, c)
        Reach('a', 'b')
        Number(b, 7)
"""

AFTER = """\
# What this is about
- name: Tables lose rows, and take new ones   # a comment
  given:
    Link: [[gate, hall], [hall, tower]]
  expect:   # another

    Reach: |
      start      | end
      gate       | hall
      gate       | tower
      hall       | tower

    Number: [[hall, 1], [tower, 2]]   # kept
    Sign:
      # of the gate
      - [gate, [hall, tower]]
      # of the hall
      - [hall, [tower]]
    Top: none
- name: Others stay as they are
  given: {Link:   [[a,b]]}
  expect: {Reach: [ [a,b] ]}
- name: Steps
  given: {Link: [[a, b]]}
  steps:
    - insert: {Link: [[b, c]]}
      changes: |
        + Number(place='c', number=2)
        + Reach(start='a', end='c')
        + Reach(start='b', end='c')
        - Sign(place='a', ends=('b',))
        + Sign(place='a', ends=('b', 'c'))
        + Sign(place='b', ends=('c',))
    - delete: {Link: [[b, c]]}
      changes:
        Reach: |
          ± start | end
          - b     | c
          - a     | c
        Number: |
          ± place | number
          - c     | 2
      expect: |
        Reach('a', 'b')
        Number(place='b', number=1)
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with a program."""
    return Folder(tmp_path)


def cases(path):
    """The cases as they are written."""
    return "".join(line[2:] or "\n" for line in path.read_text().splitlines(keepends=True)[3:])


def test_rewrite(folder):
    """Only what isn't so is rewritten: comments, layout and all else stay; afterwards the cases hold."""
    path = folder.spec(BEFORE)
    result = run(path, "--accept", "--yes")
    assert result.exit_code == 0, result.output
    assert cases(path) == AFTER
    assert f"--- {path}\n+++ {path}, as it is\n" in result.output
    assert "-        cellar     | attic\n" in result.output
    assert result.output.endswith(f"{path} is rewritten\n")
    assert run(path).output.endswith("all 3 hold\n")
    assert run(path, "--accept", "--yes").output == ""


def test_asked(folder):
    """Without --yes it asks; without a terminal there is nobody to ask, and nothing is written."""
    path = folder.spec(BEFORE)
    before = path.read_text()
    result = run(path, "--accept")
    assert result.exit_code == 1
    assert result.output.endswith(
        "ovn-rules: --accept asks before it writes, and there is no terminal to ask on: give --yes\n"
    )
    assert path.read_text() == before


@pytest.mark.parametrize(("answer", "status"), [("n", 1), ("y", 0)])
def test_answered(folder, answer, status):
    """On a terminal the answer counts: n leaves the file and fails, y rewrites it."""
    path = folder.spec(BEFORE)
    before = path.read_text()
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    command = [sys.executable, "-m", "ovn_rules.cli.main", "spec", "--accept", str(path)]
    done = subprocess.run(command, stdin=theirs, capture_output=True, text=True, check=False, timeout=60)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == status, done.stderr
    assert f"Rewrite {path}? [y/N]: " in done.stdout
    assert (path.read_text() == before) is (answer == "n")


def test_only_what_was_chosen(folder):
    """--run keeps the others as they are."""
    path = folder.spec(BEFORE)
    assert run(path, "--accept", "--yes", "--run", "Steps").exit_code == 0
    assert cases(path).startswith(BEFORE.partition("- name: Steps")[0])
    assert cases(path).endswith(AFTER.partition("- name: Steps")[2])


REFUSED = {
    "- {name: x, given: {Link: [[a, b]]}, absent: {Reach: none}}": "4: not rewritten: absent says what must or mustn't "
    "be; change it by hand",
    "- {name: x, includes: {Reach: [[a, b]]}}": "4: not rewritten: includes says what must or mustn't be; change it by "
    "hand",
    "- {name: $p, parameters: [{p: a}, {p: b}], given: {Link: [[$p, b]]}, expect: {Reach: [[$p, c]]}}": "4: not "
    "rewritten: it has parameters; change it by hand",
    "- {name: $p, parameters: [{p: a}, {p: b}], given: {Link: [[$p, b]]}, expect: {Reach: [[a, b]]}}": "4: not "
    "rewritten: it fails in some runs and not in all: everything, b",
    "- {name: $p, parameters: [{p: a}, {p: b}], given: {Link: [[$p, b]]}, expect: {Reach: none}}": "4: not rewritten: "
    "its roles or parameters want different things",
    "- {name: x, fails: Error}": "4: not rewritten: the transaction should have been refused, but it was not",
    "- {name: x, steps: [{insert: {Link: [[a, b]]}, changes: {others: none}}]}": "4: not rewritten: others: none says "
    "that nothing else changes; change it by hand",
    "- name: x\n  expect: |\n    Reach(a, b)": "6: not rewritten: no line of it is left; change it by hand",
    "- name: x\n  expect:\n    - Reach(a, b)": "6: not rewritten: no item of it is left; change it by hand",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_rewritten(folder, text):
    """What can't be rewritten is said, a line each, and the exit status tells; the file stays."""
    path = folder.spec(text)
    before = path.read_text()
    result = run(path, "--accept", "--yes")
    assert (result.exit_code, result.output) == (1, f"{path}:{REFUSED[text]}\n")
    assert path.read_text() == before
