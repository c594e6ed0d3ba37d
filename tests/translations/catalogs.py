"""The catalogs: `locale/<language>/LC_MESSAGES/django.po`, and what is made from it for Django and for scripts."""

import json
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Final

import polib

from tests.translations.messages import ROOT, STATIC, Message, every_message

FOLDERS: Final = {"de": "de", "zh-hans": "zh_Hans"}
"""The languages that are translated into, and their folders in `locale/`."""
_PLURALS: Final = {"de": "nplurals=2; plural=(n != 1);", "zh-hans": "nplurals=1; plural=0;"}
_WIDTH: Final = 110


def catalog_path(language: str) -> Path:
    """The file that is edited."""
    return ROOT / "locale" / FOLDERS[language] / "LC_MESSAGES" / "django.po"


def compiled_path(language: str) -> Path:
    """The file that Django reads."""
    return catalog_path(language).with_suffix(".mo")


def script_path(language: str) -> Path:
    """The file that scripts read."""
    return STATIC / "words" / f"{language}.js"


def read(language: str) -> polib.POFile:
    """The catalog of a language; an empty one if there is none."""
    path = catalog_path(language)
    catalog = polib.pofile(str(path)) if path.exists() else polib.POFile()
    catalog.wrapwidth = _WIDTH
    catalog.metadata = {
        "Project-Id-Version": "Agentsite",
        "Language": FOLDERS[language],
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": _PLURALS[language],
    }
    return catalog


def template_of(messages: Iterable[Message]) -> polib.POFile:
    """The entries to translate, in the order of their first place; a place is a file, since lines move too often."""
    places: dict[tuple[str, str], list[Message]] = {}
    for message in messages:
        places.setdefault((message.context, message.id), []).append(message)
    template = polib.POFile()
    for (context, text), uses in places.items():
        plural = next((each.plural for each in uses if each.plural), "")
        entry = polib.POEntry(msgid=text, msgctxt=context or None, msgid_plural=plural)
        if plural:
            entry.msgstr_plural = {0: "", 1: ""}
        entry.occurrences = [(path, "") for path, _ in groupby(uses, key=lambda each: each.path)]
        entry.flags = ["python-format"] if "%(" in text + plural else []
        template.append(entry)
    return template


def update() -> None:
    """Bring the catalogs up to date with the sources, and make the files that are made from them."""
    template = template_of(every_message())
    for language in FOLDERS:
        catalog = read(language)
        catalog.merge(template)
        _arrange(catalog, template, language)
        catalog_path(language).parent.mkdir(parents=True, exist_ok=True)
        catalog.save(str(catalog_path(language)))
        compiled_path(language).write_bytes(catalog.to_binary())
        script_path(language).write_text(script_of(catalog, language))


def _arrange(catalog: polib.POFile, template: polib.POFile, language: str) -> None:
    """The entries in the order of the sources, then those that are no longer used; with as many plurals as needed."""
    order = {(entry.msgctxt, entry.msgid): place for place, entry in enumerate(template)}
    catalog.sort(key=lambda entry: (entry.obsolete, order.get((entry.msgctxt, entry.msgid), 0), entry.msgid))
    forms = int(_PLURALS[language].partition("nplurals=")[2][0])
    for entry in catalog:
        if entry.msgid_plural:
            entry.msgstr, entry.msgstr_plural = "", {form: entry.msgstr_plural.get(form, "") for form in range(forms)}


def script_of(catalog: polib.POFile, language: str) -> str:
    """The module with the translations that scripts need."""
    found: dict[str, str | list[str]] = {}
    for entry in catalog.translated_entries():
        if any(path.endswith(".js") for path, _line in entry.occurrences):
            name = f"{entry.msgctxt}\x04{entry.msgid}" if entry.msgctxt else entry.msgid
            found[name] = [text for _, text in sorted(entry.msgstr_plural.items())] or entry.msgstr
    rule = _PLURALS[language].partition("plural=")[2].rstrip(";")
    made_from = catalog_path(language).relative_to(ROOT).as_posix()
    return (
        f"// Made from {made_from} by `python -m tests.translations`.\n\n"
        'import { learn } from "../words.js";\n\n'
        f"learn((n) => Number({rule}), {json.dumps(found, ensure_ascii=False, indent=2)});\n"
    )
