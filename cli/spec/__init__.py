"""Rule specs: cases in YAML that say what follows from which rows, and how to hold a rule program to them."""
