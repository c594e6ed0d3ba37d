"""Items of the Responses format, with any ids and in any order of events."""

import pytest

from runs.agent.messages import ModelRequest
from tests.wire import Raw
from tests.wire.models import TOOLS, model_at


async def reply_to(server, events):
    server.script(events)
    return await model_at(server, "responses").reply(ModelRequest(task="Hi", tools=TOOLS))


def item_events(items, *, ids, last_ids, with_places=True):
    """A Responses stream whose items have `ids` while streaming, and `last_ids` in the last event."""
    events = []
    for place, (item, item_id) in enumerate(zip(items, ids, strict=True)):
        about = {"output_index": place} if with_places else {}
        named = {**item, **({"id": item_id} if item_id else {})}
        empty: dict[str, object] = {"content": []} if item["type"] == "message" else {"arguments": ""}
        blank = {**named, **empty}
        events.append({"type": "response.output_item.added", **about, "item": blank})
        if item["type"] == "message":
            delta = {
                "type": "response.output_text.delta",
                **about,
                "content_index": 0,
                "delta": item["content"][0]["text"],
            }
        else:
            delta = {"type": "response.function_call_arguments.delta", **about, "delta": item["arguments"]}
        events.append({**delta, **({"item_id": item_id} if item_id else {})})
        events.append({"type": "response.output_item.done", **about, "item": named})
    output = [{**item, "id": last} for item, last in zip(items, last_ids, strict=True)]
    last = {"id": "r", "status": "completed", "output": output, "usage": {"input_tokens": 10, "output_tokens": 5}}
    return Raw.events(*events, {"type": "response.completed", "response": last})


SAID = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "On it.", "annotations": []}],
}
CALLED = {"type": "function_call", "call_id": "c1", "name": "calculator", "arguments": '{"expression": "1"}'}


@pytest.mark.parametrize(
    ("ids", "last_ids", "with_places"),
    [
        (("a", "b"), ("a", "b"), True),
        (("a", "b"), ("a", "b"), False),
        (("a", "b"), ("c", "d"), True),
        (("a", "b"), ("c", "d"), False),
        ((None, None), ("c", "d"), True),
        (("a", None), ("a", "d"), True),
    ],
)
async def test_items_are_told_once_whatever_ids_a_server_gives_them(wire_server, ids, last_ids, with_places):
    events = item_events([SAID, CALLED], ids=ids, last_ids=last_ids, with_places=with_places)

    reply = await reply_to(wire_server, events)

    assert (reply.text, [each.arguments for each in reply.calls]) == ("On it.", [{"expression": "1"}])


async def test_items_that_only_the_last_event_has_are_read(wire_server):
    last = {"id": "r", "status": "completed", "output": [{**SAID, "id": "a"}, {**CALLED, "id": "b"}], "usage": None}

    reply = await reply_to(wire_server, Raw.events({"type": "response.completed", "response": last}))

    assert (reply.text, len(reply.calls)) == ("On it.", 1)
