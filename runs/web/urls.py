"""The addresses of the pages, and of the changes they ask for."""

from django.urls import path

from runs.web import accounts, commands, dashboard, history, launch, models, run

app_name = "runs"
urlpatterns = [
    path("", dashboard.show_dashboard, name="dashboard"),
    path("runs/", history.runs, name="history"),
    path("runs/new/", launch.show_launch, name="launch"),
    path("runs/<uuid:run_id>/", run.show_run, name="run"),
    path("runs/<uuid:run_id>/steps/", run.show_steps, name="steps"),
    path("runs/<uuid:run_id>/cancel/", commands.cancel_run, name="cancel"),
    path("runs/<uuid:run_id>/try-now/", commands.try_now, name="try-now"),
    path("runs/<uuid:run_id>/stop-retrying/", commands.stop_retrying, name="stop-retrying"),
    path("runs/<uuid:run_id>/rerun/", commands.run_again, name="rerun"),
    path("models/", models.show_models, name="models"),
    path("models/test/", models.test_model, name="test-model"),
    path("accounts/login/", accounts.SignIn.as_view(), name="login"),
    path("accounts/logout/", accounts.sign_out, name="logout"),
    path("accounts/first/<str:token>/", accounts.first_sign_in, name="first_sign_in"),
]
