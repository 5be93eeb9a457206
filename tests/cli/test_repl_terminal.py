"""A session with a person at a terminal: editing, suggestions, interruption, paging, history, and live databases."""

import os
import stat
import sys
from pathlib import Path

import pytest
from terminal import Terminal
from transcripts import NETWORK, PROGRAM, save_network

ODD = [sys.executable, str(Path(__file__).with_name("odd_verbs.py")), "repl"]
CTRL_C, CTRL_D = "\x03", "\x04"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The demonstration's network as files."""
    folder = tmp_path_factory.mktemp("network")
    save_network(folder)
    return folder


@pytest.fixture
def start(tmp_path, files):
    """Starts a session at a terminal, over the demonstration's network unless said otherwise."""
    made = []

    def begin(*options, program=(*PROGRAM, "repl"), **how):
        environment = {"XDG_STATE_HOME": str(tmp_path / "state"), "PAGER": "cat"} | how
        made.append(Terminal([*program, *(options or NETWORK)], folder=files, **environment))
        made[-1].until("> ")
        return made[-1]

    yield begin
    for each in made:
        each.close()


def test_a_question_and_its_answer(start):
    """What is asked is answered; Ctrl-D leaves, with status 0 whatever was wrong before."""
    terminal = start()
    terminal.ask("show Bindin", "did you mean 'Binding'")
    terminal.ask("show Binding", "6 facts of Binding")
    terminal.send(CTRL_D)
    assert terminal.ended() == 0


def test_completion(start):
    """Tab shows what can come next and takes it."""
    terminal = start()
    terminal.send("show Binding(logical_port=")
    terminal.until('"dhcp"')
    terminal.send("\t")
    terminal.read(0.5)
    terminal.ask("\r)", "1 fact of Binding")


def test_interruption(start):
    """Ctrl-C ends a question that never ends, and at the prompt takes back what was typed; the session goes on."""
    terminal = start(program=ODD)
    for _ in range(2):
        terminal.send("endless x\r")
        terminal.until("begun")
        terminal.send(CTRL_C)
        terminal.until("interrupted")
        terminal.until("\n> ")
    terminal.send("wyh")
    terminal.read(0.3)
    terminal.send(CTRL_C)
    terminal.until("\n> ")
    terminal.ask("show Binding", "6 facts of Binding")
    assert "no verb" not in terminal.raw


def test_pasting(start):
    """What is pasted at once is asked one after the other; lines that begin with no verb belong to what is before."""
    terminal = start()
    terminal.send("\x1b[200~why --depth 0 table=64, priority=50,reg7=0x1 actions=output:1\n")
    terminal.send(" table=64, priority=50,reg7=0x2 actions=output:2\nshow PortKey\n\n\x1b[201~\r")
    terminal.until("match='reg7=0x1'")
    terminal.until("match='reg7=0x2'")
    terminal.until("> show PortKey\n")
    terminal.until("6 facts of PortKey")


def test_a_fault_in_a_verb(start):
    """A fault is one line that says how to see more; the session goes on."""
    terminal = start(program=ODD)
    terminal.ask("broken x", r"error: ZeroDivisionError: a bug \(a fault in ovn-rules; 'traceback' shows where\)")
    assert "Traceback" not in terminal.raw
    terminal.ask("traceback", r"(?s)Traceback.*odd_verbs\.py.*a bug")


def test_names(start):
    """A name that an answer gave to a fact stands for the fact."""
    terminal = start(program=ODD)
    terminal.ask("long 3", "line 2")
    terminal.ask("show Binding#0123abcd", "1 fact of Binding")


def test_paging(start, tmp_path):
    """What doesn't fit goes through $PAGER, and what fits doesn't; without one it is shown page by page."""
    pager = f"sh -c 'wc -l > {tmp_path}/paged'"
    terminal = start(program=ODD, PAGER=pager)
    terminal.ask("long 10", "line 9 of the answer")
    assert not (tmp_path / "paged").exists()
    terminal.send("long 100\rlong 2\r")
    terminal.until("line 1 of the answer")
    assert (tmp_path / "paged").read_text().split() == ["100"]
    folder = tmp_path / "bin"  # a PATH without less
    folder.mkdir()
    terminal = start(program=ODD, PAGER="", PATH=str(folder))
    terminal.send("long 100\r")
    terminal.until("-- more")
    assert "line 28 of the answer" in terminal.raw
    assert "line 29 of the answer" not in terminal.raw
    terminal.send("\r")
    terminal.until("line 29 of the answer(?s:.)*-- more")
    terminal.send(" ")
    terminal.until("line 58 of the answer(?s:.)*-- more")
    terminal.send("q")
    terminal.until("> ")
    assert "line 59 of the answer" not in terminal.raw


