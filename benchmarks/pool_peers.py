"""Pools of other packages over connections that do nothing, and the same loops for all of them."""

from __future__ import annotations

import queue
import threading

from measure import installed

THREADS = 8


class Connection:
    """Nothing, with room for what a pool may write on it."""


def pairs(out, back, count, *key):
    """A loop of checkouts and checkins with bound methods."""
    if key:
        (key,) = key

        def work():
            for _ in range(count):
                back(out(key))
    else:

        def work():
            for _ in range(count):
                back(out())

    return work


def blocking(out, back):
    def work(count):
        for _ in range(count):
            back(out())

    return work


def in_threads(work, count):
    """``work`` in several threads, each with its share of the pairs."""

    def all_of_them():
        threads = [threading.Thread(target=work, args=(count // THREADS,)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return all_of_them


def nothing():
    pass


# Each gives how to take a connection out, how to give it back, and how to end.


def lifo_queue(size):
    peer = queue.LifoQueue(size)
    for _ in range(size):
        peer.put(Connection())
    return peer.get, peer.put, nothing


def sqlalchemy(size):
    pool = installed("sqlalchemy.pool")

    class Dbapi(Connection):
        def rollback(self):
            pass

        def close(self):
            pass

    peer = pool.QueuePool(Dbapi, pool_size=size, max_overflow=0, use_lifo=True)
    return peer.connect, lambda connection: connection.close(), peer.dispose


def psycopg_pool(size):
    module, psycopg = installed("psycopg_pool"), installed("psycopg")

    class Fake(Connection):
        """What psycopg_pool looks at when it gives a connection out and takes it back."""

        class pgconn:
            transaction_status = psycopg.pq.TransactionStatus.IDLE

        closed = False
        autocommit = False

        @classmethod
        def connect(cls, *args, **kwargs):
            return cls()

        def close(self):
            pass

    peer = module.ConnectionPool(
        connection_class=Fake, min_size=size, max_size=size, open=True, num_workers=1
    )
    peer.wait()
    return peer.getconn, peer.putconn, peer.close


PEERS = {
    "LifoQueue": lifo_queue,
    "SQLAlchemy QueuePool": sqlalchemy,
    "psycopg_pool": psycopg_pool,
}
