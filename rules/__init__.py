"""Rule programs: what the network should be, and why."""
