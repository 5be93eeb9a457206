"""``ovn-rules query`` and ``ovn-rules watch``: answers as tables and JSON, and as lines while the network changes."""

import io
import json
import signal
import subprocess
from datetime import datetime, timedelta

import pytest
from recorded import PROGRAM, one_line, run
from rich.console import Console

from ovn_rules.cli.verbs import query, watch


@pytest.fixture
def watched(world):
    """Starts ``ovn-rules watch`` on the northbound server; it is ended when the test is."""
    started = []

    def start(question, *options):
        command = [*PROGRAM, "watch", question, "--nb", world.nb.remote, *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_table_and_json(recorded):
    """The columns are the variables in their order; a table for people and pipes, JSON for programs."""
    question = 'nb.Logical_Port(_uuid=_p, name=n) & nb.Logical_Port.macs(_p, mac) & (n != "p2")'
    done = run("query", question, *recorded.files)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["n   mac", "p1  00:00:00:00:00:01", "p3  00:00:00:00:00:03"]
    document = json.loads(run("query", question, *recorded.files, "--format", "json").stdout)
    assert document == {
        "columns": ["n", "mac"],
        "rows": [["p1", "00:00:00:00:00:01"], ["p3", "00:00:00:00:00:03"]],
        "total": 2,
        "notes": [],
    }


def test_aggregates_negation_and_functions(recorded):
    """Heads aggregate, ~ wants absence, and the functions of the rules can be called."""
    done = run("query", "(chassis, count(n)) <= Binding(logical_port=n, chassis=chassis)", *recorded.files)
    assert done.stdout.splitlines() == ["chassis  count(n)", "host1    2", "host2    1"]
    assert run("query", "nb.Logical_Port(name=n) & ~PortHolder(n, _)", *recorded.files).stdout == "no answers\n"
    done = run("query", "(n, ok) <= Binding(logical_port=n, mac=m) & (a in m) & (ok == is_mac(a))", *recorded.files)
    assert done.stdout.splitlines()[1:] == ["p1  True", "p2  True", "p3  True"]
    assert [run("query", f'Binding(logical_port="{p}")', *recorded.files).stdout for p in ("p1", "p9")] == [
        "yes\n",
        "no\n",
    ]


def test_limit(recorded):
    """--limit takes the first answers, and it is told how many there are; 0 takes all."""
    lines = run("query", "Binding(logical_port=n)", *recorded.files, "--limit", "1").stdout.splitlines()
    assert lines == ["n", "p1", "... 2 more; --limit 0 shows all 3"]
    assert len(run("query", "Binding(logical_port=n)", *recorded.files, "--limit", "0").stdout.splitlines()) == 4


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("", "nothing is asked; write Relation(column=variable) & ..."),
        ("Bindin(n)", "unknown relation 'Bindin'; did you mean 'Binding'?"),
        ("nb.Logical_Port(up=u)", "nb.Logical_Port has a column up, but this program doesn't read it"),
        ("Binding(logical_port=n) & n > 3", "missing parentheses: & binds tighter than >; write (n > 3)"),
    ],
)
def test_what_cannot_be_asked(recorded, question, line):
    """A query that can't be read is one line and exit status 1."""
    assert one_line(run("query", question, *recorded.files)) == (1, line)


def test_the_table_fits_a_terminal():
    """On a terminal long cells are folded; combinations left out are noted."""
    out = io.StringIO()
    document = {"columns": ["a", "b"], "rows": [["x" * 30, [1, 2]], ["y", []]], "total": 2, "notes": ["left out: z"]}
    query.show(document, Console(file=out, width=20, force_terminal=True, color_system=None))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 20
    assert len(lines) == 5
    assert lines[-1] == "note: left out: z"
    query.show(document, Console(file=out, width=20, force_terminal=False))
    assert f"{'x' * 30}  1 2\n" in out.getvalue()


def test_watching_a_live_database(world, watched):
    """The answers come first, then a line for each that comes or goes; Ctrl-C ends it with status 0."""
    switch = world.add_switch("sw0")
    world.add_port(switch, "p0")
    process = watched("nb.Logical_Port(_uuid=_p, name=n) & nb.Logical_Port.macs(_p, mac)")
    assert process.stdout.readline() == "+ n='p0', mac='00:00:00:00:00:01'\n"
    world.add_port(switch, "p1", "00:00:00:00:00:02")
    assert process.stdout.readline() == "+ n='p1', mac='00:00:00:00:00:02'\n"
    world.update(world.nb, "Logical_Port", "name", "p0", macs="00:00:00:00:00:09")
    assert [process.stdout.readline()[:9] for _ in "-+"] == ["- n='p0',", "+ n='p0',"]
    world.delete_port("p1")
    assert process.stdout.readline() == "- n='p1', mac='00:00:00:00:00:02'\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 0
    assert process.stdout.read() == ""


def test_watching_derived_relations_as_json_with_times_until_the_first_change(world, watched):
    """--once ends after the first transaction that changes the answers; JSON has a line an answer."""
    switch = world.add_switch("sw0")
    world.add_port(switch, "p0")
    process = watched("PortKey(n, k)", "--once", "--timestamp", "--format", "json")
    assert json.loads(process.stdout.readline())["row"] == {"n": "p0", "k": 1}
    world.add_switch("sw1")
    world.add_port(switch, "p1")
    out, _ = process.communicate(timeout=15)
    assert process.returncode == 0
    (line,) = map(json.loads, out.splitlines())
    assert (line["change"], line["row"]) == ("+", {"n": "p1", "k": 2})
    assert datetime.now().astimezone() - datetime.fromisoformat(line["time"]) < timedelta(minutes=1)


def test_watching_for_so_many_lines(world, watched):
    """--count ends after as many lines of changes; the answers at the beginning don't count."""
    switch = world.add_switch("sw0")
    world.add_port(switch, "p0")
    process = watched("nb.Logical_Port(name=n)", "--count", "2")
    assert process.stdout.readline() == "+ n='p0'\n"
    for name in ("p1", "p2", "p3"):
        world.add_port(switch, name)
    out, _ = process.communicate(timeout=15)
    assert (process.returncode, out) == (0, "+ n='p1'\n+ n='p2'\n")


def test_files_do_not_change(recorded, world):
    """Watching files is refused with what to use instead; so is a query that can't be read."""
    status, line = one_line(run("watch", "nb.Logical_Port(name=n)", *recorded.files))
    assert (status, line) == (
        1,
        "files don't change: watch needs a live database; ovn-rules query answers once",
    )
    status, line = one_line(run("watch", "nb.Logical_Prt(name=n)", "--nb", world.nb.remote))
    assert (status, line) == (1, "unknown relation 'nb.Logical_Prt'; did you mean 'nb.Logical_Port'?")


def test_answers_asked_for_again_and_again():
    """Where answers come as documents the same lines come of comparing them; sets and maps included."""
    columns = ["a", "b"]
    documents = [{"rows": rows} for rows in ([["x", [1]]], [["x", [1]]], [["x", [2]], ["y", []]], [])]
    options = watch.VERB.defaults()
    assert list(watch.lines(columns, watch.compared(documents), options, "text")) == [
        "+ a='x', b=[1]",
        "- a='x', b=[1]",
        "+ a='x', b=[2]",
        "+ a='y', b=[]",
        "- a='x', b=[2]",
        "- a='y', b=[]",
    ]
    assert len(list(watch.lines(columns, watch.compared(documents), options | {"once": True}, "text"))) == 4
    assert list(watch.lines([], watch.compared([{"rows": [[]]}, {"rows": []}]), options, "text")) == [
        "+ true",
        "- true",
    ]
