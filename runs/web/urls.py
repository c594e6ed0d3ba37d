"""The addresses of the pages, and of the changes they ask for."""

from django.urls import path

from runs.web import (
    accounts,
    commands,
    dashboard,
    decisions,
    follow_up,
    health,
    history,
    inbox,
    launch,
    metrics,
    models,
    run,
    tokens,
)

app_name = "runs"
urlpatterns = [
    path("", dashboard.show_dashboard, name="dashboard"),
    path("runs/", history.runs, name="history"),
    path("runs/new/", launch.show_launch, name="launch"),
    path("runs/<uuid:run_id>/", run.show_run, name="run"),
    path("runs/<uuid:run_id>/steps/", run.show_steps, name="steps"),
    path("runs/<uuid:run_id>/steps/<int:sequence>/rest/", run.show_rest, name="rest"),
    path("runs/<uuid:run_id>/cancel/", commands.cancel_run, name="cancel"),
    path("runs/<uuid:run_id>/force/", commands.force_run, name="force"),
    path("runs/<uuid:run_id>/pause/", commands.pause_run, name="pause"),
    path("runs/<uuid:run_id>/resume/", commands.resume_run, name="resume"),
    path("runs/<uuid:run_id>/continue/", follow_up.continue_run, name="continue"),
    path("runs/<uuid:run_id>/try-now/", commands.try_now, name="try-now"),
    path("runs/<uuid:run_id>/stop-retrying/", commands.stop_retrying, name="stop-retrying"),
    path("runs/<uuid:run_id>/rerun/", commands.run_again, name="rerun"),
    path("runs/<uuid:run_id>/calls/<uuid:call_id>/approve/", decisions.approve_call, name="approve"),
    path("runs/<uuid:run_id>/calls/<uuid:call_id>/deny/", decisions.deny_call, name="deny"),
    path("runs/<uuid:run_id>/calls/<uuid:call_id>/settle/", decisions.settle_call, name="settle"),
    path("inbox/", inbox.show_inbox, name="inbox"),
    path("inbox/decide/", inbox.decide, name="inbox-decide"),
    path("inbox/count/", inbox.show_count, name="inbox-count"),
    path("models/", models.show_models, name="models"),
    path("models/test/", models.test_model, name="test-model"),
    path("settings/tokens/", tokens.show_tokens, name="tokens"),
    path("settings/tokens/<int:token_id>/revoke/", tokens.revoke_token, name="revoke-token"),
    path("accounts/login/", accounts.SignIn.as_view(), name="login"),
    path("accounts/logout/", accounts.sign_out, name="logout"),
    path("accounts/first/<str:token>/", accounts.first_sign_in, name="first_sign_in"),
    path("healthz", health.show_alive, name="healthz"),
    path("readyz", health.show_ready, name="readyz"),
    path("metrics", metrics.show_metrics, name="metrics"),
]
