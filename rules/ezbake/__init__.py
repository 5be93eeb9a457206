"""EZ Bake, the milestone of May 2015, as a rule program.

``relations`` and ``databases`` say what there is; each other module derives one subject:

- central: ``bindings``, ``switching``, ``addresses``
- chassis: ``configuration``, ``tunnels``, ``claims``, ``physical``, ``translation``
- ``stored``: Binding and Pipeline read back from the southbound database, where central isn't loaded

``programs`` puts them together.
"""
