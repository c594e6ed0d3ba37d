"""Every regular expression, lexer and parser is listed with the reader that measures it; a new one fails here.

The rule is in CONTRIBUTING: code that reads texts of people, models or tools takes time in proportion to the text, or
runs where it can be killed.
"""

import ast
from functools import cache
from pathlib import Path

from tests.time_limits import readers
from tests.time_limits.readers import COLOURED, READERS

ROOT = Path(__file__).resolve().parents[2]
RISKY = {
    "re",
    "re2",
    "unicodedata",
    "pygments",
    "markdown_it",
    "nh3",
    "jsonschema",
    "simpleeval",
    "pint",
    "griffe",
    "difflib",
    "html.parser",
    "jmespath",
    "http.cookies",
    "ddgs",
    "lxml",
    "skills_ref",
    "strictyaml",
    "trafilatura",
    "yaml",
}
OFFLINE, PROVIDERS, TOOLS = "runs/agent/providers/offline", "runs/agent/providers", "runs/agent/tools"

USES: dict[str, dict[str, int]] = {
    "checked": {
        "runs/agent/json_data/linear_regex.py": 3,
        "runs/agent/json_data/schema_keywords.py": 0,
        "runs/agent/json_data/schema_validation.py": 0,
        f"{TOOLS}/validation.py": 0,
    },
    "chosen": {"runs/agent/tools/person_questions.py": 0},
    "coloured_python": {"runs/markup/code_colours.py": 0},
    "computed": {
        f"{TOOLS}/builtin/expression_evaluator.py": 3,
        f"{TOOLS}/builtin/current_time.py": 1,
        f"{TOOLS}/builtin/date_math.py": 1,
        f"{TOOLS}/builtin/text_stats.py": 4,
        f"{TOOLS}/builtin/unit_conversion.py": 5,
    },
    "exported": {"runs/api/exports.py": 1},
    "failed": {
        f"{PROVIDERS}/error_mapping/error_text.py": 3,
        f"{PROVIDERS}/error_mapping/overflow_patterns.py": 4,
        f"{PROVIDERS}/error_mapping/refusal_kinds.py": 0,
        f"{PROVIDERS}/error_mapping/refusal_patterns.py": 8,
        f"{PROVIDERS}/error_mapping/retry_after.py": 2,
    },
    "filed": {
        "runs/agent/files/file_names.py": 0,
        "runs/agent/files/search_words.py": 1,
        "runs/agent/skills/access.py": 0,
        "runs/engine/files/uploads.py": 0,
    },
    "hidden": {
        "runs/agent/redaction/stream_redactor.py": 1,
        "runs/agent/redaction/redactor.py": 2,
        "runs/agent/redaction/secret_patterns.py": 10,
        "runs/agent/redaction/secret_values.py": 7,
        "runs/agent/redaction/secret_names.py": 4,
        "runs/agent/redaction/encoded_secrets.py": 15,
        "runs/engine/operations/alerts.py": 1,
    },
    "looked_at": {"runs/markdown.py": 11, "runs/markup/blocks.py": 3, "runs/markup/parts.py": 2},
    "named": {
        f"{PROVIDERS}/formats/anthropic.py": 1,
        f"{PROVIDERS}/message_mapping.py": 1,
        f"{PROVIDERS}/model_catalog/endpoints.py": 1,
        f"{PROVIDERS}/model_catalog/model_entries.py": 2,
        f"{PROVIDERS}/model_catalog/model_names.py": 1,
        f"{PROVIDERS}/model_catalog/retirements.py": 1,
        f"{PROVIDERS}/wire_format.py": 1,
        f"{PROVIDERS}/model_catalog/suggestions.py": 3,
        f"{TOOLS}/registry.py": 0,
    },
    "planned": {
        f"{OFFLINE}/answer.py": 1,
        f"{OFFLINE}/date_words.py": 4,
        f"{OFFLINE}/described_table.py": 0,
        f"{OFFLINE}/clauses.py": 10,
        f"{OFFLINE}/document_phrases.py": 3,
        f"{OFFLINE}/document_questions.py": 6,
        f"{OFFLINE}/document_topics.py": 7,
        f"{OFFLINE}/follow_up_references.py": 1,
        f"{OFFLINE}/goals.py": 2,
        f"{OFFLINE}/grammar/arithmetic.py": 10,
        f"{OFFLINE}/grammar/clock.py": 4,
        f"{OFFLINE}/grammar/dates.py": 9,
        f"{OFFLINE}/grammar/references.py": 3,
        f"{OFFLINE}/grammar/texts.py": 5,
        f"{OFFLINE}/grammar/units.py": 3,
        f"{OFFLINE}/numbers.py": 6,
        f"{OFFLINE}/plan.py": 2,
        f"{OFFLINE}/quotations.py": 3,
        f"{OFFLINE}/expression_parser.py": 3,
        f"{OFFLINE}/operator_words.py": 3,
    },
    "proxied": {},
    "quoted": {f"{OFFLINE}/excerpts.py": 4, f"{OFFLINE}/markdown_text.py": 2},
    "read_as_json": {"runs/agent/json_data/json_reader.py": 6, "runs/agent/json_data/lenient_json.py": 3},
    "received": {
        "runs/api/auth.py": 1,
        "runs/agent/visible_text.py": 4,
        "runs/live/rendering/schema_form.py": 1,
        "runs/live/rendering/schema_fields.py": 2,
    },
    "returned": {"runs/agent/output_text.py": 5},
    "rendered": {
        "runs/markup/completeness.py": 0,
        "runs/markup/directions.py": 0,
        "runs/markup/emphasis.py": 0,
        "runs/markup/formula_lines.py": 2,
        "runs/markup/formula_marks.py": 1,
        "runs/markup/formula_tables.py": 1,
        "runs/markup/formulas.py": 2,
        "runs/markup/nesting.py": 0,
        "runs/markup/parser.py": 0,
        "runs/markup/tables.py": 0,
        "runs/markup/task_lists.py": 0,
    },
    "searched": {"runs/agent/unicode_normalization.py": 0, "runs/text_search.py": 0},
    "templated": {"runs/agent/task_templates/places.py": 0},
}
"""The number of patterns in each module that uses one of the above, by the reader that tries them."""
TRUSTED = {"runs/agent_configs/agent_yaml.py": 0, f"{TOOLS}/schema.py": 2, "agentsite/templates.py": 1}
"""Modules that read no text from outside: the docstrings of tools, our own templates; one only writes YAML."""

