"""What operators find in the log, and how they say what is to be there."""

import logging
import os
import re
import signal
import subprocess
import sys

import pytest
from daemons import SMALL, until
from hypothesis import given, settings
from hypothesis import strategies as st

from ovn_rules.cli.log import Log, LogError, clean, start
from ovn_rules.cli.ratelimit import LINE_BURST, MODULE_BURST, RateLimit

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z\|(\d{5})\|(\w+)\|([A-Z]+)\|(.*)")


@pytest.fixture
def logs(tmp_path):
    Log("north"), Log("south")
    started = start(tmp_path / "log")
    yield started
    started.close()


def lines(path):
    return [LINE.fullmatch(line).group(3, 4, 5) for line in path.read_text().splitlines()]


def test_lines_have_open_vswitchs_form(logs, tmp_path, capsys):
    """A line has time, number, module, level and text, with milliseconds in the file and without on the console."""
    Log("north").say("warn", "all tunnel keys exhausted")
    assert re.fullmatch(r"[-\dT:]+\.\d{3}Z\|00001\|north\|WARN\|all .*\n", (tmp_path / "log").read_text())
    assert re.fullmatch(r"[-\dT:]+Z\|00001\|north\|WARN\|all .*\n", capsys.readouterr().err)


def test_library_loggers_are_modules(logs, tmp_path):
    """What the other packages log with Python's logging comes out as a module named after the Python module."""
    logging.getLogger("ovn_rules.io.session").warning("connection to %s lost", "tcp:h:1")
    assert lines(tmp_path / "log") == [("session", "WARN", "connection to tcp:h:1 lost")]


@pytest.mark.parametrize(
    ("spec", "file", "console"),
    [
        ("north:file:dbg", {"north dbg", "north info", "south info"}, {"north info", "south info"}),
        ("file:dbg:north", {"north dbg", "north info", "south info"}, {"north info", "south info"}),
        ("any:console:off", {"north info", "south info"}, set()),
        ("console:warn", {"north info", "south info"}, set()),
        ("south:off", {"north info"}, {"north info"}),
        ("north", {"north dbg", "north info", "south info"}, {"north dbg", "north info", "south info"}),
        (
            "DBG",
            {"north dbg", "north info", "south dbg", "south info"},
            {"north dbg", "north info", "south dbg", "south info"},
        ),
    ],
)
def test_levels(logs, tmp_path, capsys, spec, file, console):
    """vlog/set takes module, destination and level in any order, and what is left out stands for all."""
    logs.set(spec)
    for module in ("north", "south"):
        for level in ("dbg", "info"):
            Log(module).say(level, f"{module} {level}")
    assert {text for _, _, text in lines(tmp_path / "log")} == file
    assert {line.rpartition("|")[2] for line in capsys.readouterr().err.splitlines()} == console


def test_a_module_keeps_its_own_level_only_until_all_are_set(logs, tmp_path):
    """Setting all modules overrides what was set for one before, as vlog/set does."""
    logs.set("north:dbg")
    logs.set("any:file:warn")
    Log("north").say("info", "too low")
    assert (tmp_path / "log").read_text() == ""


@pytest.mark.parametrize("spec", ["nonsense", "north:loud", "north:south", "file:console:dbg", "dbg:info"])
def test_unknown_words_are_errors(logs, spec):
    """A word that is no module, destination or level, or the second of its kind, is refused and changes nothing."""
    before = logs.list()
    with pytest.raises(LogError, match=r'^no destination, level, or module "\w+" in "'):
        logs.set(spec)
    assert logs.list() == before


def test_levels_cost_nothing_when_off(logs):
    """A debug line that goes nowhere is not even formatted."""

    class Expensive:
        def __str__(self):
            raise AssertionError

    logging.getLogger("ovn_rules.north").debug("%s", Expensive())
    logs.set("south:file:dbg")
    Log("south").say("dbg", "written")


