"""The ovn-rules command."""
