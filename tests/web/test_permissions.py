"""Who may do what: every address and socket, for every identity, by every method. An address without a rule fails."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice

import pytest
from django.contrib.auth.models import Group, Permission

from runs.live.sockets.routing import websocket_application
from tests.web.admin_routes import ODDITIES
from tests.web.identities import GROUPS, PEOPLE, SCOPES, Identity, every_permission, make_groups, single
from tests.web.permission_requests import of_what_asks_for_a_permission, surprises
from tests.web.permission_site import Site
from tests.web.routes import DECIDING, RULES, SOCKETS, addresses, rule_for

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


def heeds_tokens(name: str) -> bool:
    """True for what takes a token: the API, and what a rule opens to a token."""
    facts = {fact for rule in RULES[name].values() for fact, _status in rule.needs}
    return name.startswith("api:") or any(fact in ("caller", "token") or fact.startswith("scope ") for fact in facts)


@cache
def facts_of(permission: str) -> frozenset[str]:
    """The facts that this permission alone makes true, and one that exists nowhere does not."""
    return single(permission).facts - single(NOTHING).facts


@cache
def named_at(name: str, method: str) -> frozenset[str]:
    """The permissions that the rule of an address asks for, be it to decide a call."""
    rules = {either for either, _status in rule_for(name, method).needs}
    facts = {fact for either in (*rules, *DECIDING.get(name, ())) for fact in either.split("|")}
    return frozenset(each for each in every_permission() if facts_of(each) & facts)


@cache
def named_anywhere() -> frozenset[str]:
    """The permissions that a rule of pages and API asks for."""
    return frozenset().union(*(named_at(*each) for each in of_what_asks_for_a_permission()))


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
        # Pages ignore tokens of every kind: see the next test.
        asked = ((name, method) for name, method in asked if heeds_tokens(name))

    assert "\n".join(surprises(site, identity, asked)) == ""


def test_pages_ignore_a_token_even_the_owners_of_all_scopes(site: Site) -> None:
    who = Identity(name="owner's token", owns=True, scopes=SCOPES)
    asked = [each for each in of_everything() if not heeds_tokens(each[0]) and not each[0].startswith("admin:")]

    assert len(asked) > 100
    assert "\n".join(surprises(site, who, asked)) == ""


@pytest.mark.parametrize("sender", range(len(SENDERS)), ids=lambda sender: SENDERS[sender].name)
def test_other_methods_than_get_and_post_are_answered_as_the_rules_say(site: Site, sender: int) -> None:
    assert "\n".join(surprises(site, SENDERS[sender], of_other_methods(sender))) == ""


def test_every_other_method_is_sent_to_every_address() -> None:
    sent = {each for sender in range(len(SENDERS)) for each in of_other_methods(sender)}

    assert sent == {(name, method) for name in RULES for method in OTHER_METHODS}


@pytest.mark.parametrize("permission", sorted(named_anywhere()))
def test_a_permission_alone_opens_what_names_it_and_closes_what_any_closes(site: Site, permission: str) -> None:
    everything = of_what_asks_for_a_permission()
    asked = [each for each in everything if permission in named_at(*each) or is_closed_by_any_permission(*each)]

    assert "\n".join(surprises(site, single(permission), asked)) == ""


def test_no_address_of_pages_and_api_is_opened_by_all_permissions_together_that_it_does_not_name(site: Site) -> None:
    addresses_by_named = defaultdict(list)
    for each in of_what_asks_for_a_permission():
        addresses_by_named[named_at(*each)].append(each)

    found = []
    for number, (named, asked) in enumerate(addresses_by_named.items()):
        others = tuple(each for each in every_permission() if each not in named)
        found += surprises(site, Identity(name=f"staff {number}", staff=True, permissions=others), asked)

    assert "\n".join(found) == ""


def test_each_permission_that_no_rule_names_closes_what_any_permission_closes(site: Site) -> None:
    """Each is tried at three addresses in turn. That all of them together open none of these is tried above."""
    others = [each for each in every_permission() if each not in named_anywhere()]
    closed = [each for each in of_what_asks_for_a_permission() if is_closed_by_any_permission(*each)]
    turns = cycle(closed)
    asked = {each: list(islice(turns, 3)) for each in others}

    found = [line for each in others for line in surprises(site, single(each), asked[each])]

    assert {address for three in asked.values() for address in three} == set(closed)
    assert len(closed) > 5
    assert len(others) > 20
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
