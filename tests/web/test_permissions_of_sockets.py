"""Who may open which socket."""

import pytest

from tests.live.live_browser import session_of
from tests.web.identities import PEOPLE, every_permission, give_groups, single
from tests.web.routes import SOCKETS

BROWSERS = [*(each for each in PEOPLE if each.scopes is None), *map(single, every_permission())]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("identity", BROWSERS, ids=lambda identity: identity.name)
async def test_every_socket_opens_as_its_rule_says(watch, make_run, owner, identity) -> None:
    give_groups()
    run = make_run(owner, steps=1, status="thinking")
    user = identity.user(owner)
    session = session_of(user) if user is not None else None
    found = []

    for route, rule in SOCKETS.items():
        path = f"/{route}".replace("<uuid:run_id>", str(run.pk)) if route else "/ws/nowhere/"
        message = await (await watch(path, user, session=session)).message()
        code = message["code"] if message["type"] == "websocket.close" else 0
        if code != rule.answer(identity):
            found.append(f"{route} {code}, not {rule.answer(identity)}")

    assert found == []
