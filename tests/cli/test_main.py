"""The ``ovn-rules`` command itself: help, version, completion, exit statuses."""

import os
import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from ovn_rules.cli import __version__
from ovn_rules.cli.main import SECTIONS, group

PROGRAM = [sys.executable, "-c", "import sys; sys.argv[0] = 'ovn-rules'; from ovn_rules.cli.main import main; main()"]


def ovn_rules(*words, **environment):
    return subprocess.run(
        [*PROGRAM, *words], capture_output=True, text=True, check=False, timeout=60, env=os.environ | environment
    )


def every_command():
    """All commands, those inside groups too, as lists of words."""
    found = []
    context = click.Context(group)

    def walk(command, words):
        if words:
            found.append((words, command))
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                walk(command.get_command(context, name), [*words, name])

    walk(group, [])
    return found


def test_version():
    """``--version`` prints name and version."""
    done = ovn_rules("--version")
    assert (done.returncode, done.stdout) == (0, f"ovn-rules {__version__}\n")


def test_help_lists_every_command():
    """``--help`` shows each command with its line below a heading, and how to have completion."""
    text = CliRunner().invoke(group, ["--help"], terminal_width=200).output
    for heading, section in SECTIONS.items():
        listed = re.search(rf"^{heading}:\n((?:  .*\n)*)", text, re.MULTILINE)[1]
        assert [line.split(maxsplit=1) for line in listed.splitlines()] == [
            [n, line] for n, (_, line) in section.items()
        ]
    assert "_OVN_RULES_COMPLETE=bash_source" in text


@pytest.mark.parametrize(
    ("words", "command"), every_command(), ids=lambda v: " ".join(v) if isinstance(v, list) else ""
)
def test_every_command_has_help_with_examples(words, command):
    """Each command has a help text, with examples unless it is a group of others."""
    result = CliRunner().invoke(group, [*words, "--help"])
    assert result.exit_code == 0
    if not isinstance(command, click.Group):
        assert " ".join(words) in re.split(r"\n +Examples?:\s", result.output)[1], result.output


def test_help_imports_no_command():
    """``--help``, ``--version`` and completing a command's name import neither commands nor libraries they need."""
    program = (
        "import sys; from ovn_rules.cli.main import main\n"
        "try: main()\n"
        "finally: sys.stderr.write(' '.join(m for m in sys.modules if m.startswith(('ovn_rules.', 'ovs', 'rich'))))"
    )
    completion = {"_OVN_RULES_COMPLETE": "bash_complete", "COMP_WORDS": "ovn-rules n", "COMP_CWORD": "1"}
    for words, environment in (["--help"], {}), (["--version"], {}), ([], completion):
        command = [sys.executable, "-c", program, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)
        loaded = set(done.stderr.split())
        assert loaded == {"ovn_rules.cli", "ovn_rules.cli.main", "ovn_rules.cli.failure"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ovn-rules n", ["nbctl"]),
        ("ovn-rules daemon ", ["controller", "northd"]),
        ("ovn-rules expr --pro", ["--program"]),
        ("ovn-rules expr --program e", ["ezbake"]),
    ],
)
def test_completion_of_words(words, expected):
    """What bash asks while a person types is answered with the commands, options and choices that fit."""
    typed = words.split(" ")
    environment = {
        "_OVN_RULES_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(typed) - 1),
    }
    done = ovn_rules(**environment)
    assert [line.partition(",")[2] for line in done.stdout.splitlines()] == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell):
    """The line that ``--help`` gives for a shell produces a script for it."""
    done = ovn_rules(_OVN_RULES_COMPLETE=f"{shell}_source")
    assert (done.returncode, done.stderr) == (0, "")
    assert "_OVN_RULES_COMPLETE" in done.stdout


def test_completion_in_bash(tmp_path):
    """In bash, after the line that ``--help`` gives, Tab completes a command."""
    installed = tmp_path / "ovn-rules"
    installed.write_text(f"#!{sys.executable}\nfrom ovn_rules.cli.main import main\nmain()\n")
    installed.chmod(0o755)
    script = (
        'eval "$(_OVN_RULES_COMPLETE=bash_source ovn-rules)"\n'
        "COMP_WORDS=(ovn-rules sand); COMP_CWORD=1\n"
        "$(complete -p ovn-rules | sed 's/.*-F \\([^ ]*\\).*/\\1/') ovn-rules\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert done.stdout == "sandbox\n", done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nonsense"], "ovn-rules: No such command 'nonsense'; see 'ovn-rules --help'\n"),
        (["--nonsense"], "ovn-rules: No such option '--nonsense'; see 'ovn-rules --help'\n"),
        (["expr"], "ovn-rules: Missing argument 'EXPRESSION'; see 'ovn-rules expr --help'\n"),
        (
            ["derive", "Binding", "--format", "xml"],
            (
                "ovn-rules: Invalid value for '--format': 'xml' is not one of 'table', 'json', 'csv', 'flows'; "
                "see 'ovn-rules derive --help'\n"
            ),
        ),
    ],
)
def test_wrong_usage_is_one_line(words, message):
    """Wrong usage ends with status 2 and one line that says what is wrong and where the help is."""
    done = ovn_rules(*words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_without_a_command_there_is_help():
    """Without a command the help is shown, with status 2."""
    done = ovn_rules()
    assert done.returncode == 2
    assert "Usage: ovn-rules" in done.stdout + done.stderr
