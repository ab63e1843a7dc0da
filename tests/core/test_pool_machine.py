"""The pool's decisions against a plain oracle, in every order of events."""

from math import inf

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from reference.pool import ReferencePool
from support.deep import rounds

from goflow._core.pool import Pool
from goflow.errors import CircuitOpen, PoolClosed

KEYS = st.sampled_from(["a", "b"])
TIMES = st.sampled_from([1.0, 2.0, 5.0])


class PoolMachine(RuleBasedStateMachine):
    """Does everything to both, and compares what they decide and what they show."""

    @initialize(
        max_size=st.integers(1, 3),
        max_in_flight=st.sampled_from([1, 2, 3, None]),
        idle_timeout=TIMES | st.none(),
        check_after=TIMES | st.none(),
        leak_after=TIMES | st.none(),
        backoff=st.sampled_from([0.0, 1.0]),
        connect_attempts=st.integers(1, 2),
        breaker_failures=st.integers(1, 3),
    )
    def make(self, max_in_flight, idle_timeout, check_after, leak_after, **options):
        self.time = 0.0
        options |= {"max_backoff": 3.0, "breaker_reset": 4.0}
        times = {
            "idle_timeout": idle_timeout,
            "check_after": check_after,
            "leak_after": leak_after,
        }
        self.pool = Pool(max_in_flight=max_in_flight, clock=lambda: self.time, **options, **times)
        self.model = ReferencePool(
            max_in_flight=inf if max_in_flight is None else max_in_flight,
            **options,
            **{name: inf if value is None else value for name, value in times.items()},
        )
        self.slots = {}  # number -> (ours, theirs)
        self.leases = []  # (ours, theirs)

    def settle(self):
        connect, close, settled = self.pool.decisions()
        connect_, close_, settled_ = self.model.decisions()
        assert [(s.number, s.key, s.delay) for s in connect] == [
            (c["number"], c["key"], c["delay"]) for c in connect_
        ]
        assert sorted(slot.number for slot in close) == sorted(c["number"] for c in close_)
        pairs = {id(ours): theirs for ours, theirs in self.leases}
        assert [pairs[id(lease)] for lease in settled] == settled_
        for ours, theirs in zip(connect, connect_, strict=True):
            self.slots[ours.number] = (ours, theirs)

    def same(self, ours, theirs):
        """A pair of answers to a checkout, remembered if they are leases."""
        assert (ours is None) == (theirs is None)
        if ours is not None:
            self.leases.append((ours, theirs))
        self.settle()

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0]))
    def pass_time(self, seconds):
        self.time += seconds
        self.model.now = self.time

    @rule(key=KEYS)
    def checkout(self, key):
        self.same(self.pool.checkout(key), self.model.checkout(key))

    @rule(key=KEYS)
    def take(self, key):
        self.same(self.pool.take(key), self.model.checkout(key, True))

    @rule(key=KEYS)
    def wait(self, key):
        theirs = self.model.wait(key, None)
        if isinstance(theirs, str):
            with pytest.raises({"closed": PoolClosed, "open": CircuitOpen}[theirs]):
                self.pool.wait(key, None)
            self.settle()
        else:
            self.same(self.pool.wait(key, None), theirs)

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def checkin(self, data):
        ours, theirs = data.draw(st.sampled_from(self.leases))
        assert self.pool.checkin(ours) == self.model.checkin(theirs)
        self.settle()

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def forget(self, data):
        ours, theirs = data.draw(st.sampled_from(self.leases))
        assert self.pool.forget(ours) == self.model.forget(theirs)

    @rule(key=KEYS, size=st.integers(1, 3))
    def warm(self, key, size):
        assert self.pool.warm(key, size) == self.model.warm(key, size)
        self.settle()

    @precondition(lambda self: self.slots)
    @rule(data=st.data(), lifetime=TIMES | st.none())
    def connected(self, data, lifetime):
        ours, theirs = data.draw(st.sampled_from(list(self.slots.values())))
        self.pool.connected(ours, f"connection {ours.number}", lifetime)
        self.model.connected(theirs, inf if lifetime is None else lifetime)
        self.settle()

    @precondition(lambda self: self.slots)
    @rule(data=st.data())
    def failed(self, data):
        ours, theirs = data.draw(st.sampled_from(list(self.slots.values())))
        error = ValueError(ours.number)
        self.pool.failed(ours, error)
        self.model.failed(theirs, error)
        self.settle()

    @precondition(lambda self: self.slots)
    @rule(data=st.data(), at_once=st.booleans())
    def retire(self, data, at_once):
        ours, theirs = data.draw(st.sampled_from(list(self.slots.values())))
        self.pool.retire(ours, at_once=at_once)
        self.model.retire(theirs, at_once)
        self.settle()

    @rule()
    def sweep(self):
        due, leaks = self.pool.sweep()
        assert due is None or due >= 0
        pairs = {id(ours): theirs for ours, theirs in self.leases}
        assert [pairs[id(lease)] for lease in leaks] == self.model.sweep()
        self.settle()

    @rule(key=KEYS)
    def drain(self, key):
        self.pool.drain(key)
        self.model.drain(key)
        self.settle()

    @rule(key=KEYS, max_size=st.integers(1, 3), max_in_flight=st.integers(1, 3))
    def resize(self, key, max_size, max_in_flight):
        self.pool.resize(max_size, max_in_flight, key)
        self.model.resize(key, max_size, max_in_flight)
        self.settle()

    @precondition(lambda self: len(self.slots) > 4)
    @rule()
    def close(self):
        self.pool.close()
        self.model.close()
        self.settle()

    @invariant()
    def they_show_the_same(self):
        if not hasattr(self, "pool"):
            return
        stats = self.pool.stats()
        count = {
            state: sum(c["state"] == state for c in self.model.connections)
            for state in ("live", "retired", "connecting")
        }
        assert stats["open"] == count["live"] + count["retired"]
        assert stats["connecting"] == count["connecting"]
        assert stats["waiting"] == len(self.model.queue)
        assert stats["in_use"] == len(self.model.held)
        for ours, theirs in self.leases:
            assert ours.held == (theirs.standing == "held")
            assert (None if ours.slot is None else ours.slot.number) == theirs.number
            assert ours.unchecked == theirs.unchecked
            if ours.held:
                assert ours.connection == f"connection {theirs.number}"


PoolMachine.TestCase.settings = settings(
    max_examples=rounds(2000), stateful_step_count=60, deadline=None
)
TestPoolDecisions = pytest.mark.deep(PoolMachine.TestCase)
