"""``ovn-rules nbctl`` against a real northbound database."""

import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from ovn_rules.cli.nbctl import nbctl
from ovn_rules.cli.nbctl_commands import COMMANDS
from ovn_rules.cli.northbound import Northbound

SCHEMA = Path(__file__).parents[2] / "rules" / "ezbake" / "ovn-nb.ovsschema"
MAC1, MAC2 = "00:00:00:00:00:01", "00:00:00:00:00:02"


class Nbctl:
    """Runs command lines against one server."""

    def __init__(self, server):
        """Takes the server."""
        self.server = server

    def __call__(self, *words):
        """What a command line that works prints."""
        result = self.run(*words)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout

    def run(self, *words):
        """The result of a command line."""
        return CliRunner().invoke(nbctl, [f"--db={self.server.remote}", *words])

    def error(self, *words):
        """The message of a command line that must fail, with status 1, one line and nothing changed."""
        before = self.server.commits()
        result = self.run(*words)
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        (line,) = result.stderr.splitlines()
        assert self.server.commits() == before
        return line.removeprefix("ovn-rules: ")


@pytest.fixture
def nb(ovsdb):
    return Nbctl(ovsdb(SCHEMA))


def uuid_of(nb, table, name):
    (uuid,) = (row["_uuid"][1] for row in nb.server.select(table) if row["name"] == name)
    return uuid


def test_the_log_says_what_was_asked(nb):
    """A transaction's comment is the command line, as a shell reads it; where the database is isn't part of it."""
    nb("lswitch-add", "a b", "--", "lswitch-add", "sw1")
    log = subprocess.run(["ovsdb-tool", "show-log", nb.server.file], capture_output=True, text=True, check=True)
    assert "\"ovn-rules nbctl lswitch-add 'a b' -- lswitch-add sw1\"" in log.stdout


def test_show(nb):
    """``show`` prints switches, ports, parents and addresses in ovn-nbctl's form of that time."""
    nb("lswitch-add", "net0")
    nb("lport-add", "net0", "vm1", "--", "lport-set-macs", "vm1", MAC2, MAC1)
    nb("lport-add", "net0", "c1", "vm1", "42")
    nb("lswitch-add", "net1", "--", "lport-add", "net1", "vm2")
    net0, net1 = uuid_of(nb, "Logical_Switch", "net0"), uuid_of(nb, "Logical_Switch", "net1")
    first = f"""\
    lswitch {net0} (net0)
        lport c1
            parent: vm1, tag:42
        lport vm1
            macs: {MAC1} {MAC2}
"""
    second = f"""\
    lswitch {net1} (net1)
        lport vm2
"""
    assert nb("show") == first + second
    assert nb("show", "net1") == nb("show", net1) == second


def test_switches(nb):
    """Switches are added, with a name or without, listed and deleted by name or UUID."""
    nb("lswitch-add", "a")
    nb("lswitch-add")
    unnamed = uuid_of(nb, "Logical_Switch", "")
    assert nb("lswitch-list") == f"{unnamed} ()\n{uuid_of(nb, 'Logical_Switch', 'a')} (a)\n"
    nb("lswitch-del", unnamed.upper())
    nb("lswitch-del", "a")
    assert nb("lswitch-list") == ""


def test_ports(nb):
    """What is set of a port is what is printed of it."""
    nb("lswitch-add", "s")
    nb("lport-add", "s", "p")
    nb("lport-add", "s", "c", "p", "0")
    assert nb("lport-list", "s") == f"{uuid_of(nb, 'Logical_Port', 'c')} (c)\n{uuid_of(nb, 'Logical_Port', 'p')} (p)\n"
    assert nb("lport-get-parent", "c") == "p\n"
    assert nb("lport-get-tag", "c") == "0\n"
    assert nb("lport-get-parent", "p") == nb("lport-get-tag", "p") == ""
    nb("lport-set-macs", "p", "unknown", MAC1, f"{MAC2} 10.0.0.1", MAC1)
    assert nb("lport-get-macs", "p") == f"{MAC1}\n{MAC2} 10.0.0.1\nunknown\n"
    nb("lport-set-macs", "p")
    assert nb("lport-get-macs", "p") == ""
    nb("lport-set-port-security", "p", MAC2, MAC1)
    assert nb("lport-get-port-security", "p") == f"{MAC1}\n{MAC2}\n"
    nb("lport-del", uuid_of(nb, "Logical_Port", "c"))
    assert nb("lport-list", "s") == f"{uuid_of(nb, 'Logical_Port', 'p')} (p)\n"


