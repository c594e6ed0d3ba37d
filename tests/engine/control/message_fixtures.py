"""What people do with messages to runs, from a thread as a page would."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from runs.engine import control
from runs.models import Run, RunMessage


async def send(run: Run, text: str, by: User, **options: Any) -> RunMessage:
    message, _ = await sync_to_async(control.send_message, thread_sensitive=False)(run.pk, by=by, text=text, **options)
    return message


async def change(message: RunMessage, text: str, by: User) -> RunMessage:
    return await sync_to_async(control.edit_message, thread_sensitive=False)(message.pk, by=by, text=text)


async def withdraw(message: RunMessage, by: User) -> RunMessage:
    return await sync_to_async(control.withdraw_message, thread_sensitive=False)(message.pk, by=by)


async def row_of(message: RunMessage) -> RunMessage:
    return await RunMessage.objects.aget(pk=message.pk)
