"""Cost of the agent core's patterns: parallel tools, a race, waits between attempts, latency of a token, CPU per step.

python -m tests.benchmarks.patterns
"""

import argparse
import asyncio
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from typing import Any

from runs.agent import RetryPolicy, first_success, run_agent
from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import ModelReply, ModelRequest
from runs.agent.model_calls.backoff import Backoff
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tools
from runs.agent.run_limits import RunLimits
from runs.agent.tools.function_tool import FunctionTool
from tests.benchmarks import engine
from tests.wire import Answer, Hang, WireServer
from tests.wire.models import model_at

ROUNDS = 10
TOOL_S, FAST_S, SLOW_S = 0.5, 0.5, 0.8
CPU_TURNS = 200
TOKENS, TOKENS_PER_S = 600, 60.0
SAMPLES = 4000

Row = tuple[str, str, str]


def row(label: str, values_ms: list[float], goal: str = "") -> Row:
    """A line of the table: the median and the worst value."""
    return label, f"{statistics.median(values_ms):8.2f} ms (worst {max(values_ms):.2f})", goal


async def over_ms(seconds: float, work: Callable[[], Awaitable[Any]]) -> list[float]:
    """How much longer than `seconds` the work takes, each time."""
    await work()
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await work()
        found.append((time.perf_counter() - began - seconds) * 1000)
    return found


# Parallel tools


async def three_tools() -> list[Row]:
    """Three tools of half a second, from the reply with the calls to the request with their results."""

    async def sleeps() -> str:
        """Take half a second."""
        await asyncio.sleep(TOOL_S)
        return "slept"

    tools = {name: FunctionTool(sleeps, name=name, effect="read") for name in ("one", "two", "three")}
    turns: list[float] = []

    class Timed(ScriptedModel):
        async def reply(self, request: ModelRequest, **options: Any) -> ModelReply:
            turns.append(time.perf_counter())
            return await super().reply(request, **options)

    async def whole_run() -> None:
        model = Timed(calls_tools(*[(name, {}) for name in tools]), answers("Done."))
        result = await run_agent("Wait.", model=model, tools=list(tools.values()))
        assert result.success

    async def bare_gather() -> None:
        await asyncio.gather(*[sleeps() for _ in tools])

    run, bare = await over_ms(TOOL_S, whole_run), await over_ms(TOOL_S, bare_gather)
    turn = [(told - asked - TOOL_S) * 1000 for asked, told in zip(turns[2::2], turns[3::2], strict=True)]
    return [
        row("Three 0.5 s tools, a whole turn of the loop, over 0.5 s", turn, "at most 4 ms"),
        row("  a whole run, its start and end included", run),
        row("  bare asyncio.gather", bare, "the limit"),
    ]


# Races


class Stamped(WireServer):
    """A model server that notes when a client has disconnected."""

    left_at = 0.0

    def client_left(self) -> None:
        """Note the time, too."""
        self.left_at = time.perf_counter()
        super().client_left()


