"""Templates as rows: stored after a check, found by name, listed."""
