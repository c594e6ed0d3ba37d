"""The words, icons and tones of a run's status: one table for pills, lists and tabs."""

import pytest
from django.utils import timezone

from runs.live.rendering.labels import Label, status_label, tab_mark
from runs.models import Run

LABELS = [
    ("idle", "", Label("circle-dashed", "Queued", ""), ""),
    ("thinking", "", Label("brain", "Thinking", "run"), ""),
    ("executing", "", Label("wrench", "Running", "run"), ""),
    ("waiting", "retry", Label("refresh-cw", "Retrying", "run"), "⟳"),
    ("waiting", "approval", Label("hand", "Needs approval", "you"), "⚠"),
    ("waiting", "decision", Label("circle-question-mark", "Outcome unknown", "you"), "⚠"),
    ("waiting", "resume", Label("pause", "Paused", ""), ""),
    ("completed", "", Label("circle-check", "Completed", "ok"), "✓"),
    ("failed", "", Label("circle-x", "Failed", "error"), "✗"),
    ("cancelled", "", Label("circle-slash", "Stopped", ""), ""),
]


@pytest.mark.parametrize(("status", "waits", "label", "mark"), LABELS)
def test_each_status_has_its_words_its_icon_and_its_tone(status, waits, label, mark):
    run = Run(status=status, waiting_for=waits)

    found = status_label(run)
    assert (found.icon, found.words, found.tone, tab_mark(run)) == (label.icon, label.words, label.tone, mark)


def test_a_run_between_two_attempts_says_which_one_failed():
    run = Run(status="waiting", waiting_for="retry")
    run.attempt = "2/5"  # type: ignore[attr-defined]

    assert status_label(run).words == "Retrying 2/5"


def test_a_requested_stop_or_pause_is_said_while_the_run_goes_on():
    stopping = Run(status="executing", cancel_requested_at=timezone.now())
    pausing = Run(status="executing", pause_requested_at=timezone.now(), owner="host")

    assert [status_label(run).words for run in (stopping, pausing)] == ["Stopping…", "Pausing…"]
