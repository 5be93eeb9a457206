"""Verbs on a program about bills of materials: recursion, negation, aggregates, numbers, keys, computed texts."""

import textwrap

import pytest
from asked import ask, shown

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.sources import load_network
from ovn_rules.cli.verbs import impact, query, whatif, why, whynot

RULES = '''
    """Bills of materials."""

    from ovn_rules.engine import Relation, _, allocate, collect, column, pure, rule


    class Part(Relation):
        """A part one can buy or make."""

        name: str = column("its name")
        cents: int = column("its price")
        tags: tuple[str, ...] = column("labels, as they were put on")


    class Uses(Relation):
        """A part is built into another."""

        whole: str = column("the bigger one")
        part: str = column("the smaller one")
        number: int = column("how many")


    class Recalled(Relation):
        """A part that may not be sold."""

        part: str = column("its name")
        reason: str = column("why")


    class Contains(Relation):
        """A part is somewhere in another."""

        whole: str = column("the bigger one")
        part: str = column("the smaller one")


    class Sellable(Relation):
        """May be sold."""

        name: str = column("its name")
        label: str = column("what is printed on it")


    class Price(Relation):
        """The price of the direct parts."""

        whole: str = column("the whole")
        cents: int = column("the sum")


    class Serial(Relation):
        """A number for each kind of part that is sold."""

        name: str = column("its name")
        number: int = column("1 to 3")


    class Kind(Relation, key=("name",)):
        """What kind of thing a part is."""

        name: str = column("its name")
        kind: str = column("the kind")


    @pure
    def label(name: str, cents: int) -> str:
        """Name and price."""
        return f"{name.upper()} {cents / 100:.2f}"


    @rule
    def contains(whole, middle, part):
        """A part of a part is a part."""
        Contains(whole, part) <= Uses(whole, part, _)
        Contains(whole, part) <= Contains(whole, middle) & Contains(middle, part)


    @rule
    def sellable(name, cents):
        """What has a price, isn't recalled and is in nothing that is can be sold."""
        Sellable(name, label(name, cents)) <= Part(name, cents) & (cents > 0) & ~Tainted(name)


    class Tainted(Relation):
        """Has a recalled part in it, or is one."""

        name: str = column("its name")


    @rule
    def tainted(name, part):
        """One recalled part taints the whole."""
        Tainted(name) <= Contains(name, part) & Recalled(part, _)
        Tainted(name) <= Recalled(name, _)


    @rule
    def price(whole, part, number, cents):
        """The sum of what the direct parts cost."""
        Price(whole, sum(number * cents)) <= Uses(whole, part, number) & Part(part, cents)


    @rule
    def serial(name):
        """Numbered as it comes."""
        Serial(name, allocate(1, 3)) <= Sellable(name, _)


    @rule
    def kind(name, tags, tag):
        """A tag that begins with kind: says it."""
        Kind(name, tag[5:]) <= Part(name, tags=tags) & (tag in tags) & tag.startswith("kind:")
'''
FACTS = r"""
Part:
  - [bike, 50000, ["kind:vehicle", "kind:toy"]]
  - [wheel, 4000, ["kind:part", "a b"]]
  - [spoke, 50, []]
  - [hub, 900, []]
  - [ball, 0, []]
  - ["it's \"odd\"\\ ", 5, []]
Uses:
  - [bike, wheel, 2]
  - [wheel, spoke, 36]
  - [wheel, hub, 1]
  - [hub, ball, 8]
  - [hub, hubcap, 1]
  - [hubcap, hub, 1]
Recalled:
  - [hubcap, "falls off; 'really'"]
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A bicycle, of which the hub and its cap contain each other; no test changes it."""
    folder = tmp_path_factory.mktemp("parts")
    (folder / "parts.py").write_text(textwrap.dedent(RULES))
    (folder / "parts.yaml").write_text(FACTS)
    return load_network(None, None, (), str(folder / "parts.py"), None, str(folder / "parts.yaml"))


