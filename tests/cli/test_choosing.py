"""Which rules are loaded when nobody says so: those that the databases are for."""

import pytest
from recorded import one_line, run

from ovn_rules.cli.choosing import SCHEMAS, chosen_name, program_of
from ovn_rules.cli.programs import DEFAULT, SHIPPED, find_program


@pytest.mark.parametrize("name", SHIPPED)
def test_a_schema_tells_its_program(name):
    """Each of a program's own databases that central serves, and under the name that servers have it by."""
    databases = find_program(name).databases
    for database in ("nb", "sb"):
        schema = databases[database].schema
        assert program_of(schema.tables) == name
        assert schema.name == SCHEMAS[database]


def test_nothing_tells(tmp_path):
    """What can't be read doesn't tell either: whoever reads it says why; what is named counts."""
    nowhere = {"nb": [str(tmp_path / "none.db")], "sb": [f"unix:{tmp_path}/none.sock"]}
    assert chosen_name(None, nowhere) == DEFAULT
    assert chosen_name("ovn", nowhere) == "ovn"


def test_a_controller_needs_rules_for_hosts():
    """Those of today's OVN are for the central host: no idle daemon is started."""
    done = run("daemon", "controller", "--program", "ovn")
    assert one_line(done) == (1, "the program ovn has no rules for hosts; they run ovn-controller(8)")
