"""`manage.py messages`: what is sent, changed, withdrawn and listed, and what is refused."""

import io
import json
import re
import sys
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from runs.models import Run, RunMessage

MakeRun = Callable[..., Run]


def messages(*arguments: object) -> str:
    """What the command prints."""
    printed = io.StringIO()
    call_command("messages", *map(str, arguments), stdout=printed)
    return printed.getvalue()


def refusal(*arguments: object) -> tuple[int, str]:
    """Exit code and words."""
    with pytest.raises(CommandError) as refused:
        messages(*arguments)
    return refused.value.returncode, str(refused.value)


def test_a_message_is_sent_changed_listed_and_withdrawn(owner: User, make_run: MakeRun):
    run = make_run(owner, status="idle")

    first = messages("send", run.pk, "In feet.", "--interrupt").strip()
    second = messages("send", run.pk, "Be\nshort.\x1b[31m", "--user", owner.username).strip()
    messages("edit", first, "In metres.")
    listed = messages("list", run.pk)
    messages("withdraw", second)
    as_json = [json.loads(line) for line in messages("list", run.pk, "--json").splitlines()]

    assert listed == f"{first} [queued] In metres.\n{second} [queued] Be\n  short.␛[31m\n"
    assert [(each["state"], each["interrupt"], each["sent_by"]) for each in as_json] == [
        ("queued", True, None),
        ("withdrawn", False, owner.username),
    ]


def test_the_list_says_what_was_read_and_what_was_not(owner: User, make_run: MakeRun):
    run = make_run(owner, status="failed")
    RunMessage.objects.create(run=run, position=1, text="A", state="read", read_before_turn=7)
    RunMessage.objects.create(run=run, position=2, text="B")

    listed = messages("list", run.pk).splitlines()

    assert [line.partition(" ")[2] for line in listed] == ["[read before turn 7] A", "[not read] B"]


def test_what_the_state_of_a_run_or_message_forbids_exits_with_1(owner: User, make_run: MakeRun):
    ended, going = make_run(owner), make_run(owner, status="thinking")
    read = RunMessage.objects.create(run=going, position=1, text="A", state="read", read_before_turn=2)
    User.objects.create_user("bob")

    assert refusal("send", ended.pk, "More.")[0] == 1
    assert refusal("edit", read.pk, "More.") == (1, "It was read before turn 2.")
    assert refusal("withdraw", read.pk) == (1, "It was read before turn 2.")
    assert refusal("send", going.pk, "More.", "--user", "bob") == (1, "There is no such run, or it is not yours.")
    assert RunMessage.objects.count() == 1


def test_bad_arguments_exit_with_2(owner: User, make_run: MakeRun):
    run, nobody = make_run(owner, status="idle"), uuid4()

    assert refusal("send", nobody, "More.") == (2, f"There is no run {nobody}.")
    assert refusal("edit", nobody, "More.") == (2, f"There is no message {nobody}.")
    assert refusal("send", run.pk, "More.", "--user", "nobody") == (2, "There is no user 'nobody'.")
    assert refusal("send", run.pk, "  ") == (2, "The message has no text.")
    assert refusal("send", run.pk, "x" * (RunMessage.MAX_BYTES + 1)) == (2, "A message has at most 32 KiB.")
    with pytest.raises(CommandError, match=re.escape("'7' is no id.")):
        messages("send", "7", "More.")
    assert not RunMessage.objects.exists()


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("\ufeffGrößer.\r\nIn metres.\n".encode(), "Größer.\nIn metres."),
        (b"\xff", "Standard input is not UTF-8 at byte 1."),
        (b"x" * RunMessage.MAX_BYTES + "ß".encode(), "A message has at most 32 KiB."),
        (b"", "The message has no text."),
    ],
)
def test_a_message_is_read_from_standard_input(
    owner: User, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, typed: bytes, stored: str
):
    run = make_run(owner, status="idle")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed)))

    if stored.startswith("Größer"):
        messages("send", run.pk, "-")
        assert run.messages.get().text == stored
    else:
        assert refusal("send", run.pk, "-") == (2, stored)
        assert not run.messages.exists()