def test_repeated_line_is_said_a_few_times_then_counted():
    """A line that repeats comes a few times, then once a minute with the number of times it was left out."""
    now = 0.0
    limit = RateLimit(lambda: now)
    said = [limit.admit("m", "no server") for _ in range(100)]
    assert said == [["no server"]] * LINE_BURST + [[]] * (100 - LINE_BURST)
    now = 61.0
    assert limit.admit("m", "no server") == [f"no server (repeated {100 - LINE_BURST} times since)"]
    assert limit.admit("m", "no server") == []
    assert limit.admit("m", "another") == ["another"]
    assert limit.rest() == [("m", "no server (repeated 1 times)")]


def test_many_different_lines_are_bounded():
    """A flood of different lines is cut, the number of those cut is said, and other modules are not cut with it."""
    now = 0.0
    limit = RateLimit(lambda: now)
    said = [limit.admit("m", f"port {i}") for i in range(MODULE_BURST + 50)]
    assert sum(map(len, said)) == MODULE_BURST
    assert limit.admit("other", "fine") == ["fine"]
    now = 10.0
    assert limit.admit("m", "port x") == ["dropped 50 log messages due to excessive rate", "port x"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 200), st.sampled_from("ab"), st.integers(0, 3)), max_size=200))
def test_no_line_is_lost_without_a_count(events):
    """Whatever comes when: lines written plus lines counted as left out are all the lines there were."""
    now = 0.0
    limit = RateLimit(lambda: now)
    total = 0
    for wait, module, text in events:
        now += wait
        for line in limit.admit(module, f"line {text}"):
            total += 1 + int((re.search(r"repeated (\d+) times", line) or [0, 0])[1])
    total += sum(int(re.search(r"(\d+)", text.partition("repeated")[2])[1]) for _, text in limit.rest())
    assert total == len(events)


def test_rest_is_said_at_the_end(tmp_path):
    """What was left out last is counted when the daemon ends."""
    logs = start(tmp_path / "log", ["console:off"])
    for _ in range(LINE_BURST + 7):
        Log("north").say("warn", "again")
    logs.close()
    assert lines(tmp_path / "log")[-1] == ("north", "INFO", "again (repeated 7 times)")


def test_nothing_can_forge_a_line(logs, tmp_path):
    """Control characters in a text, newlines above all, are escaped: a port's name can't write a line of its own."""
    Log("north").say("warn", 'port "x\n2026-01-01T00:00:00.000Z|00002|north|EMER|forged\x1b[2J"')
    ((_, _, text),) = lines(tmp_path / "log")
    assert text == 'port "x\\n2026-01-01T00:00:00.000Z|00002|north|EMER|forged\\x1b[2J"'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('options {"psk": "swordfish", "x": "y"}', 'options {"psk": ***, "x": "y"}'),
        ("options=['map', [['psk', 'swordfish'], ['x', 'y']]]", "options=['map', [['psk', ***], ['x', 'y']]]"),
        ("set interface t options:psk=swordfish", "set interface t options:psk=***"),
        ("password: swordfish; retrying", "password: *** retrying"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nx", "*** private key ***\\nx"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE cut sho", "*** private key ***"),
        ("private key /etc/k.pem does not exist", "private key /etc/k.pem does not exist"),
        ("PSKs are none of these", "PSKs are none of these"),
    ],
)
def test_keys_are_never_logged(text, shown):
    """Private keys and shared secrets don't reach the log, whoever puts them into a text; names of files do."""
    assert clean(text) == shown


def test_exception_is_lines_of_the_log(logs, tmp_path):
    """A traceback, for whoever debugs, comes as lines of the log's form."""
    try:
        raise KeyError("x")  # noqa: TRY301 - for the log
    except KeyError:
        logging.getLogger("ovn_rules.north").exception("failed")
    found = [text for _, _, text in lines(tmp_path / "log")]
    assert found[0] == "failed"
    assert found[-1] == "KeyError: 'x'"


def test_log_file_that_cannot_be_opened(tmp_path):
    """A log file in a folder that doesn't exist is one clear line."""
    with pytest.raises(LogError, match=rf"^can't open log file {tmp_path}/no/log: No such file or directory$"):
        start(tmp_path / "no" / "log")


def test_full_disk_stops_nothing(capsys):
    """A log that can't be written loses its lines, and nothing else happens."""
    logs = start("/dev/full")
    try:
        Log("north").say("warn", "still here")
    finally:
        logs.close()
    assert "still here" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["SIGHUP", "vlog/reopen"])
