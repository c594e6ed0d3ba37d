"""The route matrix as a page of the documentation; `python -m tests.web.permission_table` rewrites it."""

import os
from collections.abc import Iterator
from pathlib import Path

FILE = Path(__file__).parents[2] / "docs" / "permissions.md"
COMMAND = ".venv/bin/python -m tests.web.permission_table"
HEAD = f"""# Who may do what

Made from the rules that `tests/web/test_permissions.py` tries on every address, by every method, for everybody in the
columns and for staff with each single permission. Do not edit it: `{COMMAND}` writes it anew.

## In short

| who | runs of their own | everybody's runs | launch | agents | models | people and groups |
|---|---|---|---|---|---|---|
| member: given nothing | see, stop, decide | – | yes | – | – | – |
| Auditors | see, stop, decide | see | – | see | see | see |
| Operators | see, stop, decide | see, stop, decide | yes | see | see, test | – |
| Administrators | see, stop, decide | see, stop, decide | yes, beyond limits too | see, edit | see, test | see, edit |
| superuser | all | all | yes, beyond limits too | all | all | all |

**The pages of the admin need the mark "staff status" besides:** a group alone does not open them, and the mark alone
opens nothing in them. People and groups are seen and edited there; agents have pages of their own beside, which need no
staff status: who may launch reads what an agent is, and `view_agent` opens its instructions too. Who was given anything
launches only with `launch_run` or `change_agent`. Nobody changes their own rights, or gives more than they have. To set
a member's password takes what the member may do: `view_run`, `stop_run`, `decide_run` and `launch_run` beside
`change_user`.

## What the columns and cells mean

The owner is a person with a run, and the addresses of a run, a call or an object are about that person's. The others:
a **member** is an account that was given nothing, neither a group nor a permission; **operator**, **auditor** and
**administrator** are in the group of that name, and the last two have staff status as well; **staff** has the mark
"staff status" and nothing else.

| cell | meaning |
|---|---|
| yes | let in; what then happens depends on the request and on where the run stands |
| – | 404: as if it were not there |
| no | 403: there, and not allowed, or done by nobody |
| never | 405: not by this method |
| sign in | sent to the sign-in page; for a program 401; a socket is closed with 4401 |
"""
WORDS = {302: "sign in", 401: "sign in", 4401: "sign in", 403: "no", 404: "–", 410: "–", 4404: "–", 405: "never"}
ALONE = {"auth.add_user": "with `auth.change_user` and `runs.launch_run`: accounts are made in the admin"}
"""Text for a permission that opens nothing without further ones."""
REFUSALS = {403, 405}
"""Denials that no permission lifts: actions the admin never allows."""


def text() -> str:
    """The page's text."""
    from tests.web.admin_routes import ADMIN
    from tests.web.identities import PEOPLE
    from tests.web.routes import API, PAGES

    browsers = [each for each in PEOPLE if each.scopes is None]
    parts = [
        *_addresses("Pages", PAGES, browsers),
        *_addresses("API", API, list(PEOPLE)),
        *_sockets(browsers),
        *_singles(),
        *_addresses("Admin", ADMIN, browsers, is_folded=True),
    ]
    return "\n".join([HEAD, *parts, ""])


def _addresses(title: str, rules, columns, *, is_folded: bool = False) -> Iterator[str]:
    from tests.web.routes import addresses

    routes = _shown(addresses())
    yield f"## {title}\n"
    if is_folded:
        yield "<details><summary>Every page of the admin</summary>\n"
    yield _row(["address", *(each.name for each in columns)])
    yield _row(["---"] * (len(columns) + 1))
    lines = {}
    for name, methods in rules.items():
        for method, rule in methods.items():
            lines[f"`{method} /{routes[name]}`"] = [cell(rule, each, name) for each in columns]
    for address, cells in lines.items():
        if not {"–", "sign in"}.issuperset(cells) or "logout" in address:
            yield _row([address, *cells])
    if is_folded:
        yield "\n</details>"
    yield ""


def _sockets(columns) -> Iterator[str]:
    from tests.web.routes import SOCKETS

    yield "## Sockets\n"
    yield _row(["address", *(each.name for each in columns)])
    yield _row(["---"] * (len(columns) + 1))
    for route, rule in SOCKETS.items():
        if route:
            yield _row([f"`/{route}`", *(cell(rule, each) for each in columns)])
    yield ""


def _singles() -> Iterator[str]:
    """For each permission, what it opens beyond staff access."""
    from runs.models.permissions import OFFERED
    from tests.web.identities import PEOPLE, Identity, single
    from tests.web.routes import RULES, SOCKETS, addresses

    routes, nothing = _shown(addresses()), next(each for each in PEOPLE if each.name == "staff")
    yield "## What one permission opens\n"
    yield (
        "For staff with this permission and no other, beside what every account may. An account that is given "
        "something launches nothing by itself any more: that takes `launch_run` (or `change_agent`). The admin offers "
        "these alone; Django has others, which do nothing here that one of these does not.\n"
    )
    yield _row(["permission", "opens"])
    yield _row(["---", "---"])
    rules = [(f"{method} /{routes[name]}", rule) for name, methods in RULES.items() for method, rule in methods.items()]
    rules = [(address, rule) for address, rule in rules if rule.then not in REFUSALS]
    rules += [(f"socket /{route}", rule) for route, rule in SOCKETS.items() if route]
    for label in sorted(OFFERED):
        opens = _opened(rules, single(label), nothing)
        seen = Identity(name="seen", staff=True, permissions=("runs.view_run", label))
        beside = [] if opens else _opened(rules, seen, single("runs.view_run"))
        words = "<br>".join(f"`{each}`" for each in opens or beside)
        yield _row([f"`{label}`", f"with `runs.view_run`:<br>{words}" if beside else words or ALONE[label]])
    yield ""


def _opened(rules, identity, other) -> list[str]:
    """Addresses open to the one identity and not to the other, or that any permission closes."""
    return list(
        dict.fromkeys(
            address
            for address, rule in rules
            if rule.lets_in(identity) and (not rule.lets_in(other) or ("launches", 403) in rule.needs)
        )
    )


def cell(rule, identity, name: str = "") -> str:
    """The table's text for an identity. A request that is let in may still get 404 for a named object, or a 302 to
    another page; in the admin, 404 means that the page does not exist."""
    answer = rule.answer(identity)
    is_answered = rule.needs and rule.lets_in(identity)
    if is_answered and answer not in REFUSALS and not (name.startswith("admin:") and answer == 404):
        return "yes"
    return WORDS.get(answer, "yes")


def _shown(routes: dict[str, str]) -> dict[str, str]:
    """Addresses, with placeholders a person can read."""
    return {name: route.replace("^(?P<app_label>auth|runs)/$", "<app>/") for name, route in routes.items()}


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def main() -> None:
    """Write the page."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    FILE.write_text(text())


if __name__ == "__main__":
    main()
