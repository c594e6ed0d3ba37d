"""The files, library and skill of the pictures."""

from playwright.async_api import FilePayload

from tests.agent.files.documents import png
from tests.live_site import ROOT

EXAMPLES = ROOT / "examples"
STORED = f"""
from pathlib import Path
from runs.engine.files.uploads import store_document
from runs.engine.skills.uploads import store_skill
from runs.engine.task_templates.template_storage import save_template
from runs.models import Agent, Library, TaskTemplate
from tests.agent.skills.skill_folders import skill_md, zip_of
library = Library.objects.create(name="Handbook", description="How the shop works, for everybody in it.")
for path in sorted(Path({str(EXAMPLES / "handbook")!r}).glob("*.md")):
    store_document(path.name, path.read_bytes(), library=library)
Library.objects.create(name="Contracts")
body = "# Steps\\n\\n1. Read rates.md."
skill = {{"expense-report/SKILL.md": skill_md(body=body), "expense-report/rates.md": "0.30 a kilometre"}}
store_skill(zip_of(skill), user=None, replaces=False)
described = dict(libraries=["Handbook"], skills=["expense-report"], description="Answers from tables and documents.")
Agent.objects.create(name="Analyst", model_names=["shop/clerk-large"], **described)
inputs = [
    {{"name": "region", "type": "choice", "choices": ["North", "East"], "label": "Which region?"}},
    {{"name": "since", "type": "date", "default": "today"}},
    {{"name": "most", "type": "number", "integer": True, "minimum": 1, "default": 10, "help": "Rows of the table."}},
    {{"name": "table", "type": "file", "label": "The table"}},
    {{"name": "remarks", "type": "long_text", "required": False}},
]
task = "Sum up {{{{ table }}}}: {{{{ region }}}} since {{{{ since }}}}, {{{{ most }}}} rows. {{{{ remarks }}}}"
template = TaskTemplate(pk=1, agent=Agent.objects.get(name="Analyst"))
save_template(template, name="Sales of a region", description="A table and one sentence", task=task, inputs=inputs)
Agent.objects.create(name="Librarian", model_names=["offline"], libraries=["Handbook"])
"""


def given_files() -> list[FilePayload]:
    """A table, a text and a picture."""
    table, text = EXAMPLES / "data" / "sales.csv", EXAMPLES / "handbook" / "refunds.md"
    return [
        {"name": "sales.csv", "mimeType": "text/csv", "buffer": table.read_bytes()},
        {"name": "promises.md", "mimeType": "text/markdown", "buffer": text.read_bytes()},
        {"name": "shelf.png", "mimeType": "image/png", "buffer": png(320, 160)},
    ]
