"""Files in the output of a tool: stored with the run, a reference in their place."""

import uuid
from typing import Any

from runs.agent.files.access import current_files
from runs.agent.files.file_info import Artifact, as_reference
from runs.agent.tools.call_idempotency import idempotency_key


async def stored_artifacts(output: Any) -> Any:
    """The output with a reference for each `Artifact`: alone, in a list, or as a value of a dictionary.

    Raises `ToolFailed` if one cannot be stored.
    """
    match output:
        case Artifact():
            return (await _stored([output]))[0]
        case list() | tuple() if any(isinstance(each, Artifact) for each in output):
            return await _stored(list(output))
        case dict() if any(isinstance(each, Artifact) for each in output.values()):
            return dict(zip(output, await _stored(list(output.values())), strict=True))
    return output


async def _stored(values: list[Any]) -> list[Any]:
    # The same call stores to the same places, however often it is tried.
    call_id = str(uuid.UUID(idempotency_key()))
    files = current_files()
    return [
        as_reference(await files.save(each, call_id=call_id, index=index)) if isinstance(each, Artifact) else each
        for index, each in enumerate(values)
    ]
