"""What people are told about models that end: in the launch form, beside agents, and on the models page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from runs.agent.providers.catalog import retirement_of
from runs.agent.providers.endpoints import Endpoint
from runs.agent.providers.retirements import words_about
from runs.models import Agent
from runs.web.access import PageRequest, signed_in


@dataclass(frozen=True, slots=True)
class ModelNote:
    """A model that ends soon, or has ended."""

    model: str
    words: str
    """When: to be read after the name."""

    def __str__(self) -> str:
        return f"{self.model} {self.words}"


def note_about(model: str, *, endpoints: Sequence[Endpoint] | None = None) -> ModelNote | None:
    """What is to be said about the model; None if it goes on. Without `endpoints` the own servers are looked up."""
    words = words_about(retirement_of(model, endpoints=endpoints))
    return ModelNote(model, words) if words else None


def notes_about(models: Iterable[object]) -> list[ModelNote]:
    """What is to be said about them, in their order."""
    return [note for name in models if (note := note_about(str(name)))]


def launch_notes(agent: Agent | None, model: str) -> list[ModelNote]:
    """What is to be said about the models a launch would use: the one chosen, else the agent's."""
    return notes_about([model] if model else agent.model_names if agent else ())


@require_safe
@signed_in
def show_model_notes(request: PageRequest) -> HttpResponse:
    """What is to be said about the models of the launch form as it stands: `?agent=` and `?model=`."""
    named = request.GET.get("agent", "")
    # Not asked of the database, which refuses some texts that can be in an address.
    agents = [each for each in Agent.objects.all() if (each.name == named if named else each.is_default)]
    notes = launch_notes(agents[0] if agents else None, request.GET.get("model", "").strip())
    return render(request, "runs/partials/model_notes.html", {"notes": notes})
