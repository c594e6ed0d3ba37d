"""Samples of Home, the list of runs, the inbox, the models, the tools and the palette."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.http import QueryDict
from django.utils import timezone

from runs.agent.budget.pricing import ListedPrice
from runs.agent.errors.agent_error import AgentError, ErrorSeverity
from runs.agent.json_data.json_types import JsonObject
from runs.agent.providers.capabilities import Capabilities
from runs.agent.providers.model_catalog.connection_test import Probe
from runs.agent.tools.registry import registered_tools
from runs.agent.usage import Usage
from runs.live.rendering.long_texts import fold
from runs.models import Agent, Run, Surface
from runs.web.call_page import whole_arguments
from runs.web.call_stacks import CallStack, SimilarRuns
from runs.web.decided_calls import DecidedCall
from runs.web.home_charts import ChartBar
from runs.web.home_figures import FailureCause, Figures, Tile
from runs.web.inbox_tabs import TO_DECIDE, inbox_tabs
from runs.web.launch_agent import LaunchAgent
from runs.web.model_notes import ModelNote
from runs.web.model_rows import ModelRow
from runs.web.model_tests import ModelTest, Round
from runs.web.model_use import ModelUse
from runs.web.models_page import ProviderSection
from runs.web.palette_rows import PaletteGroup, PaletteRow
from runs.web.pending_calls import PendingCall, PendingRun, WaitingCounts
from runs.web.run_columns import USUAL, column_choices
from runs.web.run_filter import RunFilter
from runs.web.run_groups import RunGroup
from runs.web.run_search import SearchResult
from runs.web.run_totals import RunTotals, ViewTab
from runs.web.styleguide import sample_rows as rows
from runs.web.styleguide.samples import Sample, SampleGroup, sample
from runs.web.tool_facts import ToolRow, ToolSection
from runs.web.tool_trial import Trial
from runs.web.tool_use import ToolUse
from runs.web.tools_page import TrialForm


def groups() -> list[SampleGroup]:
    """The samples, component by component."""
    return [
        SampleGroup("runs", "List of runs", _runs()),
        SampleGroup("home", "Home", _home()),
        SampleGroup("inbox", "Inbox", _inbox()),
        SampleGroup("models", "Models", _models()),
        SampleGroup("tools", "Tools", _tools()),
        SampleGroup("palette", "Palette", _palette()),
    ]


def _listed() -> list[Run]:
    return [
        rows.run("waiting", waiting_for="approval", line="send_invoice wants to run"),
        rows.run("executing", line="runs delivery_forecast", root=UUID(int=8)),
        rows.run("completed", line="The article is in stock and 5 pieces are reserved."),
        rows.run("completed", could_not=True, line="I could not do “Plan a trip to Lisbon”."),
        rows.run("failed", line="keyless answered 401: invalid x-api-key", cost=None, tokens_used=None),
        rows.run("cancelled", cost_is_partial=True),
    ]


def _runs() -> list[Sample]:
    everything, narrow = QueryDict(""), QueryDict("q=invoice&status=failed&sort=-cost&agent=nobody")
    context: JsonObject = {
        "filter": RunFilter(everything, user=AnonymousUser()),
        "runs": _listed(),
        "found": SearchResult(),
        "totals": RunTotals(3051, 2400, 120, 531, Decimal("31.2"), 12),
        "older": "before=1",
        "columns": set(USUAL),
        "column_choices": column_choices(set(USUAL), shows_owners=False),
        "may_run_again": True,
        "once": "",
    }
    group = RunGroup("Order clerk", context["totals"], "/runs/?agent=Order+clerk", runs=_listed()[2:])
    nothing = context | {"runs": [], "older": "", "totals": None, "filter": RunFilter(narrow, user=AnonymousUser())}
    tabs = [
        ViewTab("", "All", "3,051", True, "/runs/"),
        ViewTab("needs-me", "Needs me", "2", False, "/runs/?view=needs-me"),
    ]
    return [
        sample("Views", "runs/partials/run_tabs", {"tabs": tabs}, wide=True),
        sample("Filters", "runs/partials/run_filters", context, wide=True),
        sample("Filters in use", "runs/partials/run_filters", nothing, wide=True),
        sample("Table", "runs/partials/run_results", context, wide=True),
        sample("A group", "runs/partials/run_results", context | {"groups": [group], "older": ""}, wide=True),
        sample("No match", "runs/partials/run_results", nothing, wide=True),
        sample("Nothing yet", "runs/partials/run_results", nothing | {"filter": context["filter"]}, wide=True),
    ]


def _home() -> list[Sample]:
    bars = [ChartBar(hour * 4, 36 - height, height, tone) for hour, height, tone in _heights()]
    tile = Tile("Runs, 24 h", "169", "+12 % on the day before", bars)
    figures = Figures(
        [tile, Tile("Success", "83 %", "24 failed · 3 could not do it", bars)],
        [FailureCause(11, "Not authorised: keyless", timezone.now(), "status=failed")],
        timezone.now(),
    )
    listed = {"name": "sample", "title": "Running", "runs": _listed(), "count": 6, "href": "/runs/", "link": "All runs"}
    return [
        sample("Quick launch", "runs/partials/quick_launch", {"agents": ["Assistant", "Order clerk"]}, wide=True),
        sample("A list", "runs/partials/home_list", listed, wide=True),
        sample("Figures", "runs/partials/figures", {"figures": figures}, wide=True),
        sample("Counts, for readers of screens", "runs/partials/counts", {"counts": {"running": 2, "waiting": 1}}),
        sample("The card of an agent", "runs/partials/launch_agent", {"shown": _agent()}, wide=True),
    ]


def _agent() -> LaunchAgent:
    agent = Agent(pk=1, name="Order clerk", description="Looks up stock, reserves and writes.", model_names=["offline"])
    return LaunchAgent(agent, [run for run in _listed() if run.is_finished])


def _heights() -> list[tuple[int, float, str]]:
    return [*((hour, 4.0 + hour % 7 * 4, "ok") for hour in range(24)), (3, 4.0, "error"), (17, 9.0, "error")]


def _inbox() -> list[Sample]:
    waiting = PendingRun(
        rows.run("waiting", waiting_for="approval"),
        "The order is complete. The next step is the invoice.",
        [PendingCall(rows.call(number), 4) for number in range(4)],
        first_task="Send all invoices of the week",
    )
    waiting.run.root = UUID(int=8)
    unknown = PendingRun(waiting.run, "", [PendingCall(rows.call(9, "unknown", tool_name="transfer_money"))])
    asking = [PendingCall(rows.call(30 + n, "awaiting_answer", tool_name="ask_person")) for n in range(2)]
    asking[0].question = rows.asked_row(6, kind="text", text="What is the customer's reference?")
    asking[1].question = rows.asked_row(7, kind="choice", text="How shall it be sent?", choices=["By train", "By car"])
    counts = WaitingCounts(4, 1)
    context: JsonObject = {"tab": TO_DECIDE, "counts": counts, "has_more": True, "most_shown": 50}
    context["sections"] = [waiting, _similar()]
    questions = context | {"sections": [PendingRun(asking[0].call.run, "", asking)], "has_more": False}
    unclear = context | {"sections": [unknown], "has_more": False}
    chosen = [(rows.call_id(number), "0" * 64) for number in range(6)]
    bulk: JsonObject = {"chosen": chosen, "unsafe": [("send_invoice", 6)], "unsafe_count": 6}
    decided = rows.call(3, "denied", decided_at=timezone.now(), decision_reason="Ask the customer first.")
    refused: JsonObject = {"run": rows.run(), "call": decided, "said": "ada denied it 4 s ago.", "code": "decided"}
    form = {"form": PendingCall(rows.call(5)).form, "call": rows.call(5)}
    return [
        sample("Tabs", "runs/partials/inbox_tabs", {"tabs": inbox_tabs(TO_DECIDE, counts)}, wide=True),
        sample("To decide", "runs/partials/inbox_list", context, wide=True, tag="div", class_="inbox"),
        sample("Questions", "runs/partials/inbox_list", questions, wide=True, tag="div", class_="inbox"),
        sample("Outcome unknown", "runs/partials/inbox_list", unclear, wide=True, tag="div", class_="inbox"),
        sample("All clear", "runs/partials/inbox_list", context | {"sections": [], "has_more": False}, wide=True),
        sample("The bar of a selection", "runs/partials/inbox_bulk", wide=True),
        sample("A second question", "runs/partials/confirm_bulk", bulk, wide=True),
        sample("Changed arguments", "runs/partials/argument_form", form, wide=True),
        sample("Decided meanwhile", "runs/partials/call_stands", {"call": decided}, wide=True),
        sample(
            "What else can be done", "runs/partials/inbox_always", {"call": rows.call(5), "waiting": waiting.calls[0]}
        ),
        sample("Undo", "runs/partials/undo_form", _undo(), wide=True),
        sample("A refused decision", "runs/partials/decision_refused", refused, wide=True),
        *_by_link(),
    ]


def _by_link() -> list[Sample]:
    """The parts of the page of a decision link."""
    call, ada = rows.call(6), User(username="ada")
    denied = rows.call(7, "denied", decided_at=timezone.now(), decided_by=ada, surface=Surface.MAIL)
    stands: JsonObject = {"call": denied, "run": denied.run, "decided": DecidedCall(denied), "undo_until": None}
    return [
        sample("All arguments", "runs/partials/whole_arguments", {"call": call, **whole_arguments(call)}, wide=True),
        sample("Decide by a link", "runs/partials/decision_link_acts", {"call": call, "can_be_read": True}, wide=True),
        sample("Decided by a link", "runs/partials/decision_link_stands", stands, wide=True),
    ]


def _similar() -> SimilarRuns:
    """Calls of three runs that are alike."""
    runs = [rows.run("waiting", waiting_for="approval", id=UUID(int=50 + number)) for number in range(3)]
    calls = [PendingCall(rows.call(20 + number, run=run)) for number, run in enumerate(runs)]
    return SimilarRuns(CallStack(calls[0], calls[1:]))


def _undo() -> JsonObject:
    until = timezone.now() + timedelta(hours=1)
    return {"url": "/runs/", "until": until, "until_ms": round(until.timestamp() * 1000), "is_inbox": True}


def _models() -> list[Sample]:
    answered = Probe(
        total_s=1.2, first_token_s=0.4, usage=Usage(600, 17), cost_usd=Decimal("0.0001"), tool_use="called"
    )
    action = "Check the key of keyless."
    failure = AgentError("keyless answered 401", ErrorSeverity.CRITICAL, {}, False, action, code="model_auth")
    failed = Probe(total_s=0.1, error=failure)
    section = ProviderSection("local", "not needed", "", "http://127.0.0.1:11434/v1", 2, timezone.now())
    can = Capabilities(tools=False, max_output_tokens=4096, reasoning=True)
    section.models = [
        (_TestedRow("local/m1", answered, price=ListedPrice(Decimal("0.15"), Decimal("0.6"), rises=True)), _used()),
        (_TestedRow("local/m2", failed, capabilities=can, context_tokens=32_768), ModelUse()),
        (ModelRow("local/m3", "not needed", note=ModelNote("local/m3", "retires in 12 days")), ModelUse()),
        (ModelRow("local/m4", "not needed", fault="Unknown model 'local/m4'."), ModelUse()),
    ]
    missing = ProviderSection("openai", "missing", "OPENAI_API_KEY")
    going = Round(("a", "b", "c"), ("a",), is_going=True)
    notes: JsonObject = {"notes": [ModelNote("openai:o1", "retired on 2026-10-23")], "ceilings": "At most 20 turns."}
    return [
        sample("A provider", "runs/partials/model_section", {"section": section, "may_test": True}, wide=True),
        sample("Without its key", "runs/partials/model_section", {"section": missing}, wide=True),
        sample("A test of all", "runs/partials/model_progress", {"round": going}, wide=True),
        sample("Notes at the launch", "runs/partials/model_notes", notes, wide=True),
    ]


def _tools() -> list[Sample]:
    used = ToolUse(1180, 22, 2, 0.004, 0.08)
    rows_ = [ToolRow(tool, used if name == "calculator" else ToolUse()) for name, tool in registered_tools().items()]
    calculator = rows_[0]
    figures: JsonObject = {"use": used, "sampled": 500, "sees_all": True}
    trial: JsonObject = {"row": calculator, "form": TrialForm(calculator.tool), "confirm": "sure"}
    done = Trial("3.1 ms", fold("391", "result"))
    failed = Trial("5.0 s", error="'stock_level' timed out after 5 s (limit tool_timeout_s).", cause="Timed out")
    return [
        sample("Of one source", "tools/partials/section", {"section": ToolSection("", rows_[:3])}, wide=True),
        sample("How its calls went", "tools/partials/figures", figures, wide=True),
        sample("Its arguments", "tools/partials/arguments", {"row": calculator}, wide=True),
        sample("A trial", "tools/partials/try_it", trial | {"trial": done}, wide=True),
        sample("A trial that failed", "tools/partials/trial", {"trial": failed}, wide=True),
    ]


class _TestedRow(ModelRow):
    """A model with the result of a test."""

    __slots__ = ("_probe",)
    _probe: Probe

    def __init__(self, name: str, probe: Probe, **fields: object) -> None:
        super().__init__(name, "not needed", **fields)  # type: ignore[arg-type]  # those of a `ModelRow`
        object.__setattr__(self, "_probe", probe)

    @property
    def tested(self) -> ModelTest:
        """The result."""
        return ModelTest(self._probe, timezone.now())


def _used() -> ModelUse:
    failed_at = timezone.now() - timedelta(hours=3)
    return ModelUse(timezone.now() - timedelta(minutes=4), failed_at, "Rate limited", rows.RUN_ID)


def _palette() -> list[Sample]:
    found = [
        PaletteGroup("pages", "Go to", [PaletteRow(words="Inbox", icon="inbox", url="/inbox/", key="g i")]),
        PaletteGroup(
            "runs", "Runs", [PaletteRow(words=rows.TASK, icon="circle-check", url="/runs/", meta="4 min ago")]
        ),
    ]
    back: JsonObject = {"user": rows.run().user, "recent_runs": found[1].rows}
    typed: JsonObject = {"typed": "xyz", "has_match": False, "groups": []}
    return [
        sample("Results", "partials/palette_results", {"groups": found, "has_match": True}, wide=True),
        sample("No match", "partials/palette_results", typed, wide=True),
        sample("The way back from an error", "partials/way_back", back, wide=True),
        sample("Brand", "partials/brand"),
    ]
