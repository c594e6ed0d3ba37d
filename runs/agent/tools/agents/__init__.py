"""Tools that call other agents."""
