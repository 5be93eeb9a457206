"""The logical flow language of ovn-sb(5)."""
