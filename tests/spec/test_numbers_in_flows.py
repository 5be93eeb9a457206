"""What a restarted host reads from its flows, and the ids that it would like."""

from ovn_rules.rules.ezbake.translation import likely_id, numbers_in


def test_numbers_in_flows():
    """A flow tells a port key and the number of its logical switch, in its match or in its actions, or nothing."""
    assert numbers_in("reg6=0x4,metadata=0x2", "resubmit(,17)") == ((4, 2),)
    assert numbers_in("in_port=3", "set_field:0x5->metadata,set_field:0x1f->reg6,resubmit(,16)") == ((31, 5),)
    assert numbers_in("metadata=0x1,dl_dst=02:00:00:00:00:0a", "set_field:0x2->reg7,resubmit(,18)") == ((2, 1),)
    assert numbers_in("metadata=0x1", "drop") == ()
    assert numbers_in("reg7=0x1", "output:3") == ()


def test_likely_ids_are_in_range():
    """An id of a conjunction has 20 bits, and 0 is none."""
    found = {likely_id("sw0", 2, priority, "ip4") for priority in range(1, 32768)}
    # These two have the least and the greatest.
    found |= {likely_id("sw0", 2, 100, f"tcp.dst == {n}") for n in (2327170, 2501185)}
    assert min(found) == 1
    assert max(found) == 2**20 - 1
