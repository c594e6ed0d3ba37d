"""Whoever waits for a page goes before the writer's next batch, but cannot stop it."""

import threading

from runs.engine.courtesy import PATIENCE_S, Courtesy

SOON_S = 10.0


def passing(courtesy: Courtesy, longest_s: float) -> threading.Thread:
    """The writer's thread, waiting for its turn."""
    thread = threading.Thread(target=courtesy.let_pass, args=[longest_s], daemon=True)
    thread.start()
    return thread


def test_the_writer_goes_on_as_soon_as_nobody_waits_for_a_page() -> None:
    courtesy = Courtesy()

    with courtesy.guest():
        writer = passing(courtesy, longest_s=PATIENCE_S)
        assert writer.is_alive()

    writer.join(SOON_S)
    assert not writer.is_alive()


def test_nobody_waiting_costs_the_writer_nothing() -> None:
    courtesy = Courtesy()
    with courtesy.guest():
        pass

    courtesy.let_pass(longest_s=SOON_S * 100)


def test_a_page_that_never_ends_holds_the_writer_up_only_for_a_moment() -> None:
    courtesy = Courtesy()

    with courtesy.guest():
        courtesy.let_pass(longest_s=0.01)
        writer = passing(courtesy, longest_s=SOON_S * 100)  # Its patience ends first.
        courtesy_ends_at = PATIENCE_S + SOON_S
        writer.join(courtesy_ends_at)

    writer.join(SOON_S)
    assert not writer.is_alive()
