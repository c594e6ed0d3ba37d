"""Page requests delay the writer's next batch, but cannot stop it."""

import threading

from runs.engine.writing.request_priority import PATIENCE_S, RequestPriority

SOON_S = 10.0


def passing(priority: RequestPriority, longest_s: float) -> threading.Thread:
    """The writer's thread, waiting for its turn."""
    thread = threading.Thread(target=priority.yield_to_requests, args=[longest_s], daemon=True)
    thread.start()
    return thread


def test_the_writer_goes_on_as_soon_as_nobody_waits_for_a_page() -> None:
    priority = RequestPriority()

    with priority.request():
        writer = passing(priority, longest_s=PATIENCE_S)
        assert writer.is_alive()

    writer.join(SOON_S)
    assert not writer.is_alive()


def test_nobody_waiting_costs_the_writer_nothing() -> None:
    priority = RequestPriority()
    with priority.request():
        pass

    priority.yield_to_requests(longest_s=SOON_S * 100)


def test_a_page_that_never_ends_holds_the_writer_up_only_for_a_moment() -> None:
    priority = RequestPriority()

    with priority.request():
        priority.yield_to_requests(longest_s=0.01)
        writer = passing(priority, longest_s=SOON_S * 100)  # Its patience ends first.
        writer.join(PATIENCE_S + SOON_S)

        assert not writer.is_alive()
