"""The manual page: what the commands say, in roff that every formatter reads, and true."""

import re
import shlex
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ovn_rules.cli import __version__
from ovn_rules.cli.main import SECTIONS, group

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "man" / "ovn-rules.1"
TEXT = PAGE.read_text(encoding="utf-8")

REQUESTS = re.compile("TH|SH|SS|TP|PP|EX|EE|RS|RE|B|I|BR|BI|RI|RB|IR|br|ad|nr")
ESCAPES = re.compile(r"\\(?:f[BIR]|\((?:aq|dq|ga|ha|ti)|[-e& ])")
SIGNS = {r"\(aq": "'", r"\(dq": '"', r"\(ga": "`", r"\(ha": "^", r"\(ti": "~", r"\-": "-", r"\e": "\\"}


@pytest.fixture(scope="module")
def script():
    """What writes the page."""
    loader = SourceFileLoader("make_man", str(ROOT / "scripts" / "make-man"))
    module = module_from_spec(spec_from_loader("make_man", loader))
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A folder with the demonstration's network as ``demo``."""
    folder = tmp_path_factory.mktemp("network")
    assert CliRunner().invoke(group, ["demo", "--save", str(folder / "demo")]).exit_code == 0
    return folder


def every_command():
    """All commands below ``ovn-rules``, as their names and themselves."""
    context = click.Context(group)
    found = [(name, group.get_command(context, name)) for section in SECTIONS.values() for name in section]
    below = [(f"{name} {n}", c) for name, command in found for n, c in getattr(command, "commands", {}).items()]
    return found + below


def unescaped(text):
    """Text as it is shown."""
    return ESCAPES.sub(lambda escape: SIGNS.get(escape[0], ""), text)


def section(heading):
    """The lines below a heading, up to the next of its kind."""
    return re.search(rf'^\.(S[HS]) "?{heading}"?\n(.*?)(?=^\.\1|^\.SH|\Z)', TEXT, re.MULTILINE | re.DOTALL)[2]


def examples(text):
    """The examples in a part of the page, one that goes on after a backslash as one."""
    blocks = re.findall(r"^\.EX\n(.*?)^\.EE$", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in unescaped(block).replace("\\\n", "").splitlines()]


def asked(words, folder):
    """What a command prints that must succeed, with the demonstration's network."""
    files = [w for name in ("nb=nb", "sb=sb", "ovs=host1", "ovs=host2") for w in (
        f"--{name.partition('=')[0]}", f"{folder}/demo/{name.partition('=')[2]}.db")]  # fmt: skip
    done = CliRunner().invoke(group, [*words, *files])
    assert done.exit_code == 0, f"{words}: {done.output} {done.exception}"
    return done.output


def test_page_is_fresh(script):
    """The page is what scripts/make-man writes."""
    assert script.page() == TEXT, "run .venv/bin/python scripts/make-man, and look at the page with man -l"


def test_page_has_every_command_and_option():
    """Each command has its part, with each of its options or where that is told; the version is the package's."""
    described = {h: unescaped(section(re.escape(h))) for h in re.findall(r'^\.SS "(.*)"$', TEXT, re.MULTILINE)}
    shown = unescaped(section("OPTIONS"))
    for name, command in every_command():
        text = described[name.replace("-", "\\-")]
        for option in (p for p in command.params if isinstance(p, click.Option)):
            long = next(o for o in option.opts if o.startswith("--"))
            assert re.search(rf"{long}(?![\w-])", text), f"{name} {long}"
            assert option.help in " ".join(f"{text}\n{shown}".split()), f"{name} {long}"
    assert TEXT.splitlines()[1] == rf'.TH OVN\-RULES 1 "" "ovn\-rules {__version__}" "ovn\-rules manual"'


