"""A session whose lines come from a pipe: exit status, comments, forgotten brackets, files, daemons."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from transcripts import NETWORK, PROGRAM, save_network

from ovn_rules.cli.verbs.registry import SUMMARIES
from ovn_rules.rules import ezbake

ODD = str(Path(__file__).with_name("odd_verbs.py"))


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The demonstration's network as files."""
    folder = tmp_path_factory.mktemp("network")
    save_network(folder)
    return folder


def run(folder, script, *options, program=(*PROGRAM, "repl")):
    """A script's exit status, output and errors."""
    return subprocess.run(
        [*program, *(options or NETWORK)],
        input=script,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=folder,
    )


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("", 0),
        ("# nothing\n\n  \n", 0),
        ("show PortKey\n", 0),
        ("rules nothing\nshow PortKey\n", 1),
        ("rules nothing\nwyh\nshow PortKey\n", 2),
        ("wyh\nrules nothing\n", 1),
        ("show PortKey\nquit\nwyh\n", 0),
    ],
)
def test_exit_status(network, script, status):
    """It is that of the last line that failed: 1 for an answer that is an error, 2 for a line that is wrong."""
    assert run(network, script).returncode == status


def test_answers_and_errors_are_apart(network):
    """Answers go to standard output without prompts or colours, errors and notes to standard error."""
    done = run(network, 'show PortKey(name="vm1")\nwyh\nshow Binding > binding.txt\n')
    assert done.stdout == "name  key\nvm1     1\n1 fact of PortKey\n"
    assert done.stderr.startswith("error: no verb wyh\n")
    assert done.stderr.endswith("written to binding.txt\n")
    assert (network / "binding.txt").read_text().endswith("6 facts of Binding; empty: parent_port, tag\n")


def test_examples_can_be_pasted(network):
    """The examples that help shows of every verb have answers on the demonstration's network; watch wants a server."""
    told = run(network, "".join(f"help {name}\n" for name in SUMMARIES)).stdout
    shown = re.findall(rf"^  ((?:{'|'.join(SUMMARIES)})\b.*)$", told, re.MULTILINE)
    assert {line.split()[0] for line in shown} == set(SUMMARIES)
    asked = [line for line in shown if not line.startswith("watch") and "@" not in line]
    done = run(network, "\n".join(asked), "--echo", *NETWORK)
    assert (done.returncode, done.stderr) == (0, "written to why.html\n")
    for absence in ("no answers", "\n0 facts", "It is there", "nothing would be different", "nothing depends"):
        assert absence not in done.stdout


def test_a_fault_in_a_verb_ends_nothing(network):
    """What comes after it is answered."""
    done = run(network, "broken x\nshow PortKey --limit 0\n", program=(sys.executable, ODD, "repl"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "6 facts of PortKey" in done.stdout


def test_files_are_read_again(network, tmp_path):
    """``reload`` takes in what files hold now, and leaves all as it is when one can't be read."""
    for name in ("nb.db", "sb.db"):
        shutil.copy(network / name, tmp_path)
    session = subprocess.Popen(
        [*PROGRAM, "repl", "--nb", "nb.db", "--sb", "sb.db"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
    )

    def ask(line):
        session.stdin.write(line + "\n")
        session.stdin.flush()
        return session.stdout.readline()

    assert json.loads(ask("show PortKey --format json"))["total"] == 6
    (tmp_path / "nb.db").write_text("garbage")
    assert ask("reload").startswith("error: nb.db: ")
    assert json.loads(ask("show PortKey --format json"))["total"] == 6
    schema = Path(ezbake.__file__).parent / "ovn-nb.ovsschema"
    (tmp_path / "nb.db").unlink()
    subprocess.run(["ovsdb-tool", "create", tmp_path / "nb.db", schema], check=True)
    assert ask("reload").startswith("read again: 0 facts came, ")
    assert json.loads(ask("show PortKey --format json"))["total"] == 0
    session.stdin.close()
    assert session.wait(20) == 1
    session.stdout.close()


def test_wrong_options(network, tmp_path):
    """What can't be asked is one line, and no session begins."""
    done = run(network, "show PortKey\n", "--attach=northd", "--nb=nb.db")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    done = run(network, "show PortKey\n", f"--attach={tmp_path}/none")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"ovn-rules: no daemon answers at {tmp_path}/none: No such file or directory\n"
    done = run(network, "show PortKey\n", "--nb", "nothing.db")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
