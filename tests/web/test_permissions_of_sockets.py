"""Who may open which socket."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from runs.live.sockets.hub import Hub
from runs.models import Run
from tests.live.live_browser import Socket, session_of
from tests.web.identities import PEOPLE, Identity, every_permission, give_groups, single
from tests.web.routes import SOCKETS

BROWSERS = [each for each in PEOPLE if each.scopes is None]


@pytest.fixture
def surprises(hub: Hub, make_run: Callable[..., Run], owner: User) -> Callable[[Identity], Awaitable[list[str]]]:
    """`await surprises(identity)`: the sockets that open otherwise than their rules say, one line each."""
    give_groups()
    run = make_run(owner, steps=1, status="thinking")

    async def found(identity: Identity) -> list[str]:
        user = identity.user(owner)
        session = session_of(user) if user is not None else None
        codes = {route: await _code_of(_path_of(route, run.pk), session) for route in SOCKETS}
        expected = {route: rule.answer(identity) for route, rule in SOCKETS.items()}
        return [
            f"{identity.name}: {route} {code}, not {expected[route]}"
            for route, code in codes.items()
            if code != expected[route]
        ]

    return found


def _path_of(route: str, run_id: UUID) -> str:
    return f"/{route}".replace("<uuid:run_id>", str(run_id)) if route else "/ws/nowhere/"


async def _code_of(path: str, session: str | None) -> int:
    """The code with which the socket is closed, 0 for a frame."""
    socket = await Socket(path, session).open()
    message = await socket.message()
    await socket.leave()
    return int(message["code"]) if message["type"] == "websocket.close" else 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("identity", BROWSERS, ids=lambda identity: identity.name)
async def test_every_socket_opens_as_its_rule_says(surprises, identity) -> None:
    assert await surprises(identity) == []


@pytest.mark.django_db(transaction=True)
async def test_no_permission_but_that_to_see_runs_opens_or_closes_a_socket(surprises) -> None:
    others = tuple(each for each in every_permission() if each != "runs.view_run")
    with_others = Identity(name="staff with all others", staff=True, permissions=others)

    assert len(others) > 20
    assert [line for each in (single("runs.view_run"), with_others) for line in await surprises(each)] == []
