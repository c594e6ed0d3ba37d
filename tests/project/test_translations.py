"""The strings of the product are marked for translation, translated, and still fit their places."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

import polib
import pytest

from tests.translations import catalogs, unmarked
from tests.translations.catalogs import FOLDERS
from tests.translations.messages import ROOT, Message, every_message, in_script, in_template, set_up, templates
from tests.translations.unmarked import faults_by_file, is_prose, listed

UNTRANSLATED = unmarked.LIST.with_name("untranslated_files.txt")
PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")
ELEMENT = re.compile(r"</?\w+[^>]*>")


@cache
def entries(language: str) -> tuple[polib.POEntry, ...]:
    return tuple(entry for entry in catalogs.read(language) if not entry.obsolete)


@cache
def messages_of_the_site() -> tuple[Message, ...]:
    return tuple(every_message())


@cache
def faults_of_the_site() -> dict[str, list[str]]:
    return faults_by_file()


def texts_of(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def test_every_string_that_people_read_is_marked_outside_of_the_files_on_the_list() -> None:
    waiting = set(listed(unmarked.LIST))
    new = {path: faults for path, faults in faults_of_the_site().items() if path not in waiting}

    assert new == {}


def test_the_list_of_files_with_unmarked_strings_has_no_file_that_is_clean() -> None:
    assert sorted(set(listed(unmarked.LIST)) - faults_of_the_site().keys()) == []


def test_the_list_of_untranslated_files_has_no_file_that_is_translated() -> None:
    waiting = {
        path for language in FOLDERS for entry in entries(language) for path in files_of(entry) if is_open(entry)
    }

    assert sorted(set(listed(UNTRANSLATED)) - waiting) == []


def files_of(entry: polib.POEntry) -> list[str]:
    return [path for path, _line in entry.occurrences]


def is_open(entry: polib.POEntry) -> bool:
    return entry.fuzzy or not all(texts_of(entry))


@pytest.mark.parametrize("language", FOLDERS)
def test_every_marked_string_is_in_the_catalog(language: str) -> None:
    waiting = set(listed(UNTRANSLATED))
    wanted = {(message.context, message.id) for message in messages_of_the_site() if message.path not in waiting}

    assert wanted - {(entry.msgctxt or "", entry.msgid) for entry in entries(language)} == set()


@pytest.mark.parametrize("language", FOLDERS)
def test_every_string_is_translated_outside_of_the_files_on_the_list(language: str) -> None:
    waiting = set(listed(UNTRANSLATED))
    left = [f"{files_of(each)[0]}: {each.msgid}" for each in entries(language) if is_open(each)]

    assert [each for each in left if each.partition(": ")[0] not in waiting] == []


@pytest.mark.parametrize("language", FOLDERS)
def test_a_translation_has_the_placeholders_and_elements_of_its_original(language: str) -> None:
    assert list(misfits(language)) == []


def misfits(language: str) -> Iterator[str]:
    for entry in entries(language):
        for text in filter(None, texts_of(entry)):
            one, many = parts_of(entry.msgid), parts_of(entry.msgid_plural or entry.msgid)
            if parts_of(text) not in (one, many) and not (entry.msgid_plural and one <= parts_of(text) <= many):
                yield f"{entry.msgid!r} became {text!r}"
            if text.strip() != text and entry.msgid.strip() == entry.msgid:
                yield f"{text!r} has white space around it"


def parts_of(text: str) -> Counter[str]:
    return Counter([*(found[0] for found in PLACEHOLDER.finditer(text)), *ELEMENT.findall(text)])


@pytest.mark.parametrize("language", FOLDERS)
def test_what_is_made_from_a_catalog_agrees_with_it(language: str) -> None:
    catalog = catalogs.read(language)

    assert catalogs.compiled_path(language).read_bytes() == catalog.to_binary()
    assert catalogs.script_path(language).read_text() == catalogs.script_of(catalog, language)


@pytest.mark.parametrize(
    ("language", "addressed"), [("de", r"\b(?:Sie|Ihr|Ihre|Ihren|Ihrem|Ihrer)\b"), ("zh-hans", "您")]
)
def test_nobody_is_addressed_formally(language: str, addressed: str) -> None:
    """`Sie` is also a pronoun at the beginning of a sentence; the noun is as good there."""
    found = [text for entry in entries(language) for text in texts_of(entry) if re.search(addressed, text)]

    assert found == []


# --- The tools see what they have to see ---


def test_a_text_without_a_mark_is_found_wherever_people_read_it(tmp_path, monkeypatch) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '{% load i18n %}<p title="Not marked">{% translate "Marked" %}</p>{# a remark #}\n'
        '<b {% if x %}aria-label="{{ x }} more"{% endif %}>{{ n }} s</b><code>pip</code>\n'
        '{% blocktranslate %}Marked{% endblocktranslate %}{{ x|default:"unknown" }}\n'
        '{% include "a" with label="Not so" %}'
        '<i class="{{ x|default:"red" }}" data-x="12">{{ y }} · 3</i>{% include "a" with label=_("Marked") %}\n'
    )
    monkeypatch.setattr(unmarked, "name_of", lambda path: path.name)

    assert sorted(unmarked.in_template(page)) == [
        "page.html:1: Not marked",
        "page.html:2: more",
        "page.html:2: s",
        "page.html:3: unknown",
        "page.html:4: Not so",
    ]


def test_an_unmarked_label_of_a_module_is_found(tmp_path, monkeypatch) -> None:
    module = tmp_path / "labels.py"
    module.write_text(
        '"""A docstring."""\nfrom x import gettext_lazy as _\nA = "Not marked"\n'
        'B = _("Marked")\nlogger.info("To the log")\n'
        'def f(x: "Some Type") -> str:\n    """Again one."""\n    raise ValueError("A bug here")\n'
        'C = {"key": f"{A} of {B} done"}\nD = "a_key"\nmessages.error(request, "This was refused.")\n'
        'E = "Sold as it is"  # not translated: a name\n'
    )
    monkeypatch.setattr(unmarked, "name_of", lambda path: path.name)

    assert list(unmarked.in_module(module)) == [
        "labels.py:3: Not marked",
        "labels.py:9: 1 of 1 done",
        "labels.py:11: This was refused.",
    ]


def test_an_unmarked_text_of_a_script_is_found(tmp_path, monkeypatch) -> None:
    script = tmp_path / "page.js"
    script.write_text(
        'import { gettext } from "./words.js";\n// "A remark"\ntoast("Not marked.");\n'
        'toast(gettext("Marked, %(n)s", { n: f(1) }));\n'
        'const rows = root.querySelector("[data-row] a");\nwrite(`${n} more words`);\nthrow new Error("A bug here");\n'
    )
    monkeypatch.setattr(unmarked, "name_of", lambda path: path.name)

    assert list(unmarked.in_script(script)) == ["page.js:3: Not marked.", "page.js:6: 1 more words"]


def test_the_strings_of_a_script_are_read_with_their_plurals_and_contexts(tmp_path, monkeypatch) -> None:
    script = tmp_path / "page.js"
    script.write_text(
        'a(gettext("One " + "text"));\nb(ngettext("%(count)s run", "%(count)s runs", n));\n'
        "c(pgettext('verb', 'It\\'s'));  // gettext(\"Not this\")\n"
    )
    monkeypatch.setattr("tests.translations.messages.name_of", lambda path: path.name)

    found = [(each.line, each.context, each.id, each.plural) for each in in_script(script)]

    assert found == [(1, "", "One text", ""), (2, "", "%(count)s run", "%(count)s runs"), (3, "verb", "It's", "")]


def test_the_extraction_sees_every_template_as_django_does() -> None:
    """Each `translate` and each `_()` in the source is one of the strings that the parser finds."""
    set_up()
    for path in templates():
        source = path.read_text()
        marks = len(re.findall(r"{%-?\s*(?:translate|blocktranslate)\b|[=:(,\s]_\(\"", source))
        found = len(list(in_template(path)))
        assert found >= marks or not marks, f"{path.relative_to(ROOT)}: {found} of {marks}"


@pytest.mark.parametrize("text", ["Not marked", "Retry", "no limit of its own", "first token after 1"])
def test_words_are_told_from_names_for_machines(text: str) -> None:
    assert is_prose(text)
    assert not any(
        map(is_prose, ("page-door", "tool_input", "GET", "runs:launch", "2026-11-29 12:00", "SELECT id FROM a"))
    )
