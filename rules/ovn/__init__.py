"""Today's OVN: the central program for the schemas of OVN 23.03, as ovn-northd(8) describes it."""
