"""The table of permissions in the documentation."""

import pytest

from tests.live.live_browser import session_of
from tests.web import permission_table
from tests.web.identities import PEOPLE, Identity
from tests.web.permission_requests import ask
from tests.web.permission_site import Site
from tests.web.routes import addresses


def test_the_table_in_the_documentation_is_that_of_the_rules() -> None:
    assert permission_table.FILE.read_text() == permission_table.text(), f"Remake it: {permission_table.COMMAND}"


@pytest.mark.parametrize("identity", [PEOPLE[4], PEOPLE[5], PEOPLE[7]], ids=lambda identity: identity.name)
def test_where_the_documentation_says_yes_somebody_is_let_in(site: Site, identity: Identity) -> None:
    lines = permission_table.FILE.read_text().splitlines()
    rows = [line.removesuffix(" |").split(" | ") for line in lines if line.startswith("| `GET /")]
    said = {row[0].removeprefix("| `GET /").removesuffix("`"): row[1:] for row in rows}
    column = [each for each in PEOPLE if each.scopes is None].index(identity)
    credential = identity.credential(identity.user(site.owner), session_of)
    admin = {name: route for name, route in addresses().items() if name.startswith("admin:") and route in said}

    answers = {route: ask(site, name, route, "GET", credential) for name, route in admin.items()}

    assert len(answers) > 40 and said["admin/runs/run/add/"][column] == "no"
    assert {route for route in answers if said[route][column] == "yes"} == {
        route for route, (status, _acted) in answers.items() if status in (200, 302)
    }
