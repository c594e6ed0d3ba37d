"""Requests to the addresses of triggers, by Django's client."""

from typing import Any

from django.test import Client

from runs.agent.wording import read_parts
from runs.models import Delivery
from tests.trigger_senders import PUSH, json_of, signed


def send(token: str, body: bytes = json_of(PUSH), scheme: str = "github", **more: Any) -> Any:
    """The response to a request with a right signature."""
    return post(token, body, signed(body, scheme, **more))


def post(token: str, body: bytes, headers: dict[str, str], content_type: str = "application/json") -> Any:
    """The response to a request with these headers."""
    client = Client(enforce_csrf_checks=True)
    return client.post(f"/hooks/{token}", body, content_type=content_type, headers=headers)


def reason_of(delivery: Delivery) -> str:
    """Why nothing was launched, in English."""
    return " ".join(each.words() for each in read_parts(delivery.reason))
