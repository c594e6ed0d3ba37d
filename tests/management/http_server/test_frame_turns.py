"""What sockets have sent is parsed in turns, between other work of the loop."""

import asyncio
import time

from runs.management.http_server.frame_turns import PIECE_BYTES, TURN_S, FrameTurns


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


async def until_parsed(*lengths: tuple[Socket, int]) -> None:
    while any(len(socket.parsed) < length for socket, length in lengths):  # noqa: ASYNC110 (each look is a turn of the loop)
        await asyncio.sleep(0)


async def test_each_socket_has_its_turn_and_what_it_sent_stays_in_order():
    log: list[tuple[str, int]] = []
    turns, greedy, modest = FrameTurns(), Socket("greedy", log), Socket("modest", log)
    sent = bytes(range(256)) * 4

    for start in range(0, len(sent), 300):
        turns.add(greedy, sent[start : start + 300])
    turns.add(modest, b"ack")
    await until_parsed((greedy, len(sent)), (modest, 3))

    assert greedy.parsed == sent
    assert log[:2] == [("greedy", PIECE_BYTES), ("modest", 3)]


async def test_the_loop_does_other_work_between_pieces():
    log: list[tuple[str, int]] = []
    turns, greedy = FrameTurns(), Socket("greedy", log, seconds=TURN_S)
    pieces = 5

    turns.add(greedy, bytes(pieces * PIECE_BYTES))
    while len(greedy.parsed) < pieces * PIECE_BYTES:
        await asyncio.sleep(0)
        log.append(("other work", 0))

    between = [name for name, _ in log[log.index(("greedy", PIECE_BYTES)) :]]
    assert between == ["greedy", "other work"] * pieces


async def test_a_connection_that_is_gone_is_not_parsed_any_more():
    log: list[tuple[str, int]] = []
    turns, gone, other = FrameTurns(), Socket("gone", log), Socket("other", log)

    turns.add(gone, bytes(1_000))
    turns.add(other, bytes(1_000))
    turns.forget(gone)
    turns.forget(gone)
    await until_parsed((other, 1_000))

    assert gone.parsed == b""
