"""Tools for tables: what is in one, SQL over several, and charts of a result."""
