"""The model's script of every experiment, a pure function of the conversation: the same whenever it is asked again.

A task is `<what> <label>`. `work r7` makes two turns of three or four parallel calls, `mixed r7` three turns
of three calls of which one in ten is unsafe, `pair r7` one turn of two unsafe calls, `script s20` a script that makes
20 calls one after the other, of which one in three is unsafe, `tree t7` launches five runs such as `branch t7b0`, and
each of them two such as `work t7b0l0`, `steer m7` works until it has read the message "m7 last", and answers some of
the messages before; any other word is the name of a tool that is called once.
"""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from zlib import crc32

from tests.wire import Answer, Request

USAGE = (11, 7)
"""Tokens of each reply, in and out."""
TOKENS_A_REPLY = sum(USAGE)
PRICE = {"input": 3, "output": 15}
"""US dollars for a million tokens."""
DOLLARS_A_REPLY = (Decimal(USAGE[0] * 3) + Decimal(USAGE[1] * 15)) / 1_000_000
_REPEATABLE = ("work_read", "work_pure", "work_idempotent")
_TURNS = {"work": 2, "mixed": 3}
_CHILDREN = {"tree": ("Branch", "branch {}b{}", 5), "branch": ("Leaf", "work {}l{}", 2)}
"""By what a run does: the agent it calls, the tasks of those runs, and their number."""
RUNS_OF_A_TREE = 1 + 5 + 10


def reply_to(request: Request) -> Answer:
    """The reply to a request, in the chat format."""
    task = _task_of(request)
    what, label = task.split()
    if what == "script" and all(each["role"] != "assistant" for each in request.body["messages"]):
        return Answer(calls=[("run_python", {"code": script_code(label)})], usage=USAGE)
    turn = 1 + sum(each["role"] == "assistant" for each in request.body["messages"])
    if what == "steer":
        said_last = turn > 1 and request.body["messages"][-1]["role"] == "user"
        return _steered(label, turn, messages_in(request), said_last=said_last)
    if turn > _TURNS.get(what, 1):
        return Answer(f"{label} is done.", usage=USAGE)
    if what in _CHILDREN:
        return Answer(calls=_calls_of_agents(what, label), usage=USAGE)
    width = {"work": 3 + (len(label) + turn) % 2, "mixed": 3, "pair": 2}.get(what, 1)
    calls = [(_tool(what, label, turn, place), _told(label, turn, place)) for place in range(width)]
    return Answer(reasoning=f"Turn {turn} of {label}.", calls=calls, usage=USAGE)


def _steered(label: str, turn: int, messages: list[str], *, said_last: bool) -> Answer:
    """The answers to some messages end the run, unless another message has come."""
    if f"{label} last" in messages:
        return Answer(f"{label} is done.", usage=USAGE)
    if said_last and crc32(f"{label}/{turn}".encode()) % 6 == 0:
        # Slow, so that a message comes meanwhile, and of some length, so that it is a turn if it is interrupted.
        return Answer(f"{label} may be done. " * 20, usage=USAGE, token_delay_s=0.004)
    calls = [(tool, _told(label, turn, place)) for place, tool in enumerate(("work_read", "work_idempotent"))]
    return Answer(reasoning=f"Turn {turn} of {label}.", calls=calls, usage=USAGE)


def messages_in(request: Request) -> list[str]:
    """What people have said to the run, as the request shows it, in order."""
    said = [each["content"] for each in request.body["messages"] if each["role"] == "user"]
    return [line for content in said for line in content.split("\n\n")][1:]


def label_of(request: Request) -> str:
    """The label of the request's task."""
    return _task_of(request).split()[1]


def _calls_of_agents(what: str, label: str) -> list[tuple[str, dict[str, str]]]:
    agent, tasks, count = _CHILDREN[what]
    return [("call_agent", {"agent": agent, "task": tasks.format(label, place)}) for place in range(count)]


def script_code(label: str) -> str:
    """A script that makes as many calls as the label says after its first letter, and gives what they came to."""
    return (
        f"tools = [work_unsafe, work_read, work_idempotent]\nfound = []\nfor place in range({label[1:]}):\n"
        f"    found.append(tools[place % 3](run={label!r}, turn=1, place=place))\n' '.join(found)"
    )


def script_value(label: str) -> str:
    """The value of that script."""
    return " ".join(f"{label}/1/{place}" for place in range(int(label[1:])))


def served_tokens(requests: Iterable[Request]) -> dict[str, int]:
    """Tokens of the sent replies, by task."""
    return dict(Counter(_task_of(request) for request in requests for _ in range(TOKENS_A_REPLY)))


def _task_of(request: Request) -> str:
    said = str(next(each["content"] for each in request.body["messages"] if each["role"] == "user"))
    return said.partition("\n\n")[0]


def _tool(what: str, label: str, turn: int, place: int) -> str:
    if what == "pair" or (what == "mixed" and crc32(f"{label}/{turn}/{place}".encode()) % 10 == 0):
        return "work_unsafe"
    return _REPEATABLE[(turn + place) % 3] if what in _TURNS else what


def _told(label: str, turn: int, place: int) -> dict[str, str | int]:
    return {"run": label, "turn": turn, "place": place}
