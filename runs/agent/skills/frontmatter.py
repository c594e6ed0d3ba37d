"""The front matter of `SKILL.md`, read and checked by the rules of skills-ref.

For sandboxed jobs only: strictyaml, which builds nothing but texts, lists and dictionaries, takes seconds for some
texts of 8 KiB. skills-ref itself ends the front matter at any `---`, also within a description, so it is cut here.
"""

import unicodedata
from pathlib import Path
from typing import Any

import strictyaml
from skills_ref.validator import validate_metadata

from runs.agent.errors import skill_sentences as sentences
from runs.agent.sandbox.refusal import JobRefused
from runs.agent.skills.skill import MAX_FRONTMATTER_BYTES
from runs.agent.text import counted


def read_frontmatter(content: bytes, folder: str | None) -> tuple[str, str]:
    """Name and description of a `SKILL.md`. `folder` is the name of the folder it is in; None if that is unknown.

    Raises `JobRefused` with all that skills-ref finds wrong.
    """
    told = _parsed(_frontmatter(content))
    if faults := validate_metadata(told, None if folder is None else Path(folder)):
        raise JobRefused(sentences.INVALID.made(fault=" ".join(f"{each.rstrip('.')}." for each in faults[:5])[:600]))
    description = told["description"].strip()
    if any(unicodedata.category(each) in ("Cc", "Cs") and each not in "\n\t" for each in description):
        raise JobRefused(sentences.INVALID.made(fault="the description has a control character."))
    return unicodedata.normalize("NFKC", told["name"].strip()), description


def _frontmatter(content: bytes) -> str:
    beginning = content[: MAX_FRONTMATTER_BYTES + 1].decode("utf-8-sig", errors="replace")
    first, *lines = beginning.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if first.rstrip() != "---":
        raise JobRefused(sentences.NO_FRONTMATTER.made())
    end = next((place for place, line in enumerate(lines) if line.rstrip() == "---"), None)
    if end is None:
        raise JobRefused(sentences.OPEN_FRONTMATTER.made(most=MAX_FRONTMATTER_BYTES // 1024))
    return "\n".join(lines[:end])


def _parsed(text: str) -> dict[str, Any]:
    try:
        told = strictyaml.load(text).data
    except strictyaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 2}: " if mark is not None else ""
        fault = getattr(error, "problem", None) or getattr(error, "context", None) or counted(1, "fault")
        raise JobRefused(sentences.INVALID.made(fault=f"{where}{str(fault)[:200]}.")) from error
    except (AttributeError, RecursionError, ValueError, TypeError, KeyError, IndexError) as error:
        # strictyaml's own faults, such as an AttributeError for a control character.
        raise JobRefused(sentences.INVALID.made(fault="it is not YAML.")) from error
    if not isinstance(told, dict):
        raise JobRefused(sentences.INVALID.made(fault="it is not a mapping, such as “name: my-skill”."))
    return told