def test_roff():
    """Requests, escapes and pairs are such as every man(7) has; groff, where it is installed, warns of nothing."""
    assert TEXT.isascii()
    assert not re.findall(r"@\w+@|^'|^\n", TEXT, re.MULTILINE)
    assert all(map(REQUESTS.fullmatch, re.findall(r"^\.(\w+)", TEXT, re.MULTILINE)))
    assert "\\" not in ESCAPES.sub("", re.sub(r'^\.\\".*\n', "", TEXT, flags=re.MULTILINE))
    opened = []
    for request in re.findall(r"^\.(EX|EE|RS|RE|S[HS])", TEXT, re.MULTILINE):
        if request in ("EX", "RS"):
            opened.append(request)
        elif request in ("EE", "RE"):
            assert opened.pop() == {"EE": "EX", "RE": "RS"}[request]
        else:
            assert not opened
    assert not re.findall(r"^\.TP\n(?=\.[TPSER])", TEXT, re.MULTILINE)
    if shutil.which("groff"):
        command = ["groff", "-man", "-Tutf8", "-ww", "-z", str(PAGE)]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == ""


def test_examples_fit(script):
    """No line of an example is wider than a terminal of 80 columns shows it."""
    indent = 4
    for block in re.findall(r"^(\.RS 4\n)?\.EX\n(.*?)^\.EE$", TEXT, re.MULTILINE | re.DOTALL):
        for line in unescaped(block[1]).splitlines():
            assert len(line) <= script.WIDTH - (indent if block[0] else 0), line


def test_folded_examples_are_the_same_commands(script):
    """Where an example is broken into lines, a shell reads the words that it has in one."""
    for name, command in every_command():
        for line in re.findall(r"^ *(ovn-rules .*[^\\\n])$", command.help or "", re.MULTILINE):
            words = [" ".join(word.split()) for word in shlex.split(script.folded(line).replace("\\\n", ""))]
            assert words == shlex.split(line), name
    assert script.folded(f"ovn-rules query '{'a & ' * 20}b' --nb x").count("\n") > 1


@pytest.mark.parametrize(("heading", "verb"), [("FACT and PATTERN", "why"), ("FLOW", "why"), ("QUERY", "query")])
def test_questions(network, heading, verb):
    """The questions that show how they are written are answered."""
    questions = examples(section(heading))
    assert questions
    for question in questions:
        assert asked([verb, question], network)


def test_changes_and_microflows(network):
    """So are the changes, all at once, and the packets."""
    changes = examples(section("CHANGES"))
    output = asked(["whatif", "\n".join(changes)], network)
    assert "name='vm9'" in output
    assert "name='vm2'" in output
    packets = examples(section("DATAPATH and MICROFLOW"))
    assert len(packets) == 2
    for packet in packets:
        assert asked(["trace", "--summary", *shlex.split(packet)], network)


def test_examples_work(network, monkeypatch):
    """The examples of the page that need no server do what is said above them."""
    commands = [shlex.split(line) for line in examples(section("EXAMPLES"))]
    assert commands[0] == ["ovn-rules", "demo", "--save", "demo"]
    monkeypatch.chdir(network / "demo")
    outputs = {}
    for words in (c for c in commands if c[1] in ("why", "trace") or c[:2] == ["ovn-rules", "repl"]):
        done = CliRunner().invoke(group, words[1:], input="status\n")
        assert done.exit_code == 0, f"{words}: {done.output}"
        outputs[words[1]] = done.output
    assert outputs["why"].startswith("OpenFlow(chassis='host1', table=64")
    assert "delivered to vm3 on host2" in outputs["trace"]
    assert len(outputs) == 3


def test_environment():
    """ENVIRONMENT has the variables that the commands read, and no others of ours."""
    read = re.compile(r'environ(?:\.get\(|\[)"(\w+)"|"(\w+)" not in os\.environ')
    sources = [p.read_text(encoding="utf-8") for p in (ROOT / "cli").rglob("*.py")]
    variables = {a or b for source in sources for a, b in read.findall(source)}
    told = set(
        re.findall(
            r"[A-Z]{2,}(?:_[A-Z]+)*", " ".join(re.findall(r"^\.TP\n(.*)$", section("ENVIRONMENT"), re.MULTILINE))
        )
    )
    assert variables <= told
    assert {v for v in told - variables if v.startswith(("OVN", "OVS"))} == set()
