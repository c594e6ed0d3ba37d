"""The demo's rows: a library, agents, files, and a run for each script."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from examples.demo.scripts import SCRIPTS
from runs.agent_configs.agent_editor import AgentEditor
from runs.agent_configs.agent_file import form_data, read_file
from runs.engine import control
from runs.engine.alert_rules.rule_storage import AlertRuleValues, create_rule
from runs.engine.files.uploads import store_document
from runs.engine.schedules import ScheduleValues, save_schedule
from runs.engine.task_templates.template_storage import save_template
from runs.models import Agent, AlertRule, Library, ScheduleTick, StoredFile, TaskTemplate

EXAMPLES = Path(__file__).resolve().parents[1]
SCHEDULES = (
    ("Sums of the day", "every weekday at 9:00"),
    ("Sums of the week", "every Friday at 16:00"),
    ("Sums of the morning", "every day at 9:00"),
)
OFFLINE_TASKS = ("What is 17 * 23 and what is 2**10?",)
AGENTS: tuple[dict[str, Any], ...] = (
    {
        "name": "Demo: analyst",
        "description": "Asks a table in SQL and draws the result",
        "model_names": ["demo/fast"],
        "tools": ["describe_table", "query_table", "make_chart", "run_python"],
    },
    {
        "name": "Demo: clerk",
        "description": "Works in a shop: orders, stock and parcels. Asks before it pays money back",
        "model_names": ["demo/fast"],
        "tools": ["look_up_order", "stock_level", "refund", "run_python", "ask_person"],
    },
    {
        "name": "Demo: handbook",
        "description": "Answers from the documents of the library, with their place",
        "model_names": ["demo/fast"],
        "tools": ["search_documents", "read_file", "look_up_order"],
        "libraries": ["handbook"],
    },
    {
        "name": "Demo: race",
        "description": "Asks two models at once; the first answer wins",
        "model_names": ["demo/slow", "demo/fast"],
        "strategy": "race",
        "tools": [],
    },
    {
        "name": "Demo: planner",
        "description": "Gives parts of a task to other agents, which work at the same time",
        "model_names": ["demo/fast"],
        "tools": [],
        "agents": ["Demo: handbook", "Demo: clerk"],
    },
)

TEMPLATES: tuple[dict[str, Any], ...] = (
    {
        "agent": "Assistant",
        "values": {
            "name": "Price with tax",
            "description": "A price, its tax, and both together. Needs no model server",
            "task": "What is {{ percent }}% of {{ price }}, then add {{ price }} to the result",
            "inputs": [
                {"name": "price", "type": "number", "minimum": "0", "default": "886.55"},
                {"name": "percent", "label": "Tax in percent", "type": "number", "minimum": 0, "default": 21},
            ],
        },
    },
)


def seed() -> None:
    """Make the demo's rows, unless they are there."""
    if Agent.objects.filter(name="Demo: clerk").exists():
        return
    library = Library.objects.create(name="handbook", description="How the shop works")
    for file in sorted((EXAMPLES / "handbook").iterdir()):
        store_document(file.name, file.read_bytes(), library=library)
    for about in AGENTS:
        Agent.objects.create(**about)
    for file in sorted((EXAMPLES / "agents").glob("*.json")):
        import_agents(file.read_text())
    for about in TEMPLATES:
        save_template(TaskTemplate(agent=Agent.objects.get(name=about["agent"])), **about["values"])
    _schedule_sums()
    _watch_waits()
    for task in OFFLINE_TASKS:
        control.launch(user=None, task=task)
    for script in (each for each in SCRIPTS if each.is_launched):
        files = [_given(name).pk for name in script.files]
        run = control.launch(user=None, task=script.task, agent=Agent.objects.get(name=script.agent), files=files)
        if script.message:
            control.send_message(run.pk, by=None, text=script.message)


def _schedule_sums() -> None:
    """Schedules of a week, one of them with a history of ten working days."""
    about: dict[str, Any] = {
        "agent": Agent.objects.get(is_default=True),
        "task": OFFLINE_TASKS[0],
        "time_zone": "Europe/Berlin",
    }
    made = [save_schedule(None, ScheduleValues(name=name, when=when, **about), by=None) for name, when in SCHEDULES]
    daily, states = made[0], ScheduleTick.State
    now = timezone.now()
    came_to = [states.FAILED, states.SKIPPED, *[states.SUCCEEDED] * 8]
    due = daily.timing.next_ticks(now - timedelta(days=16), 20)
    past = [tick for tick in due if tick < now][-len(came_to) :]
    ScheduleTick.objects.bulk_create(
        ScheduleTick(schedule=daily, due_at=tick, state=state, created_at=tick, ended_at=tick + timedelta(seconds=2))
        for tick, state in zip(past, came_to, strict=False)
    )


def _watch_waits() -> None:
    """A rule that is raised: some of the demo's runs wait for a person."""
    metric, name = AlertRule.Metric.WAITING, "A run waits for a person"
    values = AlertRuleValues(name=name, metric=metric, warning_at=Decimal(1), alert_at=Decimal(900))
    create_rule(values, user=None, by=None)


def _given(name: str) -> StoredFile:
    return store_document(name, (EXAMPLES / "data" / name).read_bytes())


def import_agents(text: str) -> None:
    """Save the agents of a file, as the page for importing does."""
    for entry in read_file(text):
        form = AgentEditor(form_data(entry.values), by=AnonymousUser())
        if not form.is_valid():
            raise ValueError(f"{entry.name}: {form.errors.as_text()}")
        form.save_checked()
