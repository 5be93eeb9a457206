"""What can be asked of a network: one module a verb, the same on the command line, in the REPL and in a daemon."""
