"""Who is let in at an address, and the status for the others: the words of `tests/web/routes.py`."""

from dataclasses import dataclass

from tests.web.identities import Identity


@dataclass(frozen=True)
class Rule:
    """Who is let in, and the status otherwise."""

    then: int
    """The status for an identity that has all facts."""
    needs: tuple[tuple[str, int], ...] = ()
    """Required facts in order, each with the status where it is missing. `a|b`: either."""

    def answer(self, identity: Identity) -> int:
        """The status for the identity."""
        return next((status for fact, status in self.needs if not _is_true(fact, identity)), self.then)

    def lets_in(self, identity: Identity) -> bool:
        """True if no fact is missing."""
        return all(_is_true(fact, identity) for fact, _status in self.needs)

    @property
    def asks_for_a_permission(self) -> bool:
        """True if the rule depends on a permission, not only on the kind of identity."""
        return any(fact not in ("session", "staff", "caller", "token") for fact, _status in self.needs)


def _is_true(fact: str, identity: Identity) -> bool:
    return any(identity.has(each) for each in fact.split("|"))


Methods = dict[str, Rule]
"""The rules of one address, by method."""
EVERYBODY = Rule(200)
NOT_HERE = Rule(405)
LAUNCHES = ("launches", 403)
SESSION = ("session", 302)
TYPED = ("session", 401)
"""Status of the sign-in page shown in place of a response, with the typed text kept."""


def page(then: int = 200, *needs: tuple[str, int]) -> Rule:
    """A page, or a form on one: signed-out requests are redirected to the sign-in page."""
    return Rule(then, (SESSION, *needs))


def run_page(then: int = 200, *needs: tuple[str, int]) -> Rule:
    """A page of a run: another person's run is 404."""
    return page(then, ("sees", 404), *needs)


def api(scope: str, then: int, *needs: tuple[str, int]) -> Rule:
    """An endpoint: 401 without a token or a session, 403 without the scope."""
    return Rule(then, (("caller", 401), (f"scope {scope}", 403), *needs))


def staff(then: int = 200, *needs: tuple[str, int]) -> Rule:
    """A page of the admin: others than staff are redirected to its sign-in page."""
    return Rule(then, (("staff", 302), *needs))
