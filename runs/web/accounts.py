"""Accounts: sign-in, sign-out, the first user of a new installation, and changing one's password."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from runs.live.sockets.hub import all_hubs
from runs.web import setup_link
from runs.web.forms import FirstUserForm
from runs.web.sign_in_forms import NewPasswordForm, SignInForm, say_when_to_come_back
from runs.web.sign_in_limits import remember_device
from runs.web.unsent_forms import UnsentForm


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
class SignIn(LoginView):
    """The sign-in page. `next` is followed only within this site."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        return reverse("runs:dashboard")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kept = self.request.POST.get("kept", "")
        return super().get_context_data(is_new=not User.objects.exists(), kept=kept, **kwargs)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        # Already signed in: the second click of a double click.
        if request.method == "POST" and request.user.is_authenticated and (kept := self._kept()) is not None:
            return render(request, "accounts/kept.html", {"kept": kept})
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        if (kept := self._kept()) is not None:
            response = render(self.request, "accounts/kept.html", {"kept": kept})
        remember_device(response, form.get_user().get_username())
        return response

    def _kept(self) -> UnsentForm | None:
        """The form that was sent before the user had to sign in again."""
        return UnsentForm.signed_in(self.request.POST.get("kept", ""))

    def form_invalid(self, form: Any) -> HttpResponse:
        response = self.render_to_response(self.get_context_data(form=form))
        say_when_to_come_back(response, form)
        return response


@method_decorator([require_http_methods(["GET", "HEAD", "POST"]), never_cache], name="dispatch")
class ChangePassword(PasswordChangeView):
    """Change one's own password; the old one is required. Other sessions end; this one continues with a new key."""

    template_name = "accounts/password.html"
    form_class = NewPasswordForm
    success_url = reverse_lazy("runs:password")

    def form_valid(self, form: Any) -> HttpResponse:
        before = self.request.session.session_key
        response = super().form_valid(form)
        if before:
            for hub in all_hubs():
                hub.sockets.come_back(before)
        messages.success(self.request, gettext("Your password is changed. Everywhere else you are signed out."))
        return response

    def get_form(self, form_class: Any = None) -> Any:
        form: Any = super().get_form(form_class)
        form.request = self.request
        return form

    def form_invalid(self, form: Any) -> HttpResponse:
        response = self.render_to_response(self.get_context_data(form=form))
        say_when_to_come_back(response, form)
        return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out and show the sign-in page, also to a user who is already signed out."""
    logout(request)
    return redirect("runs:login")


@sensitive_post_parameters("password1", "password2")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def first_sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """Create the first superuser for the holder of the one-time link. A GET does not use the link up; once there is a
    user, every link answers 410."""
    if User.objects.exists():
        return render(request, "accounts/link_ended.html", status=410)
    if not setup_link.is_good(token):
        raise Http404(gettext("This sign-in link is wrong or has expired."))
    form = FirstUserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = setup_link.redeem(token, form)
        if user is None:  # used a moment ago
            return render(request, "accounts/link_ended.html", status=410)
        login(request, user)
        response = redirect("runs:dashboard")
        remember_device(response, user.get_username())
        return response
    return render(request, "accounts/first.html", {"form": form}, status=422 if form.errors else 200)
