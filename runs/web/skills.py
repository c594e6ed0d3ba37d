"""Skills: their list with the upload of one, and the page of one with its files."""

from collections.abc import Iterable
from typing import Any, Final

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from runs.agent.files.file_types import BEGINNING_BYTES, decoded, is_text
from runs.agent.skills.skill import SKILL_FILE
from runs.engine.skills.known_skills import KnownSkill, content_of, files_of, known_skills, skill_names
from runs.engine.skills.uploads import MAX_ZIP_BYTES, SkillRefused, store_skill
from runs.live.rendering.stored_words import refusal_words
from runs.markdown import visible
from runs.models import Agent, Skill
from runs.models.permissions import may_change_agents, may_see_agents
from runs.web.access import PageRequest, go_to, only_if

MOST_CHARACTERS: Final = 64_000
"""What the page shows of a file."""


@require_http_methods(["GET", "HEAD", "POST"])
@only_if(may_see_agents)
def show_skills(request: PageRequest) -> HttpResponse:
    """Show all skills; POST takes the ZIP of one, from those who may change agents."""
    refusal = ""
    may_change = may_change_agents(request.user)
    if request.method == "POST":
        if not may_change:
            raise Http404(_no_such_skill())
        try:
            return redirect(_uploaded(request))
        except SkillRefused as refused:
            refusal = refusal_words(refused)
    skills = known_skills()
    agents = _agents_by_skill()
    context = {
        "skills": [(skill, agents.get(skill.name, [])) for skill in skills],
        "may_change": may_change,
        "refusal": refusal,
        "is_replaced": "replace" in request.POST,
    }
    return render(request, "skills/list.html", context, status=422 if refusal else 200)


@require_safe
@only_if(may_see_agents)
def show_skill(request: PageRequest, name: str) -> HttpResponse:
    """Show a skill, and the text of the file `?file=`."""
    skill = _skill_or_404(name)
    path = request.GET.get("file", SKILL_FILE)
    content = content_of(skill, path)
    if content is None:
        raise Http404(gettext("The skill has no such file."))
    text = decoded(content) if is_text(content[:BEGINNING_BYTES]) else None
    context = {
        "skill": skill,
        "files": files_of(skill),
        "path": path,
        "text": None if text is None else visible(text[:MOST_CHARACTERS]),
        "is_cut": text is not None and len(text) > MOST_CHARACTERS,
        "agents": _agents_by_skill().get(skill.name, []),
        "may_change": may_change_agents(request.user) and skill.uploaded is not None,
    }
    return render(request, "skills/skill.html", context)


@require_POST
@only_if(may_change_agents)
def delete_skill(request: PageRequest, name: str) -> HttpResponse:
    """Delete an uploaded skill; 409 while an agent has it."""
    with transaction.atomic():
        skill = Skill.objects.select_for_update().filter(name=name).first()
        if skill is None:
            raise Http404(_no_such_skill())
        agents = _agents_by_skill().get(name)
        if not agents:
            skill.delete()
    if agents:
        words = gettext("Agents have this skill: %(names)s. Take it from them first.")
        return HttpResponse(words % {"names": ", ".join(map(str, agents))}, status=409, content_type="text/plain")
    return go_to(request, reverse("runs:skills"))


def _uploaded(request: PageRequest) -> Skill:
    """The skill sent with the form, stored. Raises `SkillRefused`."""
    upload = request.FILES.get("upload")
    content = b"" if upload is None else upload.read(MAX_ZIP_BYTES + 1)
    if not content:
        raise SkillRefused(gettext("Choose a ZIP file."))
    return store_skill(content, user=request.user, replaces="replace" in request.POST)


def _agents_by_skill() -> dict[str, list[Agent]]:
    agents: dict[str, list[Agent]] = {}
    for agent in Agent.objects.only("name", "skills").order_by("name"):
        for name in agent.skills:
            agents.setdefault(name, []).append(agent)
    return agents


def _skill_or_404(name: str) -> KnownSkill:
    skill = next((each for each in known_skills() if each.name == name), None)
    if skill is None:
        raise Http404(_no_such_skill())
    return skill


def _no_such_skill() -> str:
    return gettext("There is no such skill, or it is not for you.")


def skill_choices(chosen: Iterable[str]) -> list[tuple[str, Any]]:
    """The names of the skills for a field; those of `chosen` that are gone are marked."""
    names = sorted(skill_names())
    gone = [name for name in chosen if name not in names]
    return [(name, name) for name in names] + [(name, gettext("%(name)s (gone)") % {"name": name}) for name in gone]
