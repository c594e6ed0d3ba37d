"""Signing in and out, and the first sign-in of a new installation."""

from typing import Any

from django.contrib.auth import login, logout
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from runs.web import first_link
from runs.web.forms import FirstUserForm
from runs.web.sign_in import SignInForm


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
class SignIn(LoginView):
    """The sign-in page. `next` is followed only within this site."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        return reverse("runs:dashboard")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(is_new=not User.objects.exists(), **kwargs)

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=429 if form.is_throttled else 422)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out and show the sign-in page. Somebody already signed out gets there too."""
    logout(request)
    return redirect("runs:login")


@sensitive_post_parameters("password1", "password2")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def first_sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """Let the holder of the one-time link create the first superuser. Looking at the form uses nothing up."""
    if not first_link.is_good(token):
        raise Http404("This sign-in link is wrong, has expired or was used already.")
    form = FirstUserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = first_link.redeem(token, form)
        if user is None:
            raise Http404("This sign-in link was used a moment ago.")
        login(request, user)
        return redirect("runs:dashboard")
    return render(request, "accounts/first.html", {"form": form}, status=422 if form.errors else 200)
