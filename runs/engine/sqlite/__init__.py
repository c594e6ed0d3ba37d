"""Django's SQLite backend behind a fair write gate. Named as `ENGINE` in the settings."""
