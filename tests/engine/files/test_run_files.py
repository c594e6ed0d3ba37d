"""A run reads the files given to it and makes new ones; each is kept once, whatever happens to the call."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.file_info import Artifact
from runs.agent.messages import ModelProvider
from runs.agent.providers.offline import OfflinePlanner
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.tools import registry
from runs.agent.tools.registry import tool
from runs.engine import control
from runs.engine.files.run_files import RunFiles
from runs.engine.files.storage import DocumentRefused, content_of
from runs.engine.files.visibility import given_to
from runs.engine.hosting.host import RunHost
from runs.models import Agent, Attachment, Library, Question, Run, StoredFile, Surface
from tests.agent.files import documents
from tests.agent.providers.test_images import PARTS, user_parts
from tests.engine.conftest import ended, reached, steps_of
from tests.engine.files.test_uploads import upload as upload_now
from tests.wire import Answer, WireServer
from tests.wire.models import FORMATS, model_at

HostFor = Callable[[ModelProvider], RunHost]
upload = sync_to_async(upload_now)
launch = sync_to_async(control.launch)


@pytest.fixture
def draw() -> Iterator[None]:
    """A tool that makes two files."""

    @tool(effect="pure")
    def draw(text: str) -> dict[str, Any]:
        """Draw."""
        picture = Artifact("chart.svg", "image/svg+xml", f"<svg>{text}</svg>".encode())
        return {"said": text, "picture": picture, "table": Artifact("t.csv", "text/csv", b"a,b\n1,2\n")}

    yield
    del registry._layers["own"]["draw"]


async def test_a_run_reads_and_searches_the_files_given_to_it(host_for: HostFor, ada: User) -> None:
    file = await upload(ada, "policy.txt", b"Refunds are paid within 30 days.")
    model = ScriptedModel(
        calls_tool("search_documents", query="refund"), calls_tool("read_file", name="POLICY.txt"), answers("30 days")
    )
    host_for(model)
    run = await ended(await launch(user=ada, task="How fast?", files=[file.pk]))
    steps = [step for step in await steps_of(run) if step.kind == "tool_result"]
    found = {"file": "policy.txt", "place": "line 1", "passage": 1, "text": "Refunds are paid within 30 days."}
    assert steps[0].tool_output == {"found": [found]}
    assert steps[1].tool_output == "[line 1]\nRefunds are paid within 30 days."
    assert [each.name for each in model.requests[0].files] == ["policy.txt"]


async def test_tools_for_files_are_offered_in_runs_with_files_only(host_for: HostFor, ada: User) -> None:
    model = ScriptedModel(answers("none"))
    host_for(model)
    await ended(await launch(user=ada, task="Anything?"))
    assert not {"read_file", "search_documents"} & {each.name for each in model.requests[0].tools}


async def test_a_follow_up_and_a_repetition_have_the_files_too(host_for: HostFor, ada: User) -> None:
    file = await upload(ada, "policy.txt", b"Refunds are paid within 30 days.")
    model = ScriptedModel(calls_tool("read_file", name="policy.txt"), answers("30 days"))
    host_for(model)
    run = await ended(await launch(user=ada, task="How fast?", files=[file.pk]))
    follow_up = await ended(await sync_to_async(control.continue_run)(run.pk, by=ada, message="Sure?"))
    again = await ended(await sync_to_async(control.run_again)(run.pk, by=ada))
    for each in (follow_up, again):
        assert (await steps_of(each))[1].tool_output == "[line 1]\nRefunds are paid within 30 days."


async def test_a_repetition_of_a_follow_up_has_the_files_of_its_conversation(host_for: HostFor, ada: User) -> None:
    policy, prices = [await upload(ada, name, b"Thirty days.") for name in ("policy.txt", "prices.txt")]
    model = ScriptedModel(calls_tool("read_file", name="policy.txt"), answers("30 days"))
    host_for(model)
    run = await ended(await launch(user=ada, task="How fast?", files=[policy.pk]))
    second = await ended(await sync_to_async(control.continue_run)(run.pk, by=ada, message="Sure?"))
    third = await ended(
        await sync_to_async(control.continue_run)(second.pk, by=ada, message="And now?", files=[prices.pk])
    )

    again = await ended(await sync_to_async(control.run_again)(third.pk, by=ada))

    assert (await steps_of(again))[1].tool_output == "[line 1]\nThirty days."
    assert [file.name async for file in given_to(again)] == ["prices.txt", "policy.txt"]


async def test_a_repetition_has_no_files_of_runs_that_its_launcher_may_not_see(host_for: HostFor, ada: User) -> None:
    file = await upload(ada, "policy.txt", b"Thirty days.")
    host_for(ScriptedModel(answers("30 days")))
    run = await ended(await launch(user=ada, task="How fast?", files=[file.pk]))
    second = await ended(await sync_to_async(control.continue_run)(run.pk, by=ada, message="Sure?"))
    bob = await User.objects.acreate_user("bob")

    again = await ended(await sync_to_async(control.run_again)(second.pk, by=bob))

    assert not [file async for file in given_to(again)]


async def test_a_run_reads_the_libraries_of_its_agent_and_no_others(
    host_for: HostFor, ada: User, assistant: Agent
) -> None:
    for name in ("handbook", "secret"):
        library = await Library.objects.acreate(name=name)
        await upload(ada, f"{name}.txt", f"The {name} says 30 days.".encode(), library=library)
    assistant.libraries = ["handbook"]
    await assistant.asave()
    host_for(ScriptedModel(calls_tool("search_documents", query="days"), answers("30 days")))
    run = await ended(await launch(user=ada, task="How fast?"))
    found = (await steps_of(run))[1].tool_output["found"]
    assert [(each["file"], each["library"]) for each in found] == [("handbook.txt", "handbook")]


async def test_one_file_or_library_is_searched_for_all_the_words(
    host_for: HostFor, ada: User, assistant: Agent
) -> None:
    library = await Library.objects.acreate(name="Handbook")
    await upload(ada, "refunds.txt", b"Refunds are paid within 30 days.", library=library)
    await upload(ada, "photo.png", documents.png(), library=library)
    file = await upload(ada, "notes.txt", b"No refunds after 14 days.")
    assistant.libraries, assistant.model_names = ["Handbook"], ["somebody/sees"]
    await assistant.asave()
    model = ScriptedModel(
        calls_tool("search_documents", query="refund", files=["handbook"], match="all"),
        calls_tool("search_documents", query="refunded days", files=["notes.txt"], match="all"),
        calls_tool("search_documents", query="refund", files=["notes"]),
        calls_tool("search_documents", query="refund", files=["nowhere"]),
        answers("30 days"),
    )
    host_for(model)
    run = await ended(await launch(user=ada, task="How fast?", files=[file.pk]))
    first, second, third, fourth = [step for step in await steps_of(run) if step.kind == "tool_result"]
    assert [each["file"] for each in first.tool_output["found"]] == ["refunds.txt"]
    assert {name: first.tool_output[name] for name in ("total", "files", "not_searched")} == {
        "total": 1,
        "files": 2,
        "not_searched": ["photo.png"],
    }
    assert second.tool_output == {
        "found": [{"file": "notes.txt", "place": "line 1", "passage": 1, "text": "No refunds after 14 days."}],
        "total": 1,
        "files": 1,
    }
    assert [each["file"] for each in third.tool_output["found"]] == ["notes.txt"]
    assert "There is no file or library 'nowhere'." in fourth.content


async def test_the_offline_planner_answers_from_the_documents_of_a_run(
    host_for: HostFor, ada: User, assistant: Agent
) -> None:
    library = await Library.objects.acreate(name="Handbook")
    await upload(ada, "refunds.md", b"# Refunds\n\nThey are paid within 30 days.\n", library=library)
    assistant.libraries = ["Handbook"]
    await assistant.asave()
    host_for(OfflinePlanner())
    run = await ended(await launch(user=ada, task="What does the handbook say about refunds?"))
    assert (run.status, run.could_not) == ("completed", False)
    assert run.answer == (
        "About “refunds”: `refunds.md` (library Handbook), line 3, under “Refunds”: “They are paid within 30 days.”"
    )


async def test_files_that_a_tool_makes_are_kept_with_the_run_and_named_in_its_output(
    host_for: HostFor, ada: User, draw: None
) -> None:
    host_for(ScriptedModel(calls_tool("draw", text="one"), answers("drawn")))
    run = await ended(await launch(user=ada, task="Draw."))
    output = (await steps_of(run))[1].tool_output
    kept = {each.name: each async for each in StoredFile.objects.filter(run=run)}
    picture = kept["chart.svg"]
    reference = {"artifact": str(picture.pk), "name": "chart.svg", "media_type": "image/svg+xml", "size": 14}
    assert output["said"] == "one"
    assert output["picture"] == reference
    assert await sync_to_async(content_of)(picture.pk) == b"<svg>one</svg>"
    assert await sync_to_async(content_of)(kept["t.csv"].pk) == b"a,b\n1,2\n"


async def test_a_model_reads_the_same_task_after_an_interruption(host_for: HostFor, ada: User, draw: None) -> None:
    file = await upload(ada, "policy.txt", b"Refunds are paid within 30 days.")
    model = ScriptedModel(calls_tool("draw", text="one"), calls_tool("ask_person", question="And now?"), answers("ok"))
    host_for(model)
    run = await reached(await launch(user=ada, task="Draw.", files=[file.pk]), lambda row: row.waiting_for == "answer")

    question = await Question.objects.aget(call__run=run)
    await sync_to_async(control.answer)(question.pk, by=ada, answer="Go on.", surface=Surface.PAGE)
    await ended(run)

    assert [[each.name for each in request.files] for request in model.requests] == [["policy.txt"]] * 3
    assert {each.name for each in await RunFiles(run).files()} == {"policy.txt", "chart.svg", "t.csv"}


async def test_a_host_that_has_lost_its_run_stores_no_file(ada: User) -> None:
    run = await launch(user=ada, task="Draw.")
    late = RunFiles(run)
    await Run.objects.filter(pk=run.pk).aupdate(epoch=2, owner="the next host", status="thinking")
    current = RunFiles(await Run.objects.aget(pk=run.pk))
    call_id = str(uuid4())
    await current.save(Artifact("a.txt", "text/plain", b"of the next host"), call_id=call_id, index=0)

    with pytest.raises(ToolFailed, match="not worked on here any more"):
        await late.save(Artifact("a.txt", "text/plain", b"of the host before"), call_id=call_id, index=0)

    kept = await StoredFile.objects.aget(run=run)
    assert await sync_to_async(content_of)(kept.pk) == b"of the next host"


async def test_more_than_may_be_kept_is_an_error_that_the_model_reads(
    host_for: HostFor, ada: User, draw: None, settings: Any
) -> None:
    settings.AGENTSITE_FILES_MIB_PER_USER = 0
    host_for(ScriptedModel(calls_tool("draw", text="one"), answers("not drawn")))
    run = await ended(await launch(user=ada, task="Draw."))
    assert "more than may be kept" in (await steps_of(run))[1].content
    assert not await StoredFile.objects.aexists()


async def test_a_picture_reaches_a_model_also_in_a_follow_up(host_for: HostFor, ada: User, assistant: Agent) -> None:
    assistant.model_names = ["somebody/sees"]
    await assistant.asave()
    file = await upload(ada, "photo.png", documents.png())
    model = ScriptedModel(answers("red"))
    host_for(model)
    run = await ended(await launch(user=ada, task="Which colour?", files=[file.pk]))
    await ended(await sync_to_async(control.continue_run)(run.pk, by=ada, message="Sure?"))
    first, second = (request for request in model.requests)
    assert [(each.name, each.content) for each in first.images] == [("photo.png", documents.png())]
    assert not second.images
    assert second.earlier[0].images == tuple(first.images)


@pytest.mark.parametrize("kind", FORMATS)
async def test_a_picture_and_a_file_travel_in_each_wire_format_from_the_launch_to_a_follow_up(
    host_for: HostFor, ada: User, assistant: Agent, wire_server: WireServer, kind: str
) -> None:
    """The wire server refuses what the provider would refuse."""
    assistant.model_names = ["somebody/sees"]
    await assistant.asave()
    files = [await upload(ada, "red.png", documents.png()), await upload(ada, "notes.txt", b"It is a red square.")]
    wire_server.script(Answer("", calls=[("read_file", {"name": "notes.txt"})]), Answer("Red."), Answer("Sure."))
    host_for(model_at(wire_server, kind))

    run = await ended(await launch(user=ada, task="Which colour?", files=[file.pk for file in files]))
    follow_up = await ended(await sync_to_async(control.continue_run)(run.pk, by=ada, message="Sure?"))

    assert [(each.status, each.answer) for each in (run, follow_up)] == [("completed", "Red."), ("completed", "Sure.")]
    assert wire_server.refusals == []
    for number, request in enumerate(wire_server.requests, start=1):
        [words, picture] = user_parts(kind, request.body)[0]
        assert picture == PARTS[kind][1], number
        assert "Which colour?" in str(words)
    assert "red.png (image/png" in json.dumps(wire_server.requests[0].body)
    assert "It is a red square." in json.dumps(wire_server.requests[1].body)


async def test_a_picture_for_a_model_that_sees_none_is_refused_at_the_launch(ada: User) -> None:
    file = await upload(ada, "photo.png", documents.png())
    with pytest.raises(DocumentRefused, match=r"The model offline cannot see images\. .* take photo\.png away"):
        await launch(user=ada, task="Which colour?", files=[file.pk])
    assert not await Run.objects.aexists()


async def test_nobody_gives_a_file_of_another_person(ada: User) -> None:
    file = await upload(await User.objects.acreate(username="bob"), "bob.txt", b"secret")
    with pytest.raises(DocumentRefused, match="not yours"):
        await launch(user=ada, task="Read it.", files=[file.pk])
    assert not await Attachment.objects.aexists()