SANDBOXED = {
    "runs/agent/skills/archive_job.py": 0,
    "runs/agent/skills/frontmatter.py": 0,
    f"{TOOLS}/openapi/document_text_job.py": 0,
    f"{TOOLS}/openapi/yaml_object_job.py": 0,
    f"{TOOLS}/web/ddgs_job.py": 0,
    f"{TOOLS}/web/page_job.py": 0,
    "runs/engine/triggers/mapping_job.py": 0,
}
"""Modules of jobs, which run in processes that are killed at their limits (`runs/agent/sandbox/`)."""


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    """All of a module's syntax tree."""
    return list(ast.walk(ast.parse(path.read_text())))


def found() -> dict[str, int]:
    """The number of patterns in each module that imports one of the above."""
    counts: dict[str, int] = {}
    for path in sorted([*ROOT.glob("runs/**/*.py"), *ROOT.glob("agentsite/*.py")]):
        nodes = nodes_of(path)
        imported = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
        imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        if RISKY & {name.partition(".")[0] for name in imported}:
            counts[str(path.relative_to(ROOT))] = sum(map(_is_pattern, nodes))
    return counts


def _is_pattern(node: ast.AST) -> bool:
    """True for a call such as `re.sub(…)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    owner = node.func.value
    return isinstance(owner, ast.Name) and owner.id in ("re", "re2") and node.func.attr != "escape"


def test_whatever_reads_a_text_from_outside_is_listed_with_the_reader_that_tries_it():
    listed = {name: count for modules in USES.values() for name, count in modules.items()} | TRUSTED | SANDBOXED

    assert found() == listed, "List it in USES, and see that its reader tries it: `make chaos` then tries all there is."


def test_what_runs_in_a_sandbox_is_loaded_nowhere_else():
    jobs = {name.removesuffix(".py").replace("/", ".") for name in SANDBOXED}

    for path in ROOT.glob("runs/**/*.py"):
        nodes = nodes_of(path)
        imported = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
        for node in nodes:
            if isinstance(node, ast.ImportFrom):
                imported |= {node.module or "", *(f"{node.module}.{name.name}" for name in node.names)}
        # A job may use another's module.
        assert not imported & jobs or path.name.endswith("_job.py"), path


def test_every_reader_that_is_named_is_tried():
    assert USES.keys() <= READERS.keys() | COLOURED.keys()
    assert all(callable(getattr(readers, name)) for name in READERS | COLOURED)


def test_names_of_re_are_used_as_such_so_that_they_are_counted():
    for path in [*ROOT.glob("runs/**/*.py"), *ROOT.glob("agentsite/*.py")]:
        for node in nodes_of(path):
            assert not (isinstance(node, ast.ImportFrom) and node.module in ("re", "re2")), path
            if isinstance(node, ast.Import):
                assert all(name.asname is None for name in node.names if name.name in ("re", "re2")), path
