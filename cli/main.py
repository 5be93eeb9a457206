"""The ``ovn-rules`` command. Each of its commands is a module, imported when it is used."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from typing import Any

import click
from click.shell_completion import CompletionItem

from ovn_rules.cli import __version__
from ovn_rules.cli.failure import Failure

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Ask a network": {
        "why": ("ovn_rules.cli.verbs.why:command", "Explain a fact or a flow."),
        "whynot": ("ovn_rules.cli.verbs.whynot:command", "Explain why a fact isn't there."),
        "whatif": ("ovn_rules.cli.verbs.whatif:command", "Show what a change would change."),
        "impact": ("ovn_rules.cli.verbs.impact:command", "Show what depends on a fact, and would vanish with it."),
        "trace": ("ovn_rules.cli.verbs.trace:command", "Follow a packet through the logical network."),
        "history": ("ovn_rules.cli.verbs.history:command", "Tell which transactions made a fact appear or vanish."),
        "query": ("ovn_rules.cli.verbs.query:command", "Find what makes a conjunction of literals true."),
        "watch": ("ovn_rules.cli.verbs.watch:command", "Follow a query's answers as the network changes."),
        "compare": ("ovn_rules.cli.compare:compare", "Compare ovn-northd's southbound database with these rules."),
        "derive": ("ovn_rules.cli.derive:derive", "Print the facts of a relation."),
        "repl": ("ovn_rules.cli.repl.command:repl", "Ask question after question."),
    },
    "Run a network": {
        "daemon": ("ovn_rules.cli.daemon:daemon", "Run the control plane: northd, or a host's controller."),
        "nbctl": ("ovn_rules.cli.nbctl:nbctl", "Look at and change the northbound database."),
        "demo": ("ovn_rules.cli.demo:demo", "Show a network becoming flows, without any server."),
        "sandbox": ("ovn_rules.cli.sandbox:sandbox", "Start real servers, the daemons and a shell, to play with."),
    },
    "Work on rules": {
        "check": ("ovn_rules.cli.check:check", "Check the rules, list relations, show plans."),
        "spec": ("ovn_rules.cli.spec.command:spec", "Hold the rules to specs: what must follow from which rows."),
        "graph": ("ovn_rules.cli.graph:graph", "Show which relation follows from which."),
        "expr": ("ovn_rules.cli.expr:expr", "Show what an expression means, costs and becomes."),
    },
}
"""Heading: name: where the command is, and the line that ``--help`` shows without importing it."""

EPILOG = """\b
Examples:
  ovn-rules demo
  ovn-rules expr 'ip4.src == 10.0.0.0/8 && tcp.dst == {80, 443}'
  ovn-rules nbctl show

\b
Shell completion, for bash (zsh and fish likewise), in ~/.bashrc:
  eval "$(_OVN_RULES_COMPLETE=bash_source ovn-rules)"
"""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used, so that ``--help`` and completion are fast."""

    def __init__(self, *arguments: Any, sections: dict[str, dict[str, tuple[str, str]]], **options: Any) -> None:
        """Takes the commands.

        Args:
            *arguments: As for ``click.Group``.
            sections: Heading in ``--help``: name: (``module:attribute``, help in one line).
            **options: As for ``click.Group``.
        """
        super().__init__(*arguments, **options)
        self.sections = sections
        self._lazy = {name: command for section in sections.values() for name, command in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click passes it
        """All names, as in ``--help``."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        """The command of that name, imported now, or None."""
        if cmd_name not in self._lazy:
            return None
        module, _, attribute = self._lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - likewise
        """The lists of commands in ``--help``, without importing any."""
        width = max(map(len, self._lazy))
        for heading, section in self.sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), line) for name, (_, line) in section.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and options that begin with what was typed."""
        found = [CompletionItem(n, help=h) for n, (_, h) in sorted(self._lazy.items()) if n.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=LazyGroup, sections=SECTIONS, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", "-V", prog_name="ovn-rules", message="%(prog)s %(version)s")
def group() -> None:
    """OVN's control plane as a Datalog program: every flow is a fact with a reason."""


def main() -> None:
    """Runs the command line; the exit status is 0 when done, 1 when the answer is an error, 2 for wrong usage."""
    gc.set_threshold(20_000, 20, 20)  # imports, rules and facts make objects that stay, and hardly a cycle
    try:
        status = group.main(prog_name="ovn-rules", standalone_mode=False)
    except click.exceptions.Abort:
        status = 130
    except Failure as e:
        e.show()
        status = e.exit_code
    except click.ClickException as e:
        print(f"ovn-rules: {_usage_hint(e)}", file=sys.stderr)
        status = e.exit_code
    except BrokenPipeError:
        # Who read the output has seen enough. Python would complain when it flushes it at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except OSError as e:
        where = f"{e.filename}: " if e.filename else ""
        print(f"ovn-rules: {where}{e.strerror or e}", file=sys.stderr)
        status = 1
    sys.exit(status if isinstance(status, int) else 0)


def _usage_hint(error: click.ClickException) -> str:
    """A usage error in one line that says where the help is."""
    text = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    if context is None:
        return text
    return f"{text.rstrip('.')}; see '{context.command_path} --help'"


if __name__ == "__main__":
    main()
