"""Notes about model retirements: in the launch form, beside agents, and on the models page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from runs.agent.providers.model_catalog import retirements
from runs.agent.providers.model_catalog.catalog import retirement_of
from runs.agent.providers.model_catalog.endpoints import Endpoint
from runs.engine import control
from runs.models import Agent
from runs.web.access import PageRequest, signed_in
from runs.web.ceiling_fields import words_about
from runs.web.fresh_tools import with_fresh_tools
from runs.web.tool_availability import launch_note


@dataclass(frozen=True, slots=True)
class ModelNote:
    """A model that will be retired soon, or was."""

    model: str
    words: str
    """The date, as a phrase that follows the name."""

    def __str__(self) -> str:
        return f"{self.model} {self.words}"


def note_about(model: str, *, endpoints: Sequence[Endpoint] | None = None) -> ModelNote | None:
    """The note about a model; None without a retirement. Without `endpoints` the own servers are looked up."""
    words = retirements.words_about(retirement_of(model, endpoints=endpoints))
    return ModelNote(model, words) if words else None


def notes_about(models: Iterable[object]) -> list[ModelNote]:
    """The notes about the models, in their order."""
    return [note for name in models if (note := note_about(str(name)))]


def launch_notes(agent: Agent | None, model: str) -> list[ModelNote]:
    """The notes about the models of a launch: the chosen one, else the agent's."""
    return notes_about([model] if model else agent.model_names if agent else ())


@require_safe
@signed_in
@with_fresh_tools
def show_model_notes(request: PageRequest) -> HttpResponse:
    """Retirement notes, missing tools and ceilings for the launch form as filled in: `?agent=` and `?model=`."""
    named = request.GET.get("agent", "")
    # Compared in Python: the database refuses some texts that an address can hold.
    agents = [each for each in Agent.objects.in_use() if (each.name == named if named else each.is_default)]
    agent = agents[0] if agents else None
    notes = launch_notes(agent, request.GET.get("model", "").strip())
    ceilings = "" if agent is None else words_about(agent, control.ceilings_of(agent, by=request.user))
    context = {"notes": notes, "ceilings": ceilings, "tools_note": launch_note(agent), "agent": agent}
    return render(request, "runs/partials/model_notes.html", context)
