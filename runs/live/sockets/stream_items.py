"""What a follower of a run hands on."""

from dataclasses import dataclass

from runs.agent.json_data.json_types import JsonObject
from runs.models.as_json import StepJson
from runs.reply_frames import ReplyFrame


@dataclass(frozen=True, slots=True)
class Steps:
    """Consecutive steps, as the API shows them."""

    steps: list[StepJson]


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """All steps recorded before the start have been handed on. Comes once."""


@dataclass(frozen=True, slots=True)
class ReplyUpdate:
    """A frame of replies in the making."""

    frame: ReplyFrame


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The run as the API shows it, after all steps handed on."""

    run: JsonObject
    is_final: bool


@dataclass(frozen=True, slots=True)
class Ping:
    """A sign of life while nothing changes."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The end, before the run's; `code` is one of `runs.live.sockets.close_codes`."""

    code: int


Item = Steps | CaughtUp | ReplyUpdate | RunStatus | Ping | Closed
