"""Samples of forms: fields in each state, the launch form, and a follow-up."""

from uuid import UUID

from django import forms
from django.contrib.auth.models import User
from django.utils import timezone

from runs.agent.json_data.json_types import JsonObject
from runs.live.rendering.artifacts import ArtifactView
from runs.live.rendering.data_tables import DataTable
from runs.live.rendering.long_texts import fold, piece_of, prose_of
from runs.models import Agent, RunMessage, StoredFile
from runs.web.files import files_field
from runs.web.forms import FollowUpForm, LaunchForm, MessageForm
from runs.web.log_page import LogPage
from runs.web.styleguide import sample_rows as rows
from runs.web.styleguide.samples import Sample, SampleGroup, sample

FILES = [
    StoredFile(name="sales.csv", media_type="text/csv", size=1_600_000),
    StoredFile(name="a name that is as long as the names of some files are, and longer.pdf", size=300),
]
ARTIFACTS = [ArtifactView(FILES[0].pk, "sums.csv", "0.3 KB", is_picture=False)]
TABLE = DataTable(["region", "sum"], [["north", "3"], ["south", "4"]])


class SampleForm(forms.Form):
    """One field of each kind."""

    SCOPES = (("own", "Of my runs"), ("all", "Of everybody's runs"))

    name = forms.CharField(label="Name", help_text="At most 80 characters.", max_length=80)
    turns = forms.IntegerField(label="Max turns", min_value=1, help_text="Default: 20")
    secret = forms.CharField(label="Password")
    scope = forms.ChoiceField(label="Of", choices=SCOPES, required=False)


def groups() -> list[SampleGroup]:
    """The samples, component by component."""
    return [SampleGroup("fields", "Fields and forms", _fields()), SampleGroup("texts", "Texts", _texts())]


def _fields() -> list[Sample]:
    empty, wrong = SampleForm(), SampleForm({"name": "", "turns": "0", "secret": ""})
    wrong.add_error(None, "Two fields need a look.")
    follow_up = FollowUpForm({"message": ""})
    return [
        sample("Text", "partials/text_input", {"field": empty["name"], "help": empty["name"].help_text}),
        sample("Text, refused", "partials/text_input", {"field": wrong["name"]}),
        sample("Field with help", "partials/field", {"field": empty["name"]}),
        sample("Field, refused", "partials/field", {"field": wrong["name"]}),
        sample("Field with choices", "partials/field", {"field": empty["scope"]}),
        sample(
            "Choice of runs",
            "partials/scope_choice",
            {"form": empty, "scopes": SampleForm.SCOPES, "sees_all": True},
        ),
        sample("Password", "partials/password_input", {"field": empty["secret"]}),
        sample("Number", "runs/partials/limit_field", {"field": empty["turns"]}),
        sample("Number, refused", "runs/partials/limit_field", {"field": wrong["turns"]}),
        sample("Number, suggested", "runs/partials/limit_field", {"field": empty["turns"], "words": "Was 20"}),
        sample("Errors of a form", "partials/form_errors", {"form": wrong}),
        sample("Launch form", "runs/partials/launch_form", _launch(), wide=True),
        *_files(),
        *_records(),
        sample(
            "Follow-up",
            "runs/partials/follow_up",
            {"run": rows.run(), "follow_up": follow_up, **files_field([])},
            wide=True,
        ),
        sample(
            "Message to a run in progress",
            "runs/partials/compose",
            {"run": rows.run("thinking"), "compose": MessageForm({"text": ""})},
            wide=True,
        ),
        sample("Messages that wait", "runs/partials/run_messages", _messages(), wide=True),
    ]


def _launch() -> JsonObject:
    agent = Agent(pk=1, name="Order clerk", is_default=True)
    return {
        "form": LaunchForm({"task": "", "agent": "nobody"}),
        "agents": [(agent, [])],
        "numbers": "{}",
        "default_agent": agent,
        "models": ["offline"],
        "examples": [("Two sums", "What is 17 * 23?")],
        "earlier": rows.run(),
        "changed": {"max_turns": "Was 20"},
    }


def _records() -> list[Sample]:
    more = {"label": "Delete", "icon": "trash-2", "words": "Its log goes with it.", "confirm": "Delete for good"}
    return [
        sample("A button that changes something", "partials/post_button", {"label": "Pause", "icon": "pause"}),
        sample("A question before an end", "partials/delete_more", {**more, "is_danger": True}),
        sample("Shown once", "partials/copy_once", {"id": "sample-secret", "name": "Secret", "text": "whsec_c2FtcGxl"}),
        sample("End of a log", "partials/log_end", {"log": LogPage([], 41, is_first=True)}),
        sample("An empty log", "partials/log_end", {"log": LogPage([], None, is_first=True), "words": "Nothing yet."}),
    ]


def _files() -> list[Sample]:
    table, preview = FILES[0], "runs/partials/file_preview"
    return [
        sample("Files given to a run", "runs/partials/run_files", {"given": FILES}),
        sample("Files of a form", "runs/partials/files_field", {**files_field(FILES), "field_id": "id_sample_files"}),
        sample("Files that a tool made", "runs/partials/artifacts", {"artifacts": ARTIFACTS}),
        sample("Beginning of a file", preview, {"file": table, "table": TABLE}),
        sample("Beginning of a text", preview, {"file": table, "text": "# Notes", "is_cut": True}),
        sample("A file without text", preview, {"file": table}),
    ]


def _messages() -> JsonObject:
    ada = User(username="ada")
    messages = [
        RunMessage(pk=UUID(int=81), user=ada, text="Use metric units.", interrupts=True),
        RunMessage(pk=UUID(int=82), text="And name the sources.", edited_at=timezone.now()),
    ]
    return {"run": rows.run("thinking"), "messages": messages, "waits": "Read before the next turn."}


def _texts() -> list[Sample]:
    answer = rows.model_step("answer", 1, rows.ANSWER)
    long = rows.step("tool_result", 2, "A line of a log.\n" * 4000, call_id=rows.call_id(1), tool_name="read_log")
    data = rows.step("tool_result", 3, "", tool_output={"order": {"id": 7, "lines": [1, 2]}}, tool_name="order")
    piece = piece_of(long, {"of": "result", "from": "8000"})
    folded = fold(long.content, "result")
    prose, rest = prose_of(answer)
    return [
        sample("Prose", "runs/partials/stage_answer", {"card": {"prose": prose, "rest": rest}}, wide=True),
        sample("A long text, folded", "runs/partials/fold", {"step": long, "fold": folded}, wide=True),
        sample("A further piece", "runs/partials/rest", {"step": long, "piece": piece}, wide=True),
        sample(
            "JSON",
            "runs/partials/fold",
            {"step": data, "fold": fold('{\n  "id": 7\n}', "result", is_data=True)},
            wide=True,
        ),
    ]
