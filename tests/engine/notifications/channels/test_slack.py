"""Messages to Slack, by a stand-in that refuses what Slack refuses."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from runs.engine.notifications.channels import ChannelFailed, Decidable, Sendable, SentReceipt
from runs.engine.notifications.channels.slack import SlackAddress, SlackChannel
from runs.engine.notifications.channels.slack_blocks import read_button
from tests.slack_stand_in import CHANNEL, SECRET, TOKEN, Slack, buttons_of, running_slack

ADDRESS = SlackAddress(token=TOKEN, secret=SECRET, channel=CHANNEL).as_text()


@pytest.fixture
def slack(settings: Any) -> Iterator[Slack]:
    with running_slack() as server:
        settings.AGENTSITE_SLACK_API = server.url
        yield server


def message(*calls: Decidable, **about: Any) -> Sendable:
    """A message about calls that wait."""
    told = {"message_id": "m", "event": "run.needs_person", "title": "ada needs an approval", "text": ""} | about
    return Sendable(decisions=calls, **told)


def waiting(**about: Any) -> Decidable:
    """A call that waits for an approval."""
    told = {"waits_for": "approval", "tool_name": "send", "arguments": '{"to": "bob"}', "arguments_hash": "a" * 64}
    return Decidable(call_id=uuid4(), token="a credential", url="https://x.example/decide/it/", **told | about)


async def test_a_message_has_the_arguments_as_code_and_buttons_that_are_no_credential(slack: Slack) -> None:
    call = waiting()

    receipt = await SlackChannel().send(ADDRESS, message(call, url="https://x.example/runs/1/"))

    ((ts, sent),) = slack.messages.items()
    assert receipt == SentReceipt(reference=f"{CHANNEL}:{ts}:{call.call_id.hex}")
    assert '{\\"to\\": \\"bob\\"}' in json.dumps(sent["blocks"])
    assert "credential" not in json.dumps(sent) and "/decide/" not in json.dumps(sent)
    buttons = buttons_of(sent)
    assert list(buttons) == ["Approve", "Deny"]
    assert read_button(buttons["Approve"], max_age=timedelta(minutes=1)) == (
        call.call_id.hex,
        "a" * 64,
        "agentsite_approve",
    )


async def test_texts_of_others_are_no_markup_and_everything_fits(slack: Slack) -> None:
    hostile = "<!channel> & <https://evil.example|here> ```" + "x" * 50_000

    calls = [waiting(tool_name=hostile, arguments=hostile[:1000]) for _ in range(40)]
    await SlackChannel().send(ADDRESS, message(*calls, title=hostile[:300], text=hostile, url="https://x.example/"))
    await SlackChannel().send(ADDRESS, message(title=hostile[:300], text=hostile))

    first, second = slack.messages.values()
    assert "&lt;!channel&gt; &amp;" in first["text"]
    assert slack.refused == []
    assert len(first["blocks"]) == 50 and len(second["blocks"]) == 2


async def test_what_was_not_shown_whole_is_not_approved_by_a_button(slack: Slack) -> None:
    await SlackChannel().send(ADDRESS, message(waiting(arguments="x" * 999 + "…")))

    (sent,) = slack.messages.values()
    assert list(buttons_of(sent)) == ["Deny"]


async def test_questions_have_no_buttons(slack: Slack) -> None:
    await SlackChannel().send(ADDRESS, message(waiting(waits_for="answer", question="Which one?")))

    (sent,) = slack.messages.values()
    assert buttons_of(sent) == {} and "Which one?" in json.dumps(sent)


@pytest.mark.parametrize(
    ("answer", "is_permanent", "wait_s"),
    [
        ((429, {"Retry-After": "30"}, {"ok": False, "error": "ratelimited"}), False, 30.0),
        ((500, {}, {}), False, None),
        ((200, {}, {"ok": False, "error": "fatal_error"}), False, None),
        ((200, {}, {"ok": False, "error": "token_revoked"}), True, None),
        # Of one message: the channel takes others.
        ((200, {}, {"ok": False, "error": "invalid_blocks"}), False, None),
    ],
)
async def test_what_slack_refuses_is_tried_again_unless_it_never_takes_it(
    slack: Slack, answer: tuple[int, dict[str, str], dict[str, Any]], is_permanent: bool, wait_s: float | None
) -> None:
    slack.next_answers.append(answer)

    with pytest.raises(ChannelFailed) as failed:
        await SlackChannel().send(ADDRESS, message())

    assert (failed.value.is_permanent, failed.value.retry_after_s) == (is_permanent, wait_s)
    assert TOKEN not in failed.value.told


async def test_a_slack_that_cannot_be_reached_is_tried_again(settings: Any) -> None:
    settings.AGENTSITE_SLACK_API = "http://127.0.0.1:9"

    with pytest.raises(ChannelFailed) as failed:
        await SlackChannel().send(ADDRESS, message())

    assert not failed.value.is_permanent
