"""The forms that check a password, of the site and of the admin, with their throttle."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy, ngettext

from runs.database_outages import RETRY_AFTER_S
from runs.hash_pool import HashBusy
from runs.throttle import Pause
from runs.web.sign_in_limits import SignInAttempt, remember_device

T = TypeVar("T")
logger = logging.getLogger(__name__)

LOG_PAUSE, LOG_EVERY_S = Pause("sign-in-log"), 60.0
"""At most one log line a minute for each address that keeps guessing."""


class ThrottledForm:
    """A form that checks a password: refuses after too many wrong tries, and while too many passwords are being
    hashed."""

    status = 422
    """HTTP status of an invalid form: 429 after too many tries, 503 while too many passwords are being hashed."""
    retry_after_s: int | None = None
    """`Retry-After`; None where waiting does not help."""

    def look(self, request: HttpRequest | None, name: str, check: Callable[[], T]) -> T:
        """The result of `check`, which checks the password of the account `name`. Raises `ValidationError`."""
        attempt = SignInAttempt.of(request, name)
        if (wait_s := attempt.refused_for_s()) is not None:
            if LOG_PAUSE.try_again_after_s(attempt.network, LOG_EVERY_S) is None:
                logger.warning("Too many tries to sign in from %s, now as %r.", attempt.network, attempt.name[:150])
            raise self._refusal(429, wait_s, "throttled", _too_many(wait_s))
        try:
            checked = check()
        except HashBusy as busy:
            attempt.was_not_looked_at()
            raise self._refusal(
                503,
                RETRY_AFTER_S,
                "busy",
                gettext("Too many people are signing in at this moment. Try again in a few seconds."),
            ) from busy
        except forms.ValidationError:
            attempt.was_wrong()
            raise
        attempt.was_right()
        return checked

    def _refusal(self, status: int, wait_s: float, code: str, words: str) -> forms.ValidationError:
        self.status, self.retry_after_s = status, max(1, round(wait_s))
        return forms.ValidationError(words, code=code)


class ThrottledSignInForm(ThrottledForm, AuthenticationForm):
    """A sign-in form with a throttle."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.look(self.request, str(self.cleaned_data.get("username") or ""), super().clean)
        return cleaned


class NewPasswordForm(ThrottledForm, PasswordChangeForm):
    """A new password, with the old one required: a wrong one counts as a wrong sign-in from the same address."""

    request: HttpRequest | None = None

    def clean_old_password(self) -> str:
        old: str = self.look(self.request, self.user.get_username(), super().clean_old_password)
        return old

    def validate_password_for_user(self, user: Any, *_field_name: str) -> None:
        """Add password errors to the first of the two fields; Django would use the second."""
        super().validate_password_for_user(user, "new_password1")


class SignInForm(ThrottledSignInForm):
    """Username and password."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": gettext_lazy("That username and password do not match. Passwords are case-sensitive."),
    }


class AdminSignInForm(ThrottledSignInForm, AdminAuthenticationForm):
    """The sign-in form of the admin."""


def sign_in_to_admin(request: HttpRequest) -> HttpResponse:
    """The admin's sign-in page, with the status and `Retry-After` of the throttle."""
    response: HttpResponse = admin.site.login(request)
    form = getattr(response, "context_data", {}).get("form")
    if isinstance(form, ThrottledSignInForm) and form.is_bound and form.errors:
        say_when_to_come_back(response, form)
    elif request.method == "POST" and response.status_code == 302:
        remember_device(response, request.user.get_username())
    return response


def say_when_to_come_back(response: HttpResponse, form: ThrottledForm) -> None:
    """Set the status and `Retry-After` of the response to an invalid form."""
    response.status_code = form.status
    if form.retry_after_s is not None:
        response["Retry-After"] = str(form.retry_after_s)


def _too_many(wait_s: float) -> str:
    seconds = max(1, round(wait_s))
    if seconds < 100:
        words = ngettext(
            "Too many tries. Wait %(n)s second, then try again.",
            "Too many tries. Wait %(n)s seconds, then try again.",
            seconds,
        )
        return words % {"n": seconds}
    minutes = round(seconds / 60)
    words = ngettext(
        "Too many tries. Wait %(n)s minute, then try again.",
        "Too many tries. Wait %(n)s minutes, then try again.",
        minutes,
    )
    return words % {"n": minutes}
