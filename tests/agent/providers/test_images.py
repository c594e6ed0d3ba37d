"""Pictures given with a task, in the documented form of each provider."""

import base64
import json
from typing import Any

import pytest

from runs.agent.files.file_info import FileInfo, Image
from runs.agent.messages import Exchange, ModelReply, ModelRequest
from runs.agent.providers.capabilities import Capabilities
from tests.agent.files import documents
from tests.wire import WireServer
from tests.wire.models import FORMATS, model_at

PICTURE = documents.png()
IN_BASE64 = base64.b64encode(PICTURE).decode()
# Google takes the names of fields in both spellings.
PARTS: dict[str, tuple[Any, Any]] = {
    "openai": (
        {"type": "text", "text": "Which colour?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IN_BASE64}"}},
    ),
    "responses": (
        {"type": "input_text", "text": "Which colour?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{IN_BASE64}", "detail": "auto"},
    ),
    "anthropic": (
        {"type": "text", "text": "Which colour?"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IN_BASE64}},
    ),
    "google": ({"text": "Which colour?"}, {"inlineData": {"mime_type": "image/png", "data": IN_BASE64}}),
}


def user_parts(kind: str, body: Any) -> list[list[Any]]:
    """The content of each message of the user."""
    if kind == "google":
        return [each["parts"] for each in body["contents"] if each["role"] == "user"]
    said = body["input"] if kind == "responses" else body["messages"]
    return [each["content"] for each in said if each.get("role") == "user"]


@pytest.mark.parametrize("kind", FORMATS)
async def test_a_picture_travels_with_its_task(wire_server: WireServer, kind: str) -> None:
    request = ModelRequest(task="Which colour?", images=[Image("red.png", "image/png", PICTURE)])
    await model_at(wire_server, kind).reply(request)
    (parts,) = user_parts(kind, wire_server.requests[0].body)
    assert parts == list(PARTS[kind])


@pytest.mark.parametrize("kind", FORMATS)
async def test_a_picture_of_an_earlier_task_stays_there(wire_server: WireServer, kind: str) -> None:
    earlier = Exchange("Which colour?", answer=ModelReply("Red."), images=(Image("red.png", "image/png", PICTURE),))
    await model_at(wire_server, kind).reply(ModelRequest(task="Sure?", earlier=[earlier]))
    first, second = user_parts(kind, wire_server.requests[0].body)
    assert first == list(PARTS[kind])
    assert IN_BASE64 not in json.dumps(second)


@pytest.mark.parametrize("kind", FORMATS)
async def test_a_model_that_sees_none_is_told_of_it(wire_server: WireServer, kind: str) -> None:
    model = model_at(wire_server, kind)
    model.wire_format.capabilities = Capabilities(vision=False)
    await model.reply(ModelRequest(task="Which colour?", images=[Image("red.png", "image/png", PICTURE)]))
    said = json.dumps(wire_server.requests[0].body)
    assert IN_BASE64 not in said
    assert "The image red.png was given with this, but you cannot see images." in said


@pytest.mark.parametrize("kind", FORMATS)
async def test_files_are_named_after_the_task(wire_server: WireServer, kind: str) -> None:
    files = [FileInfo("1", "sales.csv", "text/csv", 1234, "attached"), FileInfo("2", "x", "t", 1, "library", "hand")]
    await model_at(wire_server, kind).reply(ModelRequest(task="Sum?", files=files))
    said = json.dumps(wire_server.requests[0].body)
    assert "- sales.csv (text/csv, 1 KB)\\n- library hand: 1 document]" in said
