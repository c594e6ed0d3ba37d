"""Tools that ask people."""
