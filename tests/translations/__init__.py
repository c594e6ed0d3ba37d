"""Translations: extraction, catalogs, and the search for strings that nobody marked."""
