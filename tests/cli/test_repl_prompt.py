"""Typing a question: what is suggested, what Enter does, what is coloured."""

import subprocess

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from transcripts import PROGRAM

from ovn_rules.cli.following import Following
from ovn_rules.cli.repl.colours import QuestionLexer
from ovn_rules.cli.repl.completion import QuestionCompleter
from ovn_rules.cli.repl.local import Local
from ovn_rules.cli.repl.prompt import make_editor


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The demonstration's network."""
    folder = tmp_path_factory.mktemp("network")
    subprocess.run([*PROGRAM, "demo", "--save", str(folder)], check=True, capture_output=True)
    hosts = [str(folder / f"host{i}.db") for i in (1, 2)]
    following = Following(str(folder / "nb.db"), str(folder / "sb.db"), hosts, "ezbake", print)
    following.load()
    return Local(following)


@pytest.fixture
def typed(world, tmp_path, monkeypatch):
    """What is asked when something is typed."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def type_in(keys):
        with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
            pipe.send_text(keys)
            return make_editor(world).prompt()

    return type_in


def suggested(world, text, *, asked=True, eager=True):
    """What becomes of a text with each suggestion."""
    event = CompleteEvent(completion_requested=asked)
    found = QuestionCompleter(world, eager=eager).get_completions(Document(text), event)
    return [text[: len(text) + c.start_position] + c.text for c in found]


@pytest.mark.parametrize(
    ("text", "suggestions"),
    [
        ("sho", ["show"]),
        ("wh", ["whatif", "why", "whynot"]),
        ("help rel", ["help relations", "help reload"]),
        ("format ", ["format json", "format text"]),
        ("show nb.Logical_S", ["show nb.Logical_Switch"]),
        ("show logical_s", ["show nb.Logical_Switch"]),
        ("whynot portk", ["whynot PortKey("]),
        ("show Binding(logical_p", ["show Binding(logical_port="]),
        ("show Binding(logical_port=vm1, logical_p", []),
        ("show Binding(_, vm1, t", ["show Binding(_, vm1, tunnel_key=", "show Binding(_, vm1, tag="]),
        ('show Binding(logical_port="vm', [f'show Binding(logical_port="vm{i}"' for i in (1, 2, 3)]),
        ("show Binding(logical_port= vm", [f'show Binding(logical_port= "vm{i}"' for i in (1, 2, 3)]),
        ('show Binding(logical_port="(", tunnel_key=2', ['show Binding(logical_port="(", tunnel_key=2']),
        ('show Binding(logical_port="nobody', []),
        (
            "query Binding(logical_port=x) & PortKey(name=x, ke",
            ["query Binding(logical_port=x) & PortKey(name=x, key="],
        ),
        ("show Binding --li", ["show Binding --limit"]),
        ("show --li", ["show --limit"]),
        ("show Binding --format j", ["show Binding --format json"]),
        ("rules deliver_", ["rules deliver_unicast", "rules deliver_unknown"]),
        ("show Nothing(x", []),
        ("wyh Binding(", []),
    ],
)
def test_suggestions(world, text, suggestions):
    """Verbs, relations by name or by table, columns that aren't given yet, values that are there, options."""
    assert sorted(suggested(world, text)) == sorted(suggestions)


def test_what_begins_so_comes_first(world):
    """Relations that begin with what is typed come before tables of databases that are called so."""
    assert suggested(world, "show bind") == ["show Binding", "show BindingChassis", "show sb.Binding"]


def test_files_are_suggested(world, tmp_path):
    """After > names of files."""
    (tmp_path / "answer.txt").touch()
    assert suggested(world, f"show Binding > {tmp_path}/an") == [f"show Binding > {tmp_path}/answer.txt"]


def test_values_from_afar_are_looked_up_on_demand(world):
    """A daemon isn't asked for values at each key."""
    text = "show Binding(logical_port="
    assert suggested(world, text, asked=False, eager=False) == []
    assert len(suggested(world, text, asked=True, eager=False)) == 6
    assert len(suggested(world, text, asked=False, eager=True)) == 6


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("show Binding(\rlogical_port=vm1\r)\r", "show Binding(\nlogical_port=vm1\n)"),
        ("show Binding(\r\r", "show Binding(\n"),
        ("show A &\rB\r", "show A &\nB"),
        ("show \\\rA\r", "show \\\nA"),
        ("show A\r", "show A"),
        ('show "("\r', 'show "("'),
    ],
)
def test_several_lines(typed, keys, text):
    """Enter goes on with a question that isn't finished, and asks one that is; an empty line asks it as it is."""
    assert typed(keys) == text


def coloured(world, text):
    """The styles of the words of a line."""
    fragments = [
        f for line in range(text.count("\n") + 1) for f in QuestionLexer(world).lex_document(Document(text))(line)
    ]
    return {word.strip(): style.removeprefix("class:") for style, word in fragments if style}


def test_colours(world):
    """Verbs, relations, columns, texts, variables and options are told apart, and what isn't there from what is."""
    found = coloured(world, 'why Binding(logical_port="vm1", chassis=where) & Bindin(\n x) --depth 3')
    assert found == {
        "why": "verb",
        "Binding": "relation",
        "logical_port": "column",
        '"vm1"': "string",
        "chassis": "column",
        "where": "variable",
        "Bindin": "unknown",
        "x": "variable",
        "--depth": "option",
    }
    assert coloured(world, "wyh x") == {"wyh": "unknown"}
    assert coloured(world, "# say") == {"# say": "comment"}
    assert coloured(world, "wh") == {}
    assert coloured(world, "why actions=resubmit(,17)") == {"why": "verb", "actions": "column"}
