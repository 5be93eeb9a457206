"""How commands fail: one line on standard error, and the exit status that says what kind of failure it was."""

from __future__ import annotations

from typing import IO, Any

import click


class Failure(click.ClickException):
    """The answer is an error: one line that says what was wrong, where, and what to do. Exit status 1."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints the line, with the program's name before it."""
        click.echo(f"ovn-rules: {self.format_message()}", err=file is None, file=file)
