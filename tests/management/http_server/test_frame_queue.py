"""What sockets have sent is parsed in pieces, round robin, between other work of the loop."""

import asyncio
import time

from runs.management.http_server.frame_queue import PIECE_BYTES, SLICE_S, FrameQueue


class Socket:
    """Notes what it parses; a piece takes `seconds`."""

    def __init__(self, name: str, log: list[tuple[str, int]], seconds: float = 0) -> None:
        self.name = name
        self.parsed = b""
        self._log = log
        self._seconds = seconds

    def parse(self, data: bytes) -> None:
        self.parsed += data
        self._log.append((self.name, len(data)))
        time.sleep(self._seconds)


class Failing(Socket):
    """Fails at the first piece."""

    def parse(self, data: bytes) -> None:
        raise ValueError(f"{self.name} fails")


async def until_parsed(*lengths: tuple[Socket, int]) -> None:
    while any(len(socket.parsed) < length for socket, length in lengths):  # noqa: ASYNC110 (each look is one pass of the loop)
        await asyncio.sleep(0)


async def test_each_socket_has_its_turn_and_what_it_sent_stays_in_order():
    log: list[tuple[str, int]] = []
    queue, greedy, modest = FrameQueue(), Socket("greedy", log), Socket("modest", log)
    sent = bytes(range(256)) * 4

    for start in range(0, len(sent), 300):
        queue.add(greedy, sent[start : start + 300])
    queue.add(modest, b"ack")
    await until_parsed((greedy, len(sent)), (modest, 3))

    assert greedy.parsed == sent
    assert log[:2] == [("greedy", PIECE_BYTES), ("modest", 3)]


async def test_the_loop_does_other_work_between_pieces():
    log: list[tuple[str, int]] = []
    queue, greedy = FrameQueue(), Socket("greedy", log, seconds=SLICE_S)
    pieces = 5

    queue.add(greedy, bytes(pieces * PIECE_BYTES))
    while len(greedy.parsed) < pieces * PIECE_BYTES:
        await asyncio.sleep(0)
        log.append(("other work", 0))

    between = [name for name, _ in log[log.index(("greedy", PIECE_BYTES)) :]]
    assert between == ["greedy", "other work"] * pieces


async def test_a_socket_that_fails_keeps_no_other_waiting():
    log: list[tuple[str, int]] = []
    queue, failing, other = FrameQueue(), Failing("failing", log), Socket("other", log)
    failures: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: failures.append(context["exception"]))

    queue.add(failing, b"bad")
    queue.add(other, b"good")
    await until_parsed((other, 4))

    assert [str(each) for each in failures] == ["failing fails"]


async def test_a_connection_that_is_gone_is_not_parsed_any_more():
    log: list[tuple[str, int]] = []
    queue, gone, other = FrameQueue(), Socket("gone", log), Socket("other", log)

    queue.add(gone, bytes(1_000))
    queue.add(other, bytes(1_000))
    queue.forget(gone)
    queue.forget(gone)
    await until_parsed((other, 1_000))

    assert gone.parsed == b""
