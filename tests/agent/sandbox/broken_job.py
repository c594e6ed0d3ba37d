"""A job whose module cannot be imported."""

raise ImportError("broken")