def test_up(nb):
    """``lport-get-up`` prints down until northd has said that a chassis has the port."""
    nb("lswitch-add", "s", "--", "lport-add", "s", "p")
    assert nb("lport-get-up", "p") == "down\n"
    for value, text in ((True, "up\n"), (False, "down\n")):
        nb.server.transact({"op": "update", "table": "Logical_Port", "where": [], "row": {"up": value}})
        assert nb("lport-get-up", "p") == text


@pytest.mark.parametrize("kind", ["lswitch", "lport"])
def test_external_ids(nb, kind):
    """External ids are set, replaced, printed one or all, and taken out by leaving the value away."""
    nb("lswitch-add", "x", "--", "lport-add", "x", "x")
    nb(f"{kind}-set-external-id", "x", "b", "2", "--", f"{kind}-set-external-id", "x", "a", "1")
    nb(f"{kind}-set-external-id", "x", "b", "two words")
    assert nb(f"{kind}-get-external-id", "x") == "a=1\nb=two words\n"
    assert nb(f"{kind}-get-external-id", "x", "b") == "two words\n"
    assert nb(f"{kind}-get-external-id", "x", "c") == ""
    nb(f"{kind}-set-external-id", "x", "b")
    assert nb(f"{kind}-get-external-id", "x") == "a=1\n"


def test_acls(nb):
    """ACLs are listed as today's ovn-nbctl lists them, and deleted one, by direction, or all."""
    nb("lswitch-add", "s")
    nb("acl-add", "s", "to-lport", "100", "ip4", "drop")
    nb(
        "acl-add",
        "s",
        "from-lport",
        "100",
        "ip4",
        "allow",
        "--",
        "acl-add",
        "s",
        "1001",
        "tcp.dst == 22",
        "allow-related",
    )
    nb("--log", "acl-add", "s", "to-lport", "7", "ip6", "reject")
    assert (
        nb("acl-list", "s")
        == """\
from-lport   100 (ip4) allow
  to-lport  1001 (tcp.dst == 22) allow-related
  to-lport   100 (ip4) drop
  to-lport     7 (ip6) reject log()
"""
    )
    nb("acl-del", "s", "to-lport", "100", "ip4")
    nb("acl-del", "s", "7", "ip6")
    assert nb("acl-list", "s") == "from-lport   100 (ip4) allow\n  to-lport  1001 (tcp.dst == 22) allow-related\n"
    nb("acl-del", "s", "from-lport")
    assert nb("acl-list", "s") == "  to-lport  1001 (tcp.dst == 22) allow-related\n"
    nb("acl-del", "s")
    assert nb("acl-list", "s") == ""


def test_same_acl_twice(nb):
    """The same ACL again is an error, or with --may-exist nothing; of the other direction it is another."""
    nb("lswitch-add", "s", "--", "acl-add", "s", "to-lport", "5", "ip4", "drop")
    assert nb.error("acl-add", "s", "5", "ip4", "allow") == "s: has this ACL already: to-lport 5 (ip4)"
    nb("--may-exist", "acl-add", "s", "to-lport", "5", "ip4", "drop")
    nb("acl-add", "s", "from-lport", "5", "ip4", "drop")
    assert len(nb.server.select("ACL")) == 2


def test_command_line_is_one_transaction(nb):
    """Commands separated by ``--`` see what those before did, and are one record of the database."""
    before = nb.server.commits()
    words = "lswitch-add s -- lport-add s p -- lport-set-macs p m -- lport-get-macs p -- lport-add s q -- lport-del q"
    assert nb("--", *words.split()) == "m\n"
    assert nb.server.commits() == before + 1
    assert [(p["name"], p["macs"]) for p in nb.server.select("Logical_Port")] == [("p", "m")]
    assert nb.error("lport-add", "s", "r", "--", "lport-del", "nosuch").startswith("nosuch: ")


