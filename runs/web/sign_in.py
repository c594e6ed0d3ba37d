"""How often somebody may try to sign in, on the site's page and on the admin's."""

from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest

from runs.agent.wording import counted
from runs.throttle import Throttle

TRIES: Final = Throttle("sign-in", limit=10, window_s=15 * 60)
"""Of one user name from one address, wrong ones. It is the same for names nobody has."""
TRIES_OF_ADDRESS: Final = Throttle("sign-in-address", limit=200, window_s=15 * 60)
"""From one address, whatever the name: many names with a few tries each are no way around."""


class Throttled(AuthenticationForm):
    """A sign-in form that stops listening after too many wrong tries; its error then has the code `throttled`."""

    def clean(self) -> dict[str, Any]:
        name, address = self._who()
        # Counted before the password is looked at, so that tries at the same time are counted too.
        waits = [TRIES.try_again_after_s(f"{name} {address}"), TRIES_OF_ADDRESS.try_again_after_s(address)]
        wait_s = max((wait for wait in waits if wait is not None), default=None)
        if wait_s is not None:
            minutes = max(1, round(wait_s / 60))
            raise forms.ValidationError(
                f"Too many tries. Wait {counted(minutes, 'minute')}, then try again.",
                code="throttled",
            )
        cleaned: dict[str, Any] = super().clean()
        TRIES.forget(f"{name} {address}")
        return cleaned

    @property
    def is_throttled(self) -> bool:
        """True if this try was one too many."""
        return self.has_error(NON_FIELD_ERRORS, code="throttled")

    def _who(self) -> tuple[str, str]:
        name = str(self.cleaned_data.get("username") or "").casefold()
        return name, address_of(self.request) if self.request is not None else ""


class SignInForm(Throttled):
    """Username and password."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "That username and password do not match. Passwords are case-sensitive.",
    }


class AdminSignInForm(Throttled, AdminAuthenticationForm):
    """The same for the admin's own page."""


def address_of(request: HttpRequest) -> str:
    """Where a request comes from: what the proxy says, if one stands before us, else the other end."""
    if settings.AGENTSITE_URL:
        # The last one: the proxy adds it, and what stands before it anybody can write.
        forwarded = request.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip()
        if forwarded:
            return forwarded
    return str(request.META.get("REMOTE_ADDR", ""))
