"""Databases, switches and files: what the rules read and write."""
