"""The job that reads the front matter of several skills: a JSON object of `SKILL.md` by folder."""

import json

from runs.agent.sandbox.refusal import JobRefused
from runs.agent.skills.frontmatter import read_frontmatter


def run(request: bytes) -> bytes:
    """For each folder name and description, or the fault alone."""
    told: dict[str, list[str]] = {}
    for folder, text in json.loads(request).items():
        try:
            told[folder] = list(read_frontmatter(text.encode(errors="replace"), folder))
        except JobRefused as refused:
            told[folder] = [str(refused)]
    return json.dumps(told).encode()
