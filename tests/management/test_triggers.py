"""`manage.py triggers`: listed, paused, resumed, and deliveries replayed."""

import shutil
from pathlib import Path

import pytest

from tests.live_site import manage

SET_UP = """
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from runs.engine import control
from runs.engine.triggers.payloads import Received
from tests.trigger_senders import PUSH, make_trigger
trigger, _token = make_trigger(User.objects.create_user("ada"))
received = Received(body=PUSH, key="1", headers={"x-github-event": "push"}, body_hash="h", size=9)
made = async_to_sync(control.mapped_by)(trigger, received.root)
print(control.deliver(trigger.pk, received, made)[0].uid)
"""
RUNS = "from runs.models import Run; print(Run.objects.count())"


@pytest.fixture
def data(prepared_data: Path, tmp_path: Path) -> Path:
    """A data folder with the default agent."""
    return Path(shutil.copytree(prepared_data, tmp_path / "data"))


def test_a_delivery_is_found_in_the_log_and_replayed(data: Path) -> None:
    uid = manage("shell", "--no-imports", "-c", SET_UP, data=data).stdout.strip()

    listed = manage("triggers", "list", data=data)
    log = manage("triggers", "deliveries", "Pushes", data=data)
    replayed = manage("triggers", "replay", uid, data=data)

    assert listed.stdout.split("\t")[1:] == ["active", "github", "ada", "Assistant", "Pushes\n"]
    assert [line.split("\t")[0] for line in log.stdout.splitlines()] == [uid]
    assert "\tlaunched\t" in replayed.stdout and replayed.returncode == 0
    assert manage("shell", "--no-imports", "-c", RUNS, data=data).stdout == "2\n"


def test_a_trigger_is_paused_and_resumed_by_its_name(data: Path) -> None:
    manage("shell", "--no-imports", "-c", SET_UP, data=data)

    told = [manage("triggers", verb, "Pushes", data=data).stdout for verb in ("pause", "resume")]

    assert told == ["Pushes: paused\n", "Pushes: active\n"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("replay", "nonsense"), "badly formed"),
        (("replay", "9c3e7b5a-1d2f-4a68-b0c1-d2e3f4a5b6c7"), "There is no delivery 9c3e7b5a"),
        (("pause", "Nothing"), "There is no trigger 'Nothing'."),
    ],
)
def test_what_there_is_not_is_told_and_the_exit_code_is_two(data: Path, arguments: tuple[str, ...], error: str) -> None:
    done = manage("triggers", *arguments, data=data)

    assert done.returncode == 2
    assert error in done.stderr