async def race() -> list[Row]:
    """0.8 s against 0.5 s; then a winner beside a model that is in the middle of its reply."""

    async def after(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "here"

    winners = set()

    async def two() -> None:
        _, winner = await first_success(after(SLOW_S), after(FAST_S))
        winners.add(winner)

    over = await over_ms(FAST_S, two)
    assert winners == {1}
    closed = [await asyncio.to_thread(_loser_closed_ms) for _ in range(ROUNDS + 1)][1:]
    return [
        row("Race of 0.8 s and 0.5 s, winner 1, over 0.5 s", over, "at most 5 ms"),
        row("  loser's connection closed after the win", closed, "within 10 ms"),
    ]


def _loser_closed_ms() -> float:
    with Stamped() as server:
        server.script(Hang(after_chunks=3, answer=Answer("I am still speaking, slowly, and for ever.")))

        async def race_a_server() -> float:
            won_at = 0.0

            async def winner() -> str:
                nonlocal won_at
                await asyncio.to_thread(server.wait_for_requests, 1)
                await asyncio.sleep(0.2)
                won_at = time.perf_counter()
                return "here"

            loser = model_at(server, "openai")
            _, index = await first_success(loser.reply(ModelRequest(task="Hello?")), winner())
            assert index == 1
            return won_at

        won_at = asyncio.run(race_a_server())
        server.wait_for_client_to_leave()
        return (server.left_at - won_at) * 1000


# Waits between attempts


async def waits() -> list[Row]:
    """The distribution of the waits between zero and their bound; full jitter is uniform."""
    policy, down = RetryPolicy(max_attempts=4, base_s=1, cap_s=30), _down()
    shares: list[list[float]] = [[], [], []]
    for _ in range(SAMPLES):
        backoff = Backoff(policy, lambda: math.inf)
        for number, found in enumerate(shares):
            wait_s = backoff.next_wait_s(down, attempt=number + 1)
            found.append((wait_s or 0.0) / 2**number)
    return [_distribution(number, found) for number, found in enumerate(shares, start=1)]


def _down() -> ModelFailure:
    return ModelFailure("Down.", kind="server", provider="p", model="m", status=503)


def _distribution(number: int, shares: list[float]) -> Row:
    shares.sort()
    quantiles = " ".join(f"{shares[int(len(shares) * at)]:.2f}" for at in (0.1, 0.25, 0.5, 0.75, 0.9))
    far = max(abs(share - place / len(shares)) for place, share in enumerate(shares, start=1))
    label = f"Wait {number} as a share of its bound, {2 ** (number - 1)} s"
    # Kolmogorov-Smirnov: a uniform sample of this size deviates more once in a hundred times.
    return label, f"{quantiles}, off {far:.3f}", f"0.10 0.25 0.50 0.75 0.90, off under {1.63 / len(shares) ** 0.5:.3f}"


# Latency of a token


def token_to_client() -> list[Row]:
    """From a provider's chunk to the frame at a browser's socket, at 25 frames a second."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.patterns", "--case", "tokens"]
    delays = _in_a_folder_of_its_own(command)
    p50, p99 = statistics.median(delays), sorted(delays)[int(len(delays) * 0.99)]
    found = f"{p50:8.2f} ms (p99 {p99:.2f}), {TOKENS - len(delays)} of {TOKENS} lost"
    return [(f"Token to client, {TOKENS_PER_S:g} tokens a second", found, "25 frames a second: 20 ms")]


async def measure_tokens(cookie: str, run_id: str) -> list[float]:
    """The delay of each token in milliseconds."""
    from tests.benchmarks import live

    class TokenViewer(live.Viewer):
        """Counts a token once: every two seconds a snapshot repeats all of them."""

        seen: frozenset[bytes] = frozenset()

        def _take(self) -> bytes | None:
            if (payload := super()._take()) is None:
                return None
            fresh = frozenset(live.STAMP.findall(payload)) - self.seen
            self.seen |= fresh
            return b" ".join(b"t=" + stamp for stamp in fresh)

    server = live.BenchServer("tokens")
    loop = asyncio.get_running_loop()
    try:
        _, viewer = await loop.create_connection(
            lambda: TokenViewer(f"/ws/runs/{run_id}/", cookie), "127.0.0.1", live.PORT
        )
        await viewer.opened
        await server.record(run_id, 30, TOKENS_PER_S)
        await asyncio.sleep(0.2)
        viewer.delays_ms.clear()
        await server.record(run_id, TOKENS, TOKENS_PER_S)
        await live.arrived([viewer], TOKENS)
        viewer.leave()
        delays_ms: list[float] = viewer.delays_ms
        return delays_ms
    finally:
        server.stop()


# CPU


def cpu_per_step() -> list[Row]:
    """W(200) as a script runs it, and as the engine does, with every step on disk before it is shown."""
    command = [sys.executable, "-m", "tests.benchmarks.patterns", "--case", "cpu"]
    bare = statistics.median(_in_a_folder_of_its_own(command)[0] for _ in range(3))
    recorded = engine.median_of("alone", 3)["cpu_ms_per_step"]
    return [
        ("W(200), CPU per step, thoughts only reported", f"{bare:8.3f} ms", ""),
        ("W(200), CPU per step, recorded", f"{recorded:8.3f} ms", "at most 1.0, goal 0.7"),
    ]


def measure_cpu() -> list[float]:
    """CPU per thought of a run without the engine."""
    thoughts: list[Any] = []

    def work(turns: int) -> None:
        limits = RunLimits(max_turns=turns + 1)
        result = asyncio.run(
            run_agent(
                "Work.", model=engine.StandardModel(turns), tools=["calculator"], limits=limits, report=thoughts.append
            )
        )
        assert result.success, result.error

    work(20)
    thoughts.clear()
    began = time.process_time()
    work(CPU_TURNS)
    return [(time.process_time() - began) * 1000 / len(thoughts)]


def _in_a_folder_of_its_own(command: list[str]) -> list[float]:
    folder = tempfile.mkdtemp(prefix="agentsite-bench-")
    try:
        environment = os.environ | {"AGENTSITE_DATA": folder, "DJANGO_SETTINGS_MODULE": "agentsite.settings"}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        found: list[float] = json.loads(done.stdout)
        return found
    finally:
        shutil.rmtree(folder)


def run_case(name: str) -> list[float]:
    """Measure one case in this process."""
    if name == "cpu":
        return measure_cpu()
    from tests.benchmarks import live

    cookie, runs = live.prepare()
    return asyncio.run(measure_tokens(cookie, runs[0]))


def main() -> None:
    """Measure everything and print a table with the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=["cpu", "tokens"], help="measure one case here and print JSON")
    options = parser.parse_args()
    if options.case:
        sys.stdout.write(json.dumps(run_case(options.case)) + "\n")
        return
    for part in (three_tools, race, waits):
        _print(asyncio.run(part()))
    for measured in (token_to_client, cpu_per_step):
        _print(measured())


def _print(rows: list[Row]) -> None:
    for label, found, goal in rows:
        sys.stdout.write(f"{label:58} {found:38} {goal}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
