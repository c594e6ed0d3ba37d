"""Every function that reads texts of people, models or tools with a regular expression, a parser or a lexer.

`tests/project/test_time_limits.py` finds functions missing here; `test_time_limits.py` beside this file tries all.
Each takes the text as it comes from outside: a limit on its length is part of the function.
"""

import asyncio
import json
from contextlib import suppress
from datetime import date
from typing import Any

from runs import markdown
from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.access import NoFiles, files_context
from runs.agent.files.file_info import FileInfo
from runs.agent.files.file_names import find_file, find_files
from runs.agent.files.ranking import Query, scores
from runs.agent.files.search_words import search_words
from runs.agent.json_data.lenient_json import read_arguments, read_fenced
from runs.agent.json_data.linear_regex import linear_pattern
from runs.agent.json_data.schema_keywords import TooMuchToCheck
from runs.agent.json_data.schema_validation import SchemaCheck
from runs.agent.messages import Exchange, ModelReply
from runs.agent.output_text import cut_text, readable
from runs.agent.providers import message_mapping as conversation
from runs.agent.providers.error_mapping import context_overflow, refusal_kinds, retry_after
from runs.agent.providers.error_mapping.error_text import error_text
from runs.agent.providers.model_catalog import endpoints, retirements, suggestions
from runs.agent.providers.model_catalog import model_names as names
from runs.agent.providers.offline.described_table import DescribedTable
from runs.agent.providers.offline.document_topics import topics_of
from runs.agent.providers.offline.excerpts import excerpts_of
from runs.agent.providers.offline.follow_up_references import plan_for
from runs.agent.providers.offline.goals import TaskRefused
from runs.agent.providers.offline.markdown_text import fenced, verbatim
from runs.agent.providers.thinking_tags import ThoughtSplitter, split_thoughts
from runs.agent.redaction.redactor import Redactor, redacted
from runs.agent.redaction.secret_values import forms_of, secrets_in
from runs.agent.redaction.stream_redactor import PieceRedactor
from runs.agent.skills.access import GivenSkills, find_skill_file, skills_context
from runs.agent.skills.skill import skill_of
from runs.agent.task_templates.exact_numbers import exact_number
from runs.agent.task_templates.inputs import InputType, TemplateInput, read_inputs
from runs.agent.task_templates.places import escaped, read_task
from runs.agent.task_templates.values import InputsRefused, checked_values
from runs.agent.tools.builtin.current_time import zone_named
from runs.agent.tools.builtin.date_math import _parsed as parsed_date
from runs.agent.tools.builtin.text_stats import text_stats as counted
from runs.agent.tools.builtin.unit_conversion import convert
from runs.agent.tools.person_questions import PersonQuestion
from runs.agent.tools.registry import find_tool, registered_tools
from runs.agent.visible_text import exact
from runs.api import auth, exports
from runs.client_address import TrustedProxies
from runs.engine.files.storage import DocumentRefused
from runs.engine.files.uploads import clean_name
from runs.engine.operations.alerts import Alert
from runs.live.rendering import schema_form
from runs.markup import code_colours
from runs.markup.blocks import cut
from runs.markup.parts import MAX_CHARS, split
from runs.text_search import folded, mentions


def rendered(text: str) -> None:
    """In a worker, killed at its limit; measured here too, for what the parser does within the limit."""
    markdown.render_part(text[:MAX_CHARS])


def looked_at(text: str) -> None:
    """By the site's own process, before and after rendering."""
    for part in markdown.parts_of(text)[0]:
        markdown.has_markup(part)
        markdown.shown_plain(part)
    markdown.visible(text)
    list(split(text))
    cut(text)


def returned(text: str) -> None:
    """By a tool, and read by a model."""
    readable(text)
    cut_text(text)


def planned(text: str) -> None:
    """As a task, and as a task with an answer before it."""
    plan_for(text, [Exchange(task=text, answer=ModelReply(text))])
    plan_for(f'count the words in "{text}"', [])
    plan_for(f"what is {text[:280]}", [])
    plan_for(f"what do the documents say about {text[:260]}", [])
    plan_for(f"find {text[:140]} in {text[:140]}", [])
    files = [FileInfo("1", "sales of May.csv", "text/csv", 1, "attached")]
    plan_for(text, [], files)
    plan_for(f"total {text[:260]} in sales of May.csv", [], files)
    plan_for(f"draw a chart of {text[:260]}", [], files)
    with suppress(TaskRefused):
        DescribedTable("a.csv", "a", 1, [{"name": text[:2000], "type": "BIGINT"}]).column((text,))


