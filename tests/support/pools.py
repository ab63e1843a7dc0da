"""Connections that have nothing to do with MCP, for a ``goflow.ConnectionPool``."""

import asyncio

import goflow


class Connection:
    def __init__(self, key, number):
        self.key, self.number = key, number
        self.open = True
        self.healthy = True
        self.task = asyncio.current_task()


class Backend:
    """Makes connections, and knows what became of them."""

    def __init__(self, *, delay=0.0):
        self.delay = delay
        self.made = []
        self.connecting = self.most_connecting = 0
        self.error = None
        self.gate = None

    async def connect(self, key):
        self.connecting += 1
        self.most_connecting = max(self.most_connecting, self.connecting)
        try:
            await asyncio.sleep(self.delay)
            if self.gate is not None:
                await self.gate.wait()
            if self.error is not None:
                raise self.error
        finally:
            self.connecting -= 1
        connection = Connection(key, len(self.made))
        self.made.append(connection)
        return connection

    async def close(self, connection):
        assert asyncio.current_task() is connection.task, "another task closes it"
        connection.open = False

    def pool(self, **options):
        return goflow.ConnectionPool(self.connect, self.close, **options)

    @property
    def open(self):
        return sum(connection.open for connection in self.made)
