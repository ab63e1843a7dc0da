"""The right to use one connection of a pool, until it is given back.

Compiled because every checkout makes one. The pool sets all of it, under its lock; this is what its
holder may read of it. All operations take O(1).

Thread-safety: reading takes no lock: the pool sets each part once, but for the standing, a word.
"""

cimport cython

import sys
from types import GenericAlias

from goflow.errors import PoolError


@cython.final
@cython.freelist(64)
@cython.auto_pickle(False)
cdef class Lease:
    """The right to use one connection, until it is checked in; made by its pool.

    ``key`` is what was asked for, ``waited`` how many seconds it took to get it, ``where`` the
    place that asked (only of a pool that looks for leaks). A lease that waits has the ``token``
    that ``wait`` was given; one that got nothing has the ``error``. ``unchecked`` says that its
    connection was idle for so long that it should be checked first; ``slot`` is what its pool
    knows the connection by.
    """

    @classmethod
    def __class_getitem__(cls, item):
        return GenericAlias(cls, item)

    @property
    def connection(self):
        """The connection. Raises PoolError when the lease holds it no longer, or not yet."""
        if self.standing == HELD:
            return self.slot.connection
        why = "it was given back"
        if self.standing == WAITING:
            why = "it still waits for one"
        elif self.standing == FAILED:
            why = "it got none"
        raise PoolError(f"{self!r} gives no connection: {why}")

    @property
    def held(self):
        """Whether the connection may be used."""
        return self.standing == HELD

    def __repr__(self):
        state = ("waiting", "held", "released", "failed")[self.standing]
        number = "" if self.slot is None else f" #{self.slot.number}"
        return f"<Lease {self.key!r}{number} {state}>"


cdef str caller(str internal):
    """Where the code stands that asks for a connection, but for that of a module."""
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__") == internal:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
