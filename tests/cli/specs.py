"""Small spec files, and a rule program outside of networking that they are about."""

import textwrap
from pathlib import Path

from click.testing import CliRunner

from ovn_rules.cli.spec.command import spec

PLACES = '''
    """Places and the ways between them."""

    from ovn_rules.engine import Relation, allocate, collect, column, pure, rule


    class Link(Relation):
        """A way from one place to another."""

        start: str = column("where it begins")
        end: str = column("where it ends")


    class Closed(Relation):
        """A place that nobody may enter."""

        place: str = column("its name")


    class Height(Relation, key=("place",)):
        """How high a place is."""

        place: str = column("its name")
        metres: int = column("above the sea")


    class Reach(Relation):
        """What can be reached from where."""

        start: str = column("from here")
        end: str = column("one gets there")


    class Number(Relation):
        """A place's number."""

        place: str = column("its name")
        number: int = column("1 to 99")


    class Sign(Relation):
        """What can be reached from a place, in one fact."""

        place: str = column("where it stands")
        ends: tuple[str, ...] = column("places")


    class Top(Relation, key=("start",)):
        """The height of what can be reached."""

        start: str = column("from here")
        part: int = column("a thousandth of the height, or less")


    @pure
    def divided(metres: int) -> int:
        """A thousand by so many."""
        return 1000 // metres


    @rule
    def reach(start, middle, end):
        """One gets to where a way ends, and on from there, unless the place is closed."""
        Reach(start, end) <= Link(start, end) & ~Closed(end)
        Reach(start, end) <= Reach(start, middle) & Link(middle, end) & ~Closed(end)


    @rule
    def number(place):
        """Every place that can be reached has a number of its own."""
        Number(place, allocate(1, 99)) <= Reach(_, place)


    @rule
    def sign(place, end):
        """A sign lists what can be reached."""
        Sign(place, collect(end)) <= Reach(place, end)


    @rule
    def top(start, end, metres):
        """High places have a small part."""
        Top(start, divided(metres)) <= Reach(start, end) & Height(end, metres)
'''

HEAD = """\
subject: Places
program: places.py
cases:
"""


class Folder:
    """A folder with the program and spec files about it."""

    def __init__(self, path):
        """Writes the program."""
        self.path = Path(path)
        program = textwrap.dedent(PLACES).replace("allocate, collect", "_, allocate, collect")
        self.write("places.py", program)

    def write(self, name, text):
        """A file in it."""
        path = self.path / name
        path.write_text(text, encoding="utf-8")
        return path

    def spec(self, cases, *, head=HEAD, name="places.yaml"):
        """A spec file with cases."""
        return self.write(name, head + textwrap.indent(textwrap.dedent(cases).lstrip("\n"), "  "))


def run(*arguments, **how):
    """Run ``ovn-rules spec`` in this process."""
    return CliRunner().invoke(spec, list(map(str, arguments)), **how)


def said(result):
    """The one line that a failure is, without the program's name."""
    assert result.exit_code == 1, result.output
    assert result.output.startswith("ovn-rules: ")
    return result.output.removeprefix("ovn-rules: ").rstrip("\n")
