"""Clients of our MCP server, and the site that they use."""

import atexit
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import httpx2
from mcp import StdioServerParameters, stdio_client
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from tests import site_process
from tests.fork_desk import Desk
from tests.live_site import LiveSite, clean_environment
from tests.site_process import ROOT

ERAS = ["legacy", "2026-07-28"]
STREAMS = 3
"""How many one person may have open."""
SET_UP = """
from django.contrib.auth.models import User
from runs.engine.task_templates.template_storage import save_template
from runs.models import Agent, ApiToken, TaskTemplate
Agent.objects.create(name="Careful", model_names=["offline"], approval="always")
ada = User.objects.create_user("ada")
eve = User.objects.create_user("eve")
Agent.objects.create(name="Slow", model_names=["local/m1"])
inputs = [{"name": "a", "type": "number", "help": "The first factor."}, {"name": "b", "type": "number", "default": 23}]
template = TaskTemplate(agent=Agent.objects.get(name="Careful"))
save_template(template, name="Product", description="Of two.", task="What is {{ a }} * {{ b }}?", inputs=inputs)
print(ApiToken.issue(ada, name="x", scopes=["read", "launch", "approve"])[1])
print(ApiToken.issue(ada, name="y", scopes=["read"])[1])
print(ApiToken.issue(eve, name="z", scopes=["read", "launch", "approve"])[1])
"""
ASKED = """
from django.contrib.auth.models import User
from runs.agent.tools.person_questions import PersonQuestion
from runs.models import Agent, Run
from tests.asked_questions import asked_question
run = Run.objects.create(user=User.objects.get(username="ada"), agent=Agent.objects.first(), task="Ask.", epoch=1)
print(asked_question(run, PersonQuestion(text="Where?")).pk)
"""


@asynccontextmanager
async def over_http(site: LiveSite, token: str, era: str) -> AsyncIterator[Client]:
    """A client of `/mcp`."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(f"{site.url}/mcp", http_client=http), mode=era) as client,
    ):
        yield client


@asynccontextmanager
async def over_stdio(data: Path, token: str, era: str) -> AsyncIterator[Client]:
    """A client of `manage.py mcp`."""
    environment = clean_environment(data, {"AGENTSITE_TOKEN": token})
    command = [sys.executable, str(ROOT / "manage.py"), "mcp"]
    if site_process.can_be_forked(environment):
        command = _desk().command_of("mcp")
    server = StdioServerParameters(command=command[0], args=command[1:], env=environment)
    async with Client(stdio_client(server), mode=era) as client:
        yield client


@cache
def _desk() -> Desk:
    desk = Desk(site_process.fork)
    atexit.register(desk.close)
    return desk
