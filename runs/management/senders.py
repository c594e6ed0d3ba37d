"""What a process sends: to webhooks, and to people."""

from concurrent.futures import ThreadPoolExecutor

from runs.engine.control import decision_links
from runs.engine.notifications.sender import NotificationSender
from runs.engine.notifications.slack_updates import SlackUpdates
from runs.engine.webhooks.sender import WebhookSender
from runs.live.rendering.stored_words import error_words


class Senders:
    """The senders of this process."""

    def __init__(self) -> None:
        people = NotificationSender(decision_link=decision_links.sign, error_words=error_words)
        self._all = (WebhookSender(), people, SlackUpdates())

    def start(self) -> None:
        """Begin to send, also what an earlier process left."""
        for each in self._all:
            each.start()

    def stop(self) -> None:
        """Let what is under way end, all at the same time. No effect on those that were not started."""
        with ThreadPoolExecutor(len(self._all)) as pool:
            for ending in [pool.submit(each.stop) for each in self._all]:
                ending.result()
