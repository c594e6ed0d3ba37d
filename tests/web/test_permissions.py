"""Who may do what: every address and socket, for every identity, by every method. An address without a rule fails."""

from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice

import pytest
from django.contrib.auth.models import Group, Permission

from runs.live.sockets.routing import websocket_application
from tests.web.admin_routes import ODDITIES
from tests.web.identities import GROUPS, PEOPLE, Identity, every_permission, make_groups, single
from tests.web.permission_requests import of_what_asks_for_a_permission, surprises
from tests.web.permission_site import Site
from tests.web.routes import RULES, SOCKETS, addresses, rule_for

NOTHING = "runs.nothing"
"""A permission that does not exist."""
OTHER_METHODS = ("HEAD", "PUT", "PATCH", "DELETE")
SENDERS = (PEOPLE[0], PEOPLE[2], PEOPLE[7])
"""Who sends them. They take turns with methods that have no rule of their own: 405, or in the admin the rule of GET."""


def of_everything() -> Iterator[tuple[str, str]]:
    """Every address by GET and POST; the admin's pages by POST only where it differs from GET."""
    for name, methods in RULES.items():
        yield name, "GET"
        if not name.startswith("admin:") or methods.get("POST") != methods["GET"]:
            yield name, "POST"


@cache
def facts_of_rules() -> set[str]:
    """The facts that rules of pages and API ask for."""
    rules = [rule for name, methods in RULES.items() if not name.startswith("admin:") for rule in methods.values()]
    return {fact for rule in rules for either, _status in rule.needs for fact in either.split("|")}


def is_named(permission: str) -> bool:
    """True if a rule of pages and API answers otherwise for this permission than for one that exists nowhere."""
    others = single(permission).facts - {permission}
    return permission in facts_of_rules() or others != single(NOTHING).facts - {NOTHING}


def is_closed_by_any_permission(name: str, method: str) -> bool:
    """True if it is open to staff without any permission, as a launch is, and closed to staff with another one."""
    rule = rule_for(name, method)
    return rule.answer(Identity(name="staff", staff=True)) != rule.answer(single(NOTHING))


def of_other_methods(sender: int) -> Iterator[tuple[str, str]]:
    """What the sender of that place tries: methods with a rule, and a third of the others of each address."""
    for turn, (name, methods) in enumerate(RULES.items(), start=sender):
        as_get = {"HEAD"} if "GET" in methods and not name.startswith("admin:") else set()
        ruled = [each for each in OTHER_METHODS if each in methods or each in as_get or (name, each) in ODDITIES]
        others = [each for each in OTHER_METHODS if each not in ruled]
        yield from ((name, method) for method in (*ruled, *others[-turn % 3 :: 3]))


def test_every_address_and_every_socket_has_a_rule() -> None:
    assert set(addresses()) == set(RULES)
    routes = websocket_application.application.routes
    assert {str(route.pattern) for route in routes} == set(SOCKETS)


@pytest.mark.parametrize("identity", PEOPLE, ids=lambda identity: identity.name)
def test_every_address_answers_as_its_rule_says(site: Site, identity: Identity) -> None:
    asked = of_everything()
    if identity.scopes is not None:
        # The admin's pages, like all pages, ignore tokens.
        asked = ((name, method) for name, method in asked if not name.startswith("admin:"))

    assert "\n".join(surprises(site, identity, asked)) == ""


@pytest.mark.parametrize("sender", range(len(SENDERS)), ids=lambda sender: SENDERS[sender].name)
def test_other_methods_than_get_and_post_are_answered_as_the_rules_say(site: Site, sender: int) -> None:
    assert "\n".join(surprises(site, SENDERS[sender], of_other_methods(sender))) == ""


def test_every_other_method_is_sent_to_every_address() -> None:
    sent = {each for sender in range(len(SENDERS)) for each in of_other_methods(sender)}

    assert sent == {(name, method) for name in RULES for method in OTHER_METHODS}


@pytest.mark.parametrize("permission", [each for each in every_permission() if is_named(each)])
def test_a_permission_alone_opens_what_it_names_of_pages_and_api_and_nothing_else(site: Site, permission: str) -> None:
    assert "\n".join(surprises(site, single(permission), of_what_asks_for_a_permission())) == ""


def test_the_permissions_that_no_rule_names_open_nothing_of_pages_and_api_even_together(site: Site) -> None:
    others = tuple(each for each in every_permission() if not is_named(each))
    who = Identity(name="with all that no rule names", staff=True, permissions=others)

    assert len(others) > 20
    assert "\n".join(surprises(site, who, of_what_asks_for_a_permission())) == ""


def test_each_permission_that_no_rule_names_closes_what_any_permission_closes(site: Site) -> None:
    """Each is tried at three addresses in turn. That all of them together open none of these is tried above."""
    others = [each for each in every_permission() if not is_named(each)]
    closed = [each for each in of_what_asks_for_a_permission() if is_closed_by_any_permission(*each)]
    turns = cycle(closed)
    asked = {each: list(islice(turns, 3)) for each in others}

    found = [line for each in others for line in surprises(site, single(each), asked[each])]

    assert {address for three in asked.values() for address in three} == set(closed)
    assert len(closed) > 5
    assert "\n".join(found) == ""


def test_the_groups_of_a_new_installation_may_what_the_rules_say(db: None) -> None:
    make_groups()

    may = {
        group.name: {f"{each.content_type.app_label}.{each.codename}" for each in group.permissions.all()}
        for group in Group.objects.all()
    }

    assert may == {name: set(permissions) for name, permissions in GROUPS.items()}


def test_every_permission_there_is_is_tried(db: None) -> None:
    given = Permission.objects.filter(content_type__app_label__in=["auth", "runs"])

    assert {f"{app}.{name}" for app, name in given.values_list("content_type__app_label", "codename")} == {
        *every_permission()
    }
