"""The ``ovn-rules`` command. Each of its commands is a module, imported when it is used."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click
from click.shell_completion import CompletionItem

from ovn_rules.cli import __version__
from ovn_rules.cli.failure import Failure

COMMANDS: dict[str, tuple[str, str]] = {
    "check": ("ovn_rules.cli.check:check", "Check the rules, list relations, show plans."),
    "daemon": ("ovn_rules.cli.daemon:daemon", "Run the control plane."),
    "demo": ("ovn_rules.cli.demo:demo", "Show a network becoming flows, in one process."),
    "derive": ("ovn_rules.cli.derive:derive", "Derive a relation from databases or files."),
    "expr": ("ovn_rules.cli.expr:expr", "Show what an expression means, costs and becomes."),
    "graph": ("ovn_rules.cli.graph:graph", "Show which relation follows from which."),
    "history": ("ovn_rules.cli.verbs.history:command", "Which transactions made a fact appear or vanish."),
    "impact": ("ovn_rules.cli.verbs.impact:command", "What depends on a fact, and what would vanish with it."),
    "nbctl": ("ovn_rules.cli.nbctl:nbctl", "Look at and change the northbound database."),
    "query": ("ovn_rules.cli.verbs.query:command", "Find what makes a conjunction of literals true."),
    "repl": ("ovn_rules.cli.repl.command:repl", "Ask a network, question after question."),
    "sandbox": ("ovn_rules.cli.sandbox:sandbox", "Real servers, the daemons and a shell, in a temporary folder."),
    "spec": ("ovn_rules.cli.spec.command:spec", "Hold the rules to specs: what must follow from which rows."),
    "trace": ("ovn_rules.cli.verbs.trace:command", "Follow a packet through the logical network."),
    "watch": ("ovn_rules.cli.verbs.watch:command", "Follow a query's answers as the network changes."),
    "whatif": ("ovn_rules.cli.verbs.whatif:command", "What a change would change."),
    "why": ("ovn_rules.cli.verbs.why:command", "Explain a fact or a flow."),
    "whynot": ("ovn_rules.cli.verbs.whynot:command", "Why a fact isn't there."),
}
"""Name: where the command is, and the line that ``--help`` shows without importing it."""

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

    def __init__(self, *arguments: Any, lazy: dict[str, tuple[str, str]] | None = None, **options: Any) -> None:
        """Takes the commands.

        Args:
            *arguments: As for ``click.Group``.
            lazy: Name: (``module:attribute``, help in one line).
            **options: As for ``click.Group``.
        """
        super().__init__(*arguments, **options)
        self._lazy = lazy or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted({*super().list_commands(ctx), *self._lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now, or None."""
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in ``--help``, without importing any."""
        rows = [(name, self._lazy[name][1]) for name in self.list_commands(ctx) if name in self._lazy]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and options that begin with what was typed."""
        found = [CompletionItem(n, help=h) for n, (_, h) in sorted(self._lazy.items()) if n.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=LazyGroup, lazy=COMMANDS, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", "-V", prog_name="ovn-rules", message="%(prog)s %(version)s")
def group() -> None:
    """OVN's control plane as a Datalog program: every flow is a fact with a reason."""


def main() -> None:
    """Runs the command line; the exit status is 0 when done, 1 when the answer is an error, 2 for wrong usage."""
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
