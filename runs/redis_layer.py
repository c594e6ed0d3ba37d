"""The channel layer of scale-out: Channels' Redis layer, which can also tell the groups without members."""

from collections.abc import Collection
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer
from redis.asyncio import Redis

ANSWER_LIMIT_S = 2.0


class RedisLayer(RedisPubSubChannelLayer):  # type: ignore[misc]  # Channels is untyped.
    """Channels' layer over Redis' publish and subscribe, with one Redis server."""

    def __init__(self, *, hosts: list[dict[str, Any]], prefix: str, **options: Any) -> None:
        super().__init__(hosts=hosts, prefix=prefix, **options)
        self._address: str = hosts[0]["address"]
        self._prefix = prefix

    async def unheard(self, groups: Collection[str]) -> set[str]:
        """The groups without a member in any process. Raises Redis' exceptions."""
        # As Channels names them: a group is a Redis channel, and its members are subscribers.
        names = {f"{self._prefix}__group__{group}".encode(): group for group in groups}
        client = Redis.from_url(self._address, socket_timeout=ANSWER_LIMIT_S, socket_connect_timeout=ANSWER_LIMIT_S)
        async with client:
            counts = await client.pubsub_numsub(*names)
        return {names[name] for name, listeners in counts if not listeners}