def chosen(text: str) -> None:
    """As the choices of a question."""
    with suppress(ToolFailed):
        PersonQuestion(text=text[:4000], choices=(text[:200], text[200:400], text[400:600]))


def quoted(text: str) -> None:
    """As a passage that a search has found, with a topic in it, and in an answer."""
    (topic,) = topics_of("a topic with 3 words", ()) or ()
    passage = {"file": "a.md", "place": text[:120], "text": text[:1500]}
    excerpts_of([{**passage, "text": f"# {text[:700]}\n\n{text[:700]} topic with 3 words"}, passage], topic)
    verbatim(text)
    fenced(text)


def failed(text: str) -> None:
    """As the error response of a server: plain, as JSON and as a page."""
    for body in (text, json.dumps({"error": {"message": text, "code": text[:80]}}), f"<html><title>{text}"):
        said = error_text(body)
        context_overflow.overflow_of(400, body)
        for status in (400, 401, 403, 404, 429, 500):
            refusal_kinds.special_kind(status, said)
        refusal_kinds.kind_of_words(said)
        retry_after.retry_after_s({"retry-after": text, "x-ratelimit-reset": text}, said)


def read_as_json(text: str) -> None:
    """As arguments and as a structured answer."""
    for whole in (text, "{" + text, '{"a": "' + text, "```json\n" + text, "/*" + text):
        read_arguments(whole, was_cut=False)
        with suppress(ValueError):
            read_fenced(whole)


def without_thoughts(text: str) -> None:
    """As a reply, whole and in pieces."""
    split_thoughts(text)
    split_thoughts("<think>" + text)
    splitter = ThoughtSplitter()
    for start in range(0, len(text), 1000):
        splitter.feed(text[start : start + 1000])
    splitter.end()


def computed(text: str) -> None:
    """By each of our tools that takes a text."""
    from runs.agent.tools.builtin.expression_evaluator import evaluate

    for compute in (
        evaluate,
        counted,
        zone_named,
        parsed_date,
        lambda unit: convert(1, unit, "km"),
        lambda unit: evaluate(unit[:500]),
        lambda unit: convert(1, unit[:60], "km"),
    ):
        with suppress(ToolFailed, ValueError, TypeError, ArithmeticError, LookupError):
            compute(text)


_SCHEMAS: list[dict[str, Any]] = [
    {"type": "string", "pattern": r"^(a+)+$"},
    {"type": "string", "pattern": r"(.*,){20}.*;"},
    {"type": "string", "enum": ["a"] * 100},
    {"type": "object", "patternProperties": {r"^(\w+\s?)+$": {"type": "string", "minLength": 1}}},
]


