"""The May 2015 milestone as a rule program."""