def test_names_that_look_like_new_rows(nb):
    """A port may have any name, also one that is used for rows inside a transaction."""
    nb("lswitch-add", "new0", "--", "lport-add", "new0", "new0", "--", "lport-add", "new0", "new1", "new0", "1")
    assert sorted(p["name"] for p in nb.server.select("Logical_Port")) == ["new0", "new1"]


def test_may_exist_and_if_exists(nb):
    """With --may-exist and --if-exists a command that finds its work done does nothing, wherever the option stands."""
    nb("lswitch-add", "s", "--", "lport-add", "s", "p", "--", "lport-add", "s", "c", "p", "3")
    before = nb.server.commits()
    nb("--may-exist", "lswitch-add", "s")
    nb("lport-add", "--may-exist", "s", "p")
    nb("--may-exist", "lport-add", "s", "c", "p", "3")
    nb("--if-exists", "lport-del", "gone", "--", "--if-exists", "lswitch-del", "gone")
    assert nb.server.commits() == before
    nb("lswitch-add", "t")
    t_error = nb.error("--may-exist", "lport-add", "t", "p")
    assert re.fullmatch(r"p: this logical port exists already, on another switch \([-0-9a-f]{36}\)", t_error)
    assert (
        nb.error("--may-exist", "lport-add", "s", "c")
        == "c: this logical port exists already, with another parent or tag"
    )


def test_ambiguous_names(nb):
    """A name that two switches have is an error that says so and gives the UUIDs; either UUID works."""
    nb("lswitch-add", "s", "--", "lswitch-add", "s")
    one, two = sorted(row["_uuid"][1] for row in nb.server.select("Logical_Switch"))
    expected = f"s: there is more than one logical switch of this name; use a UUID: {one}, {two}"
    for words in (["lport-add", "s", "p"], ["lswitch-del", "s"], ["show", "s"], ["acl-list", "s"]):
        assert nb.error(*words) == expected
    nb("lport-add", two, "p")
    nb("lswitch-del", one)
    assert nb("lport-list", "s").endswith(" (p)\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("lport-add nosuch q", "nosuch: no logical switch has this name or UUID"),
        ("lport-set-macs nosuch m", "nosuch: no logical port has this name or UUID"),
        (
            "lport-get-up 00000000-0000-0000-0000-000000000001",
            "00000000-0000-0000-0000-000000000001: no logical port has this name or UUID",
        ),
        ("lport-add s p", "p: a logical port of this name exists already"),
        ("lport-add s q p", "lport-add takes PARENT and TAG together: lport-add LSWITCH LPORT [PARENT TAG]"),
        ("lport-add s q p 4096", "4096: no tag; a VLAN tag is a number from 0 to 4095"),
        ("lport-add s q p -1", "-1: no tag; a VLAN tag is a number from 0 to 4095"),
        ("lswitch-del s", "s: still has 1 port; delete first (lport-del)"),
        ("acl-add s 0 ip4 drop", "0: no priority; an ACL's priority is a number from 1 to 65535"),
        ("acl-add s to-lport 65536 ip4 drop", "65536: no priority; an ACL's priority is a number from 1 to 65535"),
        ("acl-add s 5 ip4 permit", "permit: no action of an ACL; it is one of allow, allow-related, drop, reject"),
        (
            "acl-add s sideways 5 ip4 drop",
            "sideways: no direction and no priority; a direction is from-lport or to-lport",
        ),
        (
            "acl-del s to-lport 5",
            "acl-del takes PRIORITY and MATCH together: acl-del LSWITCH [DIRECTION] [PRIORITY MATCH]",
        ),
    ],
)
def test_errors(nb, words, message):
    """A command that can't be done ends with status 1 and one line that says why, and changes nothing."""
    nb("lswitch-add", "s", "--", "lport-add", "s", "p")
    assert nb.error(*words.split()) == message


@pytest.mark.parametrize(
    "words", ["", "nonsense", "show a b", "lport-add s", "--may-exist show", "acl-add s", "--may-exist"]
)
def test_wrong_usage(nb, words):
    """A command line that is none ends with status 2, before any server is asked."""
    nb.server.stop()
    assert nb.run(*words.split()).exit_code == 2


