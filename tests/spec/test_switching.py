"""What a logical switch does with a frame: the logical tables 0, 1 and 3."""

from network import CENTRAL, spec

FLOOD = "eth.dst[40]"


def to(*ports):
    return " ".join(f'outport = "{p}"; next;' for p in ports)


@spec(*CENTRAL)
def test_empty_switch(net):
    """A switch without ports has its default rows, and floods to nobody."""
    net.switch("sw0")
    assert net.pipeline_of("sw0", 0) == {
        (100, "vlan.present", "drop;"),
        (100, "eth.src[40]", "drop;"),
        (0, "1", "drop;"),
    }
    assert net.pipeline_of("sw0", 1) == {(100, FLOOD, "")}
    assert net.pipeline_of("sw0", 2) == {(0, "1", "next;")}
    assert net.pipeline_of("sw0", 3) == {(100, FLOOD, "output;")}


@spec(*CENTRAL)
def test_deleted_switch(net):
    """Nothing is left of a switch that is deleted."""
    net.switch("sw0")
    net.commit()
    net.delete("nb.Logical_Switch", "sw0")
    assert net["Pipeline"] == set()


@spec(*CENTRAL)
def test_port(net):
    """A port's frames are admitted, frames to its address find it, and it gets what is put out to it."""
    net.switch("sw0")
    net.port("sw0", "a", "02:00:00:00:00:0a")
    assert (50, 'inport == "a"', "next;") in net.pipeline_of("sw0", 0)
    assert (50, "eth.dst == 02:00:00:00:00:0a", to("a")) in net.pipeline_of("sw0", 1)
    assert (50, 'outport == "a"', "output;") in net.pipeline_of("sw0", 3)


@spec(*CENTRAL)
def test_a_port_more(net):
    """One more port is its own rows and one changed flood; all other rows stay as they are."""
    net.switch("sw0")
    net.port("sw0", "b", "02:00:00:00:00:0b")
    net.commit()
    net.port("sw0", "a", "02:00:00:00:00:0a")
    assert net.commit()["Pipeline"] == (
        {("sw0", 1, 100, FLOOD, to("b"))},
        {
            ("sw0", 0, 50, 'inport == "a"', "next;"),
            ("sw0", 1, 50, "eth.dst == 02:00:00:00:00:0a", to("a")),
            ("sw0", 1, 100, FLOOD, to("a", "b")),
            ("sw0", 3, 50, 'outport == "a"', "output;"),
        },
    )


@spec(*CENTRAL)
def test_last_port_gone(net):
    """When the last port goes, the flood stays as a row that does nothing."""
    net.switch("sw0")
    net.port("sw0", "a")
    assert net.pipeline_of("sw0", 1) == {(100, FLOOD, to("a"))}
    net.delete("nb.Logical_Port", "a")
    assert net.pipeline_of("sw0", 1) == {(100, FLOOD, "")}


@spec(*CENTRAL)
def test_switches_apart(net):
    """A flood reaches the ports of its own switch and no others."""
    net.switch("sw0", "sw1")
    net.port("sw0", "a")
    net.port("sw1", "b")
    assert net.pipeline_of("sw0", 1) == {(100, FLOOD, to("a"))}
    assert net.pipeline_of("sw1", 1) == {(100, FLOOD, to("b"))}


@spec(*CENTRAL)
def test_moved_to_another_switch(net):
    """A port that moves to another switch takes all its rows along."""
    net.switch("sw0", "sw1")
    net.port("sw0", "a", "02:00:00:00:00:0a", security=("02:00:00:00:00:0a",))
    before = {f[1:] for f in net["Pipeline"] if f[0] == "sw0"}
    net.port("sw1", "a", "02:00:00:00:00:0a", security=("02:00:00:00:00:0a",))
    assert {f[1:] for f in net["Pipeline"] if f[0] == "sw1"} == before
    assert net.pipeline_of("sw0", 1) == {(100, FLOOD, "")}


@spec(*CENTRAL)
def test_unknown(net):
    """Frames to an address that no port owns go to all ports with "unknown"; without any, there is no such row."""
    net.switch("sw0")
    net.port("sw0", "a", "unknown")
    net.port("sw0", "b", "02:00:00:00:00:0b", "unknown")
    net.port("sw0", "c", "02:00:00:00:00:0c")
    assert (0, "1", to("a", "b")) in net.pipeline_of("sw0", 1)
    assert (50, "eth.dst == 02:00:00:00:00:0b", to("b")) in net.pipeline_of("sw0", 1)
    net.port("sw0", "b", "02:00:00:00:00:0b")
    assert (0, "1", to("a")) in net.pipeline_of("sw0", 1)
    net.delete("nb.Logical_Port", "a")
    assert {row for row in net.pipeline_of("sw0", 1) if row[0] == 0} == set()


@spec(*CENTRAL)
def test_port_names_as_strings(net):
    """Port names stand as JSON strings: quotes, backslashes and tabs escaped, other text as it is."""
    net.switch("sw0")
    for name in ('say "a"', "back\\slash", "a\ttab", "größe 网"):
        net.port("sw0", name)
    assert {m for p, m, _ in net.pipeline_of("sw0", 0) if p == 50} == {
        'inport == "say \\"a\\""',
        'inport == "back\\\\slash"',
        'inport == "a\\ttab"',
        'inport == "größe 网"',
    }


@spec(*CENTRAL)
def test_renamed_switch(net):
    """A switch's name is a label: a new one changes no row."""
    net.switch("sw0")
    net.port("sw0", "a", "02:00:00:00:00:0a")
    net.commit()
    net.put("nb.Logical_Switch", "sw0", name="other")
    assert net.commit() == {}
