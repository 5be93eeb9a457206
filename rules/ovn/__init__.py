"""Today's OVN: the central program for the schemas of OVN 23.03, as ovn-northd(8) describes it.

``relations`` and ``databases`` say what there is; each other module derives one subject, and ``programs`` puts all of
them together:

- datapaths and ports: ``datapaths``, ``ports``, ``port_*``; addresses that are given to ports: ``ipam``, ``ipam_*``
- the stages of switches: ``switch_*``, ``acls``, ``acl_*``, ``tracking``, ``dhcp``, ``dns``, ``qos``
- the stages of routers: ``routers``, ``router_*``
- rows that these flows become: ``flows``, ``flow_groups``, ``tags``
- what else hosts read: ``sets``, ``multicast``, ``meters``, ``fixed_tables``; what they learnt: ``stale``
- the network as a whole: ``settings``, ``progress``; what is said to administrators: ``matches``, ``port_problems``

``addresses``, ``options``, ``text`` and ``stages`` are what rules read and write with; ``support`` lists what they go
by.
"""