def test_why_on_a_cycle(world):
    """What contains itself has a reason that doesn't lean on itself, and leads to facts that were given."""
    for everything in (False, True):
        said = shown(why.VERB, ask(world, why.VERB, 'Contains("hub", "hub")', all=everything))
        assert "Contains(whole='hub', part='hub')" in said[0]
        assert any("Uses(whole='hubcap', part='hub')" in line for line in said)
        assert any("circular" in line for line in said) is everything


def test_why_of_what_is_kept_out(world):
    """A fact that has a reason, but whose key another one has, is explained with the one that is kept."""
    said = shown(why.VERB, ask(world, why.VERB, 'Kind("bike", "vehicle")'))
    assert said[0].startswith("Kind(name='bike', kind='vehicle')")
    assert any("toy" in line for line in said)
    assert any("Part(name='bike'" in line for line in said)
    with pytest.raises(Failure, match="no such fact in Kind: Kind\\(name='bike', kind='car'\\)"):
        ask(world, why.VERB, 'Kind("bike", "car")')


def test_whynot_on_a_cycle(world):
    """It ends, and with the change that it found the fact is there."""
    document = ask(world, whynot.VERB, 'Contains("spoke", "bike")')
    (edit,) = document["changes"][0]["edits"]
    assert edit["insert"]["fact"] == {"whole": "spoke", "part": "bike", "number": 2}
    assert edit["chosen"] == ["number"]


@pytest.mark.parametrize(
    "question",
    [
        'Sellable("bike")',
        'Sellable("ball")',
        'Sellable("rocket")',
        'Kind("bike", "car")',
        'Serial("bike")',
        'Tainted("spoke")',
    ],
)
def test_the_smallest_change_works(world, question):
    """Typed into whatif, what was missing would be there."""
    change = ask(world, whynot.VERB, question)["changes"][0]
    edits = [(s, e[k]) for e in change["edits"] for s, k in (("-", "delete"), ("+", "insert")) if e[k]]
    text = "\n".join(sign + as_typed(fact) for sign, fact in edits)
    relation = question.partition("(")[0]
    (found,) = (r for r in ask(world, whatif.VERB, text, all=True)["relations"] if r["relation"] == relation)
    assert change["makes"][0] in found["groups"][0]["inserted"]


def as_typed(fact):
    """A fact as it is asked about."""
    return f"{fact['relation']}({', '.join(f'{c}={v!r}' for c, v in fact['fact'].items())})"


@pytest.mark.parametrize(
    "given", ['Recalled("hubcap")', 'Uses("hub", "hubcap")', 'Uses("wheel", "spoke")', 'Part("bike")']
)
def test_impact_is_what_a_deletion_does(world, given):
    """What would vanish, change and appear is exactly what is different without the fact."""
    claimed = {
        r["relation"]: (r["vanishes"] + r["changes"], r["appears"] + r["changes"])
        for r in ask(world, impact.VERB, given)["relations"]
        if r["vanishes"] + r["changes"] + r["appears"]
    }
    really = ask(world, whatif.VERB, f"-{given}", all=True)["relations"]
    assert claimed == {r["relation"]: (r["deletions"], r["insertions"]) for r in really}


def test_the_order_of_labels(world):
    """A tuple is as it is written: it is inserted so, and found so or with its labels in another order."""
    document = ask(world, whatif.VERB, '+Part("fork", 1, ["z", "a", "z"])', all=True)
    assert document["changes"][0]["groups"][0]["inserted"][0]["fact"]["tags"] == ["z", "a", "z"]
    assert ask(world, why.VERB, 'Part(tags=["a b", "kind:part"])')["more"] == 0


def test_odd_texts(world):
    """Quotes, blanks and backslashes come back as they were."""
    document = ask(world, query.VERB, "Sellable(name, label) & ('odd' in name)")
    assert document["rows"] == [['it\'s "odd"\\ ', 'IT\'S "ODD"\\  0.05']]
    (line, *_) = shown(why.VERB, ask(world, why.VERB, r"""Sellable('it\'s "odd"\\ ')"""))
    assert shown(why.VERB, ask(world, why.VERB, line))[0] == line
