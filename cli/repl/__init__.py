"""A session: questions to a network, one after the other."""