def test_interrupting_a_pager(start, tmp_path):
    """Ctrl-C is for the pager, which has the terminal to put in order before it leaves; the session goes on."""
    script = tmp_path / "pager"
    script.write_text(
        "trap 'sleep 1; echo in order; exit' INT\ncat > /dev/null\necho paging\nwhile :; do sleep 0.1; done\n"
    )
    terminal = start(program=ODD, PAGER=f"sh {script}")
    terminal.send("long 100\r")
    terminal.until("paging")
    terminal.send("\x03")
    terminal.until("in order")
    terminal.until("\n> ")
    terminal.ask("long 3", "line 2")


def test_history(start, tmp_path):
    """Questions are kept in a file for the user alone; the next session has them."""
    terminal = start()
    terminal.ask("show Binding", "6 facts of Binding")
    terminal.send(CTRL_D)
    terminal.ended()
    file = tmp_path / "state" / "ovn-rules" / "history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    terminal = start()
    terminal.send("\x1b[A\r")
    terminal.until("6 facts of Binding")


def test_history_that_cannot_be_written(start, tmp_path):
    """Where no file can be made, or it stops being writable, the session goes on without."""
    (tmp_path / "state").write_text("no folder")
    terminal = start()
    terminal.ask("show Binding", "6 facts of Binding")
    terminal = start(XDG_STATE_HOME=str(tmp_path / "other"))
    (tmp_path / "other" / "ovn-rules" / "history").unlink()
    (tmp_path / "other" / "ovn-rules" / "history").mkdir()
    terminal.ask("show Binding", "6 facts of Binding")
    assert "xception" not in terminal.raw
    assert "Press ENTER" not in terminal.raw


def test_terminals_without_colours(start):
    """NO_COLOR is respected, and so is a terminal that can do nothing."""
    colour = "\x1b[36m"
    terminal = start()
    terminal.send("show Binding(")
    terminal.until(r"Binding\(")
    terminal.read(0.3)
    assert colour in terminal.raw
    terminal = start(NO_COLOR="1")
    terminal.send("show Binding\rwyh\r")
    terminal.until("did you mean 'why'")
    assert not any(f"\x1b[{code}m" in terminal.raw for code in (31, 33, 34, 36, "1;31"))
    terminal = start(TERM="dumb")
    terminal.send("show Binding\rwyh\r")
    terminal.until("did you mean 'why'.*\n> ")
    terminal.read(0.3)  # input() takes Ctrl-C only once it reads
    terminal.send("\x03")
    terminal.until(r"\^C\n> ")
    terminal.send("\x04")
    assert terminal.ended() == 0
    assert terminal.raw.endswith("> \r\n")
    assert "\x1b" not in terminal.raw


def test_live_databases(start, world):
    """They are followed while the prompt waits: what is lost and back is said at once, and answers are up to date."""
    switch = world.add_switch("sw0")
    world.add_port(switch, "p0")
    terminal = start("--nb", world.nb.remote, "--sb", world.sb.remote)
    terminal.ask("show Binding", "1 fact of Binding")
    world.add_port(switch, "p1")
    terminal.ask("show Binding", "2 facts of Binding")
    world.nb.stop()
    terminal.until(r"nb: connection to unix:\S+\s+lost")
    terminal.until("GONE")
    terminal.ask("show Binding", r"(?s)nb: unix:\S+ is gone since \d\d:\d\d:\d\d.*2 facts of Binding")
    world.nb.start()
    world.delete_port("p0")
    terminal.until("nb: unix:.*is back, and up to date")
    terminal.ask("show Binding", "1 fact of Binding")
    assert "gone since" not in terminal.text
    assert os.waitpid(terminal.pid, os.WNOHANG) == (0, 0)


def test_watching(start, world):
    """Answers come and go as the network changes, beside what is said of the databases, until Ctrl-C."""
    switch = world.add_switch("sw0")
    world.add_port(switch, "p0")
    terminal = start("--nb", world.nb.remote, "--sb", world.sb.remote)
    terminal.send("watch PortKey(name=n, key=k)\r")
    terminal.until(r"\+ n='p0', k=1")
    world.add_port(switch, "p1")
    terminal.until(r"\+ n='p1', k=2")
    world.nb.stop()
    terminal.until(r"lost: connection\s+closed")
    world.nb.start()
    terminal.until("is back")
    world.delete_port("p0")
    terminal.until("- n='p0', k=1")
    terminal.send(CTRL_C)
    terminal.until("\n> ")
    terminal.ask("show PortKey", "1 fact of PortKey")
