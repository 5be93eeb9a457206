"""The rule programs that commands can load, and the option that chooses one."""

from __future__ import annotations

import click

from ovn_rules.rules.ezbake.programs import EZBAKE

PROGRAMS = {p.name: p for p in (EZBAKE,)}

program_option = click.option(
    "--program", type=click.Choice(sorted(PROGRAMS)), default=EZBAKE.name, show_default=True, help="The rules to load."
)