def checked(text: str) -> None:
    """As a document, as the names in one, and as a pattern."""
    for schema in _SCHEMAS:
        for document in (text, {text[:5_000]: text}, [text[:3]] * (len(text) // 10)):
            with suppress(TooMuchToCheck):
                list(SchemaCheck(schema | {"uniqueItems": True}).faults(document))
    with suppress(ValueError):
        linear_pattern(text).is_in(text)


MAX_HEADER_CHARS = 16_384
"""Daphne refuses longer lines."""
_SECRETS = ["a" * 16, 'words of \u00e9 "secret"', "0123456789abcdef" * 8]


def hidden(text: str) -> None:
    """Secrets: in a log line, in a step, in pieces, and as a secret's own value."""
    for before in ("", "sk-", "https://", "password="):
        redacted(before + text)
    redactor = Redactor(_SECRETS)
    redactor.text(text)
    redactor.cut_off(text)
    for size in (1_000, len(text)):
        pieces = PieceRedactor(redactor)
        for start in range(0, len(text), size):
            pieces.next("a", text[start : start + size])
    assert Alert("failed", text).fingerprint


def _as_variable(text: str) -> None:
    """In the environment, which only the operator writes."""
    text = text[:2_000]
    environ = {"A_KEY": text, "URL": f"https://{text}@", "OPTIONS": f"password={text}", "AGENTSITE_ENDPOINTS": text}
    for value in secrets_in(environ):
        forms_of(value)


def received(text: str) -> None:
    """As a token, as what a decision is about, and as the name and value of an argument in a form."""
    auth._TOKEN_SHAPE.fullmatch(f"ags_{text}")
    exact(text)
    schema_form.PLAIN_NAME.fullmatch(text)
    schema_form._line_ends(text)
    _as_variable(text)


def proxied(text: str) -> None:
    """As a proxy's headers, at the largest size a server accepts."""
    headers = text[:MAX_HEADER_CHARS]
    TrustedProxies(hops=3).client("192.0.2.1", [headers], [headers])


def searched(text: str) -> None:
    """As searched text and as search words."""
    mentions(text, folded("nowhere in it"))
    mentions("a", folded(text[:200]))


class NamedFiles(NoFiles):
    """Ten files whose names are like the text."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def files(self) -> list[FileInfo]:
        return [FileInfo(str(n), f"{self._text[n:200]}.csv", "text/csv", 1, "attached") for n in range(10)]


def filed(text: str) -> None:
    """Names of files, their text, and what is searched for in it."""
    with suppress(DocumentRefused):
        clean_name(text)
    scores(Query.of(text), [" ".join(search_words(text))] * 3)
    with files_context(NamedFiles(text)):
        with suppress(ToolFailed):
            asyncio.run(find_file(text))
        with suppress(ToolFailed):
            asyncio.run(find_files([text]))
    skills = GivenSkills([skill_of("a", "", {text[:200] + str(number): b"" for number in range(200)})])
    with suppress(ToolFailed), skills_context(skills):
        asyncio.run(find_skill_file("a", text))


def exported(text: str) -> None:
    """In a Markdown file."""
    exports._fenced(text)
    exports._inline(text)


def named(text: str) -> None:
    """As the name of a model, of an endpoint, and as a list of either."""
    names.wrong_in(text)
    names.name_fault(text)
    retirements.announced("openai", text)
    conversation._NOT_IN_NAMES.sub("_", text)
    with suppress(ValueError):
        find_tool(text, registered_tools())
    suggestions.newest("openai", [text], is_whole=True)
    with suppress(ValueError):
        endpoints.parse_endpoints(json.dumps([{"name": text, "kind": "openai", "base_url": text, "models": [text]}]))


def coloured(text: str, language: str = "python") -> str:
    """Code in one language, without the time spent on earlier code."""
    code_colours.begin()
    return code_colours.highlight(text, language)


def templated(text: str) -> None:
    """As the task of a template, as the value of each type, and as its own definition."""
    task = read_task(text)
    if not task.faults:
        task.filled(dict.fromkeys(task.places, text[:1_000]))
    read_task(escaped(text))
    for of_type in InputType:
        with suppress(InputsRefused):
            checked_values([TemplateInput(name="a", type=of_type, choices=(text,))], {"a": text}, today=date.min)
    exact_number(text[:60])
    read_inputs([{"name": text, "type": "choice", "choices": text.split("\n")}])


READERS = {
    "rendered": 3.0,
    "looked_at": 1.0,
    "planned": 1.0,
    "chosen": 0.5,
    "failed": 1.5,
    "read_as_json": 1.5,
    "without_thoughts": 0.5,
    "computed": 1.5,
    "checked": 3.0,
    "hidden": 2.0,
    "exported": 0.5,
    "filed": 2.0,
    "named": 1.0,
    "proxied": 0.5,
    "quoted": 1.0,
    "received": 1.0,
    "returned": 0.5,
    "searched": 1.0,
    "templated": 1.0,
}
"""CPU seconds that each may take for 200 KB on a crowded machine; most take a hundredth."""

for _language in code_colours.LEXERS:
    globals()[f"coloured_{_language}"] = lambda text, language=_language: coloured(text, language)
COLOURED = {f"coloured_{language}": 0.8 for language in code_colours.LEXERS}
"""CPU seconds for each lexer, for the longest code that is highlighted."""
