"""Django's SQLite backend behind the gate. Named as `ENGINE` in the settings."""