def test_rotation(daemons, tmp_path, how):
    """After logrotate has moved the file away, SIGHUP and vlog/reopen make lines go to a new one, and none is lost."""
    process = daemons.start("--pidfile", "--log-file", "-vconsole:info")
    daemons.appctl("say", "info", "first")
    (tmp_path / "small.log").rename(tmp_path / "small.log.1")
    daemons.appctl("say", "info", "second")
    if how == "SIGHUP":
        process.send_signal(signal.SIGHUP)
        until((tmp_path / "small.log").exists, "the new file")
    else:
        assert daemons.appctl("vlog/reopen").returncode == 0
    daemons.appctl("say", "info", "third")
    assert [text for _, _, text in lines(tmp_path / "small.log.1")][-2:] == ["first", "second"]
    assert [text for _, _, text in lines(tmp_path / "small.log")] == ["third"]


def test_rotation_that_fails_goes_on(daemons, tmp_path):
    """When the new file can't be opened the answer says why, and lines go on to the old one."""
    (tmp_path / "logs").mkdir()
    daemons.start("--pidfile", f"--log-file={tmp_path}/logs/small.log")
    (tmp_path / "logs").rename(tmp_path / "moved")
    answer = daemons.appctl("vlog/reopen")
    assert answer.returncode == 2
    assert answer.stderr.splitlines()[0] == f"can't open log file {tmp_path}/logs/small.log: No such file or directory"
    daemons.appctl("say", "info", "still written")
    assert lines(tmp_path / "moved" / "small.log")[-1][2] == "still written"


def test_levels_by_control_socket(daemons, tmp_path):
    """vlog/set changes levels of a running daemon, vlog/list shows them, and a wrong word is an error."""
    daemons.start("--pidfile", "--log-file", "-v", "small:file:err")
    daemons.appctl("say", "warn", "too low")
    assert daemons.appctl("vlog/set", "small:file:dbg").returncode == 0
    daemons.appctl("say", "dbg", "now written")
    texts = [text for module, _, text in lines(tmp_path / "small.log") if module == "small"]
    assert texts == ["now written"]
    table = daemons.appctl("vlog/list").stdout.splitlines()
    assert table[0].split() == ["console", "syslog", "file"]
    assert ["small", "INFO", "OFF", "DBG"] in [line.split() for line in table]
    wrong = daemons.appctl("vlog/set", "file:loud")
    assert wrong.returncode == 2
    assert wrong.stderr.splitlines()[0] == 'no destination, level, or module "loud" in "file:loud"'


def test_wrong_level_on_the_command_line(daemons):
    """A wrong --verbose ends the command with one line."""
    done = daemons.run("-vloud")
    assert (done.returncode, done.stderr) == (1, 'ovn-rules: no destination, level, or module "loud" in "loud"\n')


def test_journal_gets_plain_lines(tmp_path):
    """Where standard error is systemd's journal, lines have its priority prefix and neither time nor number."""
    with (tmp_path / "journal").open("w") as journal:
        at = os.fstat(journal.fileno())
        program = (
            "from ovn_rules.cli.log import *; l = start(); Log('m').say('warn', 'text'); Log('m').say('info', 'x')"
        )
        environment = os.environ | {"JOURNAL_STREAM": f"{at.st_dev}:{at.st_ino}"}
        subprocess.run([sys.executable, "-c", program], stderr=journal, env=environment, check=True)
    assert (tmp_path / "journal").read_text() == "<4>m|WARN|text\n<6>m|INFO|x\n"


def test_console_that_went_away(tmp_path):
    """A console that is closed stops nothing: the file still gets its lines."""
    environment = os.environ | {"OVN_RUNDIR": str(tmp_path), "OVS_RUNDIR": str(tmp_path)}
    command = [sys.executable, SMALL, f"--log-file={tmp_path}/log", f"--unixctl={tmp_path}/ctl"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment) as process:
        process.stderr.readline()
        process.stderr.close()
        for text in ("one", "two"):
            subprocess.run(["ovs-appctl", "-t", f"{tmp_path}/ctl", "say", "info", text], check=True)
        process.terminate()
    assert [text for _, _, text in lines(tmp_path / "log")][1:3] == ["one", "two"]
    assert process.returncode == 0
