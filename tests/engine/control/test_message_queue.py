"""Messages to a run: who may send, change and withdraw which."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.engine.control.run_messages import MessageRefused
from runs.engine.hosting.host import RunHost
from runs.models import Run, RunMessage
from tests.engine.conftest import ended, launch
from tests.engine.control.message_fixtures import change, row_of, send, withdraw
from tests.engine.control.test_cancel import cancel
from tests.engine.gatekeeper import Gatekeeper, register

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


async def test_a_message_can_be_changed_and_withdrawn_until_it_is_read(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    model = ScriptedModel(calls_tool(register(keeper, "unsafe")), answers("Done."))
    host_for(model)
    run = await launch(ada)
    await keeper.entered.wait()
    kept, dropped = await send(run, "Use feet.", ada), await send(run, "No.", ada, interrupts=True)

    assert (await change(kept, "Use metres.", ada)).edited_at is not None
    await withdraw(dropped, ada)
    await withdraw(dropped, ada)
    row = await Run.objects.aget(pk=run.pk)
    assert (row.queued_messages, row.interrupt_requested_at) == (1, None)
    keeper.open.set()
    await ended(run)

    assert [*model.requests[1].messages] == ["Use metres."]
    with pytest.raises(MessageRefused, match="It was read before turn 2") as refused:
        await change(kept, "Too late.", ada)
    assert (refused.value.code, refused.value.message) == ("already_read", kept)
    with pytest.raises(MessageRefused, match="It was read before turn 2"):
        await withdraw(kept, ada)
    with pytest.raises(MessageRefused, match="It was withdrawn"):
        await change(dropped, "Yes.", ada)


async def test_at_most_twenty_messages_wait(ada: User) -> None:
    run = await launch(ada)
    for number in range(20):
        await send(run, f"Message {number}.", ada)

    with pytest.raises(MessageRefused) as refused:
        await send(run, "One more.", ada)

    assert refused.value.code == "too_many"
    assert [message.position async for message in run.messages.all()] == list(range(1, 21))


async def test_a_message_without_words_or_of_more_than_32_kib_is_refused(ada: User) -> None:
    run = await launch(ada)

    for text, code in (("  \n", "empty"), ("ü" * (16 * 1024 + 1), "too_long")):
        with pytest.raises(MessageRefused) as refused:
            await send(run, text, ada)
        assert refused.value.code == code
    await send(run, "ü" * 16 * 1024, ada)


async def test_the_same_request_twice_sends_one_message(ada: User) -> None:
    run = await launch(ada)

    first = await send(run, "Once.", ada, key="k1")
    again = await send(run, "Once.", ada, key="k1")

    assert (again.pk, await RunMessage.objects.acount()) == (first.pk, 1)
    with pytest.raises(MessageRefused) as refused:
        await send(run, "Something else.", ada, key="k1")
    assert refused.value.code == "key_reused"


async def test_only_the_owner_and_people_who_may_decide_send_messages(ada: User) -> None:
    run = await launch(ada)
    bob = await User.objects.acreate_user("bob")
    message = await send(run, "Mine.", ada)

    for attempt in (send(run, "Hers.", bob), change(message, "Hers.", bob), withdraw(message, bob)):
        with pytest.raises(PermissionDenied):
            await attempt


async def test_a_run_that_has_ended_or_is_being_stopped_takes_no_message(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    host_for(ScriptedModel(calls_tool(register(keeper, "unsafe")), answers("Done.")))
    run = await launch(ada)
    await keeper.entered.wait()
    message = await send(run, "Wait.", ada)
    await cancel(run, ada)

    with pytest.raises(MessageRefused) as refused:
        await send(run, "One more.", ada)
    assert refused.value.code in ("stop_asked", "run_ended")
    await ended(run)
    with pytest.raises(MessageRefused) as refused:
        await send(run, "One more.", ada)

    assert refused.value.code == "run_ended"
    assert (await row_of(message)).state == "queued"


async def test_secrets_in_a_message_are_hidden(ada: User) -> None:
    run = await launch(ada)

    message = await send(run, "The key is sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789.", ada)

    assert "abcdefghijklmnop" not in message.text
