"""Loaded into a real server with AGENTSITE_TOOLS: a model without latency, whose runs write at the maximum rate.

With AGENTSITE_BENCH_HASH=off passwords are hashed by MD5, to measure a sign-in without the cost of the hash.
"""

import os
from typing import Any

from django.conf import settings

from runs.agent.messages import ModelProvider, ModelReply, ToolRequest
from runs.agent.providers.model_catalog import catalog

WORDS = " ".join(f"word{n:02}" for n in range(1, 21))


class BusyModel:
    """Never answers: reasoning of 20 words and a call of the calculator, endlessly."""

    name, model = "busy", "m1"

    async def reply(self, request: Any, *, on_delta: Any = None) -> ModelReply:
        """The next turn."""
        return ModelReply(reasoning=WORDS, calls=(ToolRequest("calculator", {"expression": "17 * 23"}),))


_others = catalog.provider_for


def _provider_for(name: str, **options: Any) -> ModelProvider:
    return BusyModel() if name == "busy/m1" else _others(name, **options)


catalog.provider_for = _provider_for  # type: ignore[assignment]  # The host passes the name only.
if os.environ.get("AGENTSITE_BENCH_HASH") == "off":
    # The others verify the stored password once; the first sign-in replaces it.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
