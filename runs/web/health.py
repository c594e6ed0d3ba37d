"""Health endpoints for supervisors and load balancers: liveness and readiness."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, JsonResponse

from runs.engine.operations import health_checks
from runs.engine.operations.health_checks import Look

NO_STORE = {"Cache-Control": "no-store"}


def show_alive(request: HttpRequest) -> HttpResponseBase:
    """200 while the process answers at all. It uses neither the database nor a session."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    return HttpResponse("alive\n", content_type="text/plain; charset=utf-8", headers=NO_STORE)


async def show_ready(request: HttpRequest) -> HttpResponseBase:
    """200 if database, channel layer and host work, else 503; JSON with each check's result, within about 2 s."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    looks: dict[str, Callable[[], Awaitable[Look]]] = {
        "database": health_checks.DATABASE.look,
        "layer": health_checks.look_at_layer,
        "host": health_checks.look_at_hosts,
    }
    found = dict(zip(looks, await asyncio.gather(*(_timed(look) for look in looks.values())), strict=True))
    is_ready = all(each["ok"] for each in found.values())
    content = {"ready": is_ready, "checks": found}
    return JsonResponse(content, status=200 if is_ready else 503, headers=NO_STORE, json_dumps_params={"indent": 2})


async def _timed(look: Callable[[], Awaitable[Look]]) -> dict[str, Any]:
    began = time.perf_counter()
    found = await look()
    return found.as_json() | {"ms": round((time.perf_counter() - began) * 1000, 1)}
