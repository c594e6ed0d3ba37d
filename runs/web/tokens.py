"""API tokens of a user: create, list, revoke."""

import hashlib
from datetime import timedelta
from typing import Final

from django import forms
from django.contrib import messages
from django.core.cache import cache
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from runs.models import ApiToken
from runs.web.access import PageRequest, signed_in
from runs.web.form_keys import new_key

MAX_TOKENS: Final = 100
"""Maximum of valid tokens per user; a longer list could not be managed."""

ONCE_S: Final = 7 * 86400
"""How long a form's key is remembered: reloading its answer, or going back, sends it again."""

SENT_BEFORE: Final = gettext_lazy(
    "This form was already sent, and its token is on the list below. It was shown once: if you have not copied it, "
    "revoke it and create another."
)
TOO_MANY: Final = gettext_lazy("You have %(n)s tokens, and that is the limit. Revoke one you do not need.")
LIFETIMES: Final = (
    ("7", gettext_lazy("In 7 days")),
    ("30", gettext_lazy("In 30 days")),
    ("90", gettext_lazy("In 90 days")),
    ("365", gettext_lazy("In a year")),
    ("", pgettext_lazy("lifetime", "Never")),
)
"""Value in days, and label."""


class TokenForm(forms.Form):
    """Name, scopes and lifetime of a new token."""

    name = forms.CharField(max_length=80, error_messages={"required": gettext_lazy("Give it a name.")})
    scopes = forms.MultipleChoiceField(
        choices=ApiToken.Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=[ApiToken.Scope.READ, ApiToken.Scope.LAUNCH],
        error_messages={"required": gettext_lazy("Choose at least one scope.")},
    )
    lifetime = forms.ChoiceField(choices=LIFETIMES, required=False, initial="90", label=gettext_lazy("Expires"))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
@never_cache
def show_tokens(request: PageRequest) -> HttpResponse:
    """GET lists the user's tokens. POST creates one and shows it, once; 422 with the form if it is invalid, 409 if
    the same form was sent before."""
    if request.method != "POST":
        return _show(request, TokenForm())
    form = TokenForm(request.POST)
    if form.is_valid() and ApiToken.objects.good().filter(user=request.user.pk).count() >= MAX_TOKENS:
        form.add_error(None, TOO_MANY % {"n": MAX_TOKENS})
    if not form.is_valid():
        return _show(request, form, status=422)
    if not cache.add(_made_with(request), True, ONCE_S):
        messages.warning(request, SENT_BEFORE)
        return _show(request, TokenForm(), status=409)
    chosen = form.cleaned_data
    days = chosen["lifetime"]
    token, text = ApiToken.issue(
        request.user,
        name=chosen["name"],
        scopes=chosen["scopes"],
        expires_at=timezone.now() + timedelta(days=int(days)) if days else None,
    )
    return render(request, "runs/token_made.html", {"token": token, "text": text, "origin": _origin(request)})


@require_POST
@signed_in
def revoke_token(request: PageRequest, token_id: int) -> HttpResponse:
    """Revoke a token for good. 404 for another user's."""
    token = ApiToken.objects.filter(pk=token_id, user=request.user.pk).first()
    if token is None:
        raise Http404(gettext("There is no such token, or it is not yours."))
    token.revoke()
    messages.info(request, gettext("The token “%(name)s” is revoked.") % {"name": token.name})
    return redirect("runs:tokens")


def _made_with(request: PageRequest) -> str:
    key = request.POST.get("once") or new_key()
    return f"token-once:{request.user.pk}:{hashlib.sha256(key.encode(errors='replace')).hexdigest()}"


def _show(request: PageRequest, form: TokenForm, *, status: int = 200) -> HttpResponse:
    tokens = ApiToken.objects.filter(user=request.user.pk)
    return render(request, "runs/tokens.html", {"form": form, "tokens": tokens, "once": new_key()}, status=status)


def _origin(request: PageRequest) -> str:
    return request.build_absolute_uri("/").rstrip("/")
