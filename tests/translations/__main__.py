"""Bring `locale/` up to date with the sources: `python -m tests.translations`.

It finds the marked strings in templates, modules and scripts, keeps the translations that there are, and makes the
`.mo` files and `static/words/`. It needs no GNU gettext. `locale/README.md` tells how a string is translated.
"""

import sys

from tests.translations.messages import set_up


def main() -> int:
    """Update all catalogs, and say how much is left to translate."""
    set_up()
    from tests.translations import catalogs

    catalogs.update()
    for language in catalogs.FOLDERS:
        catalog = catalogs.read(language)
        left = len(catalog.untranslated_entries()) + len(catalog.fuzzy_entries())
        print(f"{language}: {len(catalog.translated_entries())} translated, {left} left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