def test_lost_race_is_tried_again(nb, monkeypatch):
    """When what a command went by has changed before it commits, it starts again from what is there now."""
    nb("lswitch-add", "s")
    commit = Northbound.commit
    raced = []

    def late(self, comment):
        if not raced:
            raced.append(True)
            row = {"name": "p", "lswitch": ["uuid", uuid_of(nb, "Logical_Switch", "s")]}
            nb.server.transact({"op": "insert", "table": "Logical_Port", "row": row})
        return commit(self, comment)

    monkeypatch.setattr(Northbound, "commit", late)
    nb("--may-exist", "lport-add", "s", "p")
    assert len(nb.server.select("Logical_Port")) == 1


def test_parallel_changes_are_all_kept(nb):
    """Ten command lines that set different keys of one row at the same time lose nothing."""
    nb("lswitch-add", "s")
    threads = [threading.Thread(target=nb.run, args=("lswitch-set-external-id", "s", f"k{i}", "v")) for i in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert nb("lswitch-get-external-id", "s").split() == [f"k{i}=v" for i in range(10)]


def test_no_server(tmp_path):
    """Without a server the message says where it was looked for and how to say where it is."""
    result = CliRunner().invoke(nbctl, ["show"], env={"OVN_NB_DB": f"unix:{tmp_path}/none"})
    assert result.exit_code == 1
    assert result.stderr == (
        f"ovn-rules: unix:{tmp_path}/none can't be reached: No such file or directory; "
        "is ovsdb-server running there? (--db or OVN_NB_DB says where)\n"
    )


def test_next_server_is_tried(nb, tmp_path):
    """Of several remotes the first that answers is used."""
    result = CliRunner().invoke(nbctl, [f"--db=unix:{tmp_path}/none,{nb.server.remote}", "lswitch-add", "s"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(nb.server.select("Logical_Switch")) == 1


def test_silent_server(nb):
    """A server that doesn't answer is given up after --timeout."""
    nb.server.freeze()
    try:
        assert nb.run("--timeout=0.2", "show").stderr == f"ovn-rules: {nb.server.remote} did not answer within 0.2 s\n"
    finally:
        nb.server.thaw()


def test_wrong_schema(ovsdb):
    """A northbound database of today's OVN is refused with the tool to use instead; another database is named."""
    today = Nbctl(ovsdb("/usr/share/ovn/ovn-nb.ovsschema"))
    assert re.fullmatch(
        rf"{today.server.remote}: OVN_Northbound there is not of the EZ Bake schema \(version [0-9.]+, "
        r"no table Logical_Port\); for today's schema use ovn-nbctl",
        today.error("show"),
    )
    other = Nbctl(ovsdb("/usr/share/openvswitch/vswitch.ovsschema"))
    assert other.error("show") == f"{other.server.remote} has no database OVN_Northbound; it has: Open_vSwitch"


def test_refusal_of_the_server(ovsdb):
    """What the database refuses is said with its reason, in one line."""
    schema = json.loads(SCHEMA.read_text())
    schema["tables"]["Logical_Switch"]["columns"]["name"]["type"] = {"key": {"type": "string", "maxLength": 3}}
    nb = Nbctl(ovsdb(schema))
    message = nb.error("lswitch-add", "much too long")
    assert message.startswith("the database refuses this: constraint violation: ")
    assert "13" in message


def test_exit_status_and_speed_of_the_program(nb):
    """The installed program answers with the same statuses, and loads neither rules nor engine for it."""
    heavy = ("networkx", "rich", "ovsdbapp", "pyDatalog", "ovn_rules.engine", "ovn_rules.rules")
    program = (
        "import sys; from ovn_rules.cli.main import main\n"
        "try: main()\n"
        f"finally: print([m for m in {heavy} if m in sys.modules])"
    )
    for words, status in ((["lswitch-add", "s"], 0), (["lswitch-del", "x"], 1), (["x"], 2)):
        command = [sys.executable, "-c", program, "nbctl", f"--db={nb.server.remote}", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (status, "[]\n"), done.stderr


def test_help_names_every_command():
    """``--help`` shows the usage of every command."""
    text = CliRunner().invoke(nbctl, ["--help"]).stdout
    for name, each in COMMANDS.items():
        assert f"{name} {each.usage}".rstrip() in text
