"""Incremental Datalog for rules written as Python functions."""
