"""What one task waits for, in less memory than asyncio's future.

Compiled because every connection's task waits for its end as long as the connection is open: what
that takes is a good part of what a pool adds to a connection.

It speaks asyncio's protocol for things that are like futures (``_asyncio_future_blocking``,
``get_loop``, ``add_done_callback``, ``result``, ``cancel``), as far as a task that awaits it needs:
one task may await it, once. All operations take O(1).

Thread-safety: none; it belongs to its loop's thread.
"""

cimport cython

from asyncio import CancelledError, InvalidStateError
from types import GenericAlias

cdef enum State:
    PENDING
    VALUE
    CANCELLED


@cython.freelist(64)
@cython.auto_pickle(False)
cdef class Waiter:
    """A value that one task awaits: ``await waiter``.

    ``settle`` gives it, or does nothing when it has been given or the task was cancelled; who gives
    it wakes the task.
    """

    cdef object loop
    cdef object value  # or what a cancellation said
    cdef object step  # what resumes the task; None before it awaits, and after it was woken
    cdef object context  # of the task
    cdef State state
    cdef bint blocking

    def __init__(self, loop):
        self.loop = loop

    @classmethod
    def __class_getitem__(cls, item):
        return GenericAlias(cls, item)

    @cython.binding(False)
    def done(self):
        """Whether it has its value, or was cancelled."""
        return self.state != PENDING

    def settle(self, value):
        """Give the value."""
        if self.state == PENDING:
            self.value = value
            self.state = VALUE

    def wake(self):
        """Have the loop resume the task soon, if it awaits."""
        cdef object step = self.step
        if step is not None:
            self.step = None
            self.loop.call_soon(step, self, context=self.context)

    # -- what a task asks of it ----------------------------------------------------------------

    @property
    def _asyncio_future_blocking(self):
        return self.blocking

    @_asyncio_future_blocking.setter
    def _asyncio_future_blocking(self, bint blocking):
        self.blocking = blocking

    @cython.binding(False)
    def get_loop(self):
        """The loop that it belongs to."""
        return self.loop

    def add_done_callback(self, callback, *, context=None):
        """Set what resumes the task."""
        self.step = callback
        self.context = context
        if self.state != PENDING:
            self.wake()

    def cancel(self, msg=None):
        """End the wait with CancelledError. False when it was over."""
        if self.state != PENDING:
            return False
        self.value = msg
        self.state = CANCELLED
        self.wake()
        return True

    def cancelled(self):
        """Whether it was cancelled."""
        return self.state == CANCELLED

    def result(self):
        """The value; raises CancelledError, or InvalidStateError when there is none."""
        if self.state == VALUE:
            return self.value
        if self.state == CANCELLED:
            raise CancelledError() if self.value is None else CancelledError(self.value)
        raise InvalidStateError("nothing was settled yet")

    def __await__(self):
        return self

    def __next__(self):
        if self.state == PENDING:
            if self.step is not None:
                raise RuntimeError(f"{self!r} is awaited already")
            self.blocking = True
            return self
        raise StopIteration(self.result())

    def __repr__(self):
        state = ("pending", "settled", "cancelled")[self.state]
        return f"<{type(self).__name__} {state}>"
