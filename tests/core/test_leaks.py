"""Each public operation of the core, again and again: it keeps no memory and no reference.

Memory by tracemalloc, which sees Python's allocators and the raw one that the core's records come
from; references by the counts of all that an operation was given, parts included. A debug build of
Python counts all references there are, then those are compared too.
"""

import ast
import contextlib
import contextvars
import gc
import sys
import tracemalloc
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.clock import Clock

from goflow._core.bitset import BitSet
from goflow._core.blocks import Blocks
from goflow._core.cache import Cache, isolated
from goflow._core.canonical import canonical, digest
from goflow._core.connector import Connector
from goflow._core.copies import copy, freeze, nests_deeper, size
from goflow._core.graph import Graph
from goflow._core.lane import Lane
from goflow._core.pool import Pool
from goflow._core.reaper import Reaper
from goflow._core.stock import Stock
from goflow._core.store import CacheStats, Store
from goflow._core.value import same, structural_hash
from goflow._core.waiter import Waiter
from goflow.errors import GoFlowError

TIMES = 100
STEADY = 5
CORE = Path(find_spec("goflow._core").origin).parent


def fresh(text):
    """A string of its own, which nothing else refers to."""
    return "".join(text)


VALUE = {fresh("name"): [fresh("a text"), 2**70, 1.5, None, True, {fresh("b"): fresh("ü€😀")}]}
WRONG = {fresh("name"): [1, object()]}
KEY, OTHER, NODE = fresh("a key"), fresh("another"), fresh("a node")
IDS = [fresh(f"node {at}") for at in range(8)]
EDGES = [(IDS[at], IDS[at + 1]) for at in range(7)] + [(IDS[0], IDS[4]), (IDS[2], IDS[6])]
CYCLE = [*EDGES, (IDS[5], IDS[1])]
OPAQUE, ERROR, TOKEN = object(), OSError("no"), object()
GIVEN = (VALUE, WRONG, KEY, OTHER, NODE, IDS, EDGES, CYCLE, OPAQUE, ERROR, TOKEN)


def raises(call, *arguments):
    try:
        call(*arguments)
    except (GoFlowError, TypeError, ValueError, KeyError):
        return
    pytest.fail("nothing was raised")


# -- the operations, by their names in the stubs: what each does, and how it fails ----------------


def cached(work, **options):
    """Work on a cache that is new each time, and on one that is emptied."""
    kept = Cache(4, **options)

    def run():
        for cache in (Cache(4, max_bytes=4000, ttl=5), Cache(2, policy="lru"), kept):
            cache[KEY] = VALUE
            cache.set_result(NODE, VALUE, VALUE)
            work(cache)
            cache.clear()

    return run


def expiring(work):
    """Work on a cache whose entries are over."""

    def run():
        clock = Clock()
        cache = Cache(8, ttl=1, timer=clock)
        cache[KEY] = VALUE
        cache.set_result(NODE, VALUE, VALUE)
        clock.now += 2
        work(cache)

    return run


def both(cache):
    cache.get(KEY), cache.get(OTHER, VALUE), raises(cache.get, OPAQUE)


def results(cache):
    cache.get_result(NODE, VALUE), cache.get_result(NODE, {KEY: 1}), cache.get_result(OTHER, VALUE)
    raises(cache.get_result, NODE, WRONG)


def stored(cache):
    for at in range(8):  # some are evicted
        cache.set(f"{KEY} {at}", VALUE, 3)
    cache.set(KEY, VALUE), cache.set(KEY, OPAQUE), cache.set(KEY, "x" * 9000)
    raises(cache.set, KEY, VALUE, -1)


def stored_results(cache):
    for at in range(8):
        cache.set_result(NODE, {KEY: at}, VALUE)
        cache.set_result(NODE, [VALUE, at], VALUE, 3)
    cache.set_result(NODE, VALUE, KEY)
    raises(cache.set_result, NODE, WRONG, VALUE)


def graphs(work, *, refused=False):
    def run():
        for graph in (Graph(IDS, EDGES), Graph(IDS, CYCLE)):
            if refused and graph.cycle() is not None:
                raises(work, graph)
            else:
                work(graph)

    return run


def arrays():
    Graph.from_arrays(4, [0, 1, 2], [1, 2, 3]).order()
    raises(Graph.from_arrays, 2, [0], [5])


def sets():
    """All operators of sets of one family, whose members are far apart."""
    family = Blocks(5_000)
    none = BitSet(family)
    some, others = none.plus(2).plus(4_000), none.plus(4_000).plus(4_002)
    assert list(some | others) == [2, 4_000, 4_002]
    assert 4_000 in (some & others)
    assert not (some - others).isdisjoint(some)
    some.opposes(others), hash(some), some == others, bool(none)
    raises(none.plus, 5_000)


class Loop:
    """As much of an event loop as a waiter asks for; runs nothing."""

    def call_soon(self, *arguments, context=None):
        pass

    def get_debug(self):
        return False


CONTEXT = contextvars.Context()
WAITER = [
    "waiter.Waiter",
    *(
        f"waiter.Waiter.{name}"
        for name in (
            "done", "settle", "wake", "get_loop", "add_done_callback",
            "cancel", "cancelled", "result",
        )
    ),
]  # fmt: skip


def awaited():
    """A waiter that is awaited and settled, and one that is cancelled."""
    for end in (
        lambda one: one.settle(OPAQUE),
        lambda one: one.cancel(),
    ):
        one = Waiter(Loop())
        assert not one.done()
        one.get_loop(), next(one.__await__())
        one.add_done_callback(repr, context=CONTEXT)
        end(one)
        one.wake()
        one.cancelled(), one.done()
        with contextlib.suppress(BaseException):
            one.result()


def pooled(work, **options):
    """Work on a pool with a connection to ``KEY`` and a clock, and on one that looks for leaks."""

    def run():
        for more in ({}, {"leak_after": 1.0}):
            clock = Clock()
            pool = Pool(max_size=2, clock=clock, **options, **more)
            pool.warm(KEY)
            for slot in pool.decisions()[0]:
                pool.connected(slot, OPAQUE)
            work(pool, clock)

    return run


def taken(pool, clock):
    lease = pool.checkout(KEY)
    assert lease.held
    assert lease.connection is OPAQUE
    assert repr(lease)
    pool.checkout(KEY), pool.take(OTHER), pool.holders(KEY)
    pool.checkin(lease), pool.checkin(lease)
    raises(lambda: lease.connection)
    raises(Pool().checkin, lease)


def waited(pool, clock):
    lease = pool.wait(KEY, TOKEN)
    waiting = [pool.wait(KEY, TOKEN) for _ in range(3)]
    pool.forget(waiting[0], True)
    for slot in pool.decisions()[0]:
        pool.failed(slot, ERROR)
    pool.checkin(lease)
    assert waiting[1].held
    pool.close()
    pool.decisions()
    assert waiting[2].error is not None
    raises(pool.wait, KEY, TOKEN)


def failing(pool, clock):
    lease = pool.wait(OTHER, TOKEN)
    for _ in range(5):
        for slot in pool.decisions()[0]:
            pool.failed(slot, ERROR)
        pool.warm(OTHER)
    assert lease.error is ERROR
    raises(pool.wait, OTHER, TOKEN)


def retired(pool, clock):
    lease = pool.checkout(KEY)
    pool.retire(lease.slot, "unhealthy")
    assert repr(lease.slot)
    pool.checkin(lease)
    raises(pool.retire, lease.slot, "no reason")


def swept(pool, clock):
    lease = pool.checkout(KEY)
    clock.now += 5
    pool.sweep()
    pool.checkin(lease)
    clock.now += 50
    pool.sweep()


def ended(pool, clock):
    lease = pool.checkout(KEY)
    pool.wait(KEY, TOKEN), pool.wait(OTHER, TOKEN)
    pool.resize(1, 2), pool.resize(3, key=KEY), raises(pool.resize, 0)
    pool.drain(KEY), pool.discard(KEY), pool.drain()
    pool.checkin(lease)
    pool.close()
    pool.decisions()


def looked_at(pool, clock):
    pool.stats(), pool.stats(KEY), pool.describe(), pool.describe(KEY), repr(pool), pool.keys()
    assert pool.is_warm(KEY)
    assert not pool.is_closed


OPERATIONS = {
    "cache.isolated": lambda: (isolated(VALUE), isolated(OPAQUE), isolated(KEY)),
    "cache.Cache": lambda: (repr(Cache(3)), raises(Cache), raises(Cache, 0)),
    "cache.Cache.get": cached(both),
    "cache.Cache.get expired": expiring(both),
    "cache.Cache.set": cached(stored),
    "cache.Cache.set expired": expiring(stored),
    "cache.Cache.get_result": cached(results),
    "cache.Cache.get_result expired": expiring(results),
    "cache.Cache.set_result": cached(stored_results),
    "cache.Cache.pop": cached(lambda it: (it.pop(KEY), it.pop(KEY, 1), raises(it.pop, KEY))),
    "cache.Cache.pop expired": expiring(lambda it: it.pop(KEY, VALUE)),
    "cache.Cache.touch": cached(lambda it: (it.touch(KEY, 9), it.touch(OTHER))),
    "cache.Cache.touch expired": expiring(lambda it: it.touch(KEY)),
    "canonical.canonical": lambda: (canonical(VALUE), raises(canonical, WRONG)),
    "canonical.digest": lambda: (digest(VALUE), raises(digest, WRONG)),
    "copies.copy": lambda: (copy(VALUE), raises(copy, WRONG)),
    "copies.freeze": lambda: (freeze(VALUE), freeze(KEY)),
    "copies.size": lambda: (size(VALUE), size(KEY)),
    "copies.nests_deeper": lambda: (nests_deeper(VALUE, 1), nests_deeper(VALUE, 9)),
    "graph.Graph": lambda: (
        Graph(IDS, EDGES), raises(Graph, IDS, [(KEY, IDS[0])]), raises(Graph, IDS * 2, []),
        raises(Graph, IDS, [IDS]),
    ),
    "graph.Graph.from_arrays": arrays,
    "graph.Graph.order": graphs(Graph.order, refused=True),
    "graph.Graph.levels": graphs(Graph.levels, refused=True),
    "graph.Graph.cycle": graphs(Graph.cycle),
    "blocks.Blocks": lambda: Blocks(5_000),
    "bitset.BitSet": sets,
    "bitset.BitSet.plus": sets,
    "bitset.BitSet.isdisjoint": sets,
    "bitset.BitSet.opposes": sets,
    "graph.Graph.reachable": graphs(
        lambda it: (it.reachable(IDS[2]), it.reachable(IDS[:3]), raises(it.reachable, KEY))
    ),
    "graph.Graph.reaching": graphs(
        lambda it: (it.reaching(IDS[2]), it.reaching(IDS[:3]), raises(it.reaching, [KEY]))
    ),
    "graph.Graph.dominators": graphs(lambda it: it.dominators(IDS[0]), refused=True),
    "lane.Slot": pooled(lambda pool, clock: raises(pool.retire, None)),
    "lane.Lane": lambda: repr(Lane(KEY, OPAQUE, 2, 2)),
    "lease.Lease": pooled(taken),
    "stock.Stock": lambda: (Stock().decisions(), repr(Stock())),
    "connector.Connector": lambda: Connector().warm(KEY),
    "reaper.Reaper": lambda: Reaper().close(),
    "pool.Pool": lambda: (Pool(), raises(lambda: Pool(max_size=0))),
    "pool.Pool.checkout": pooled(taken),
    "pool.Pool.take": pooled(
        lambda pool, clock: (pool.checkout(KEY), pool.checkin(pool.take(KEY))), check_after=0.0
    ),
    "pool.Pool.checkin": pooled(taken, max_in_flight=3),
    "pool.Pool.wait": pooled(waited),
    "pool.Pool.forget": pooled(waited, max_in_flight=1),
    "connector.Connector.warm": pooled(
        lambda pool, clock: (pool.warm(KEY, 2), pool.warm(OTHER, 9))
    ),
    "connector.Connector.connected": pooled(ended, max_in_flight=2),
    "connector.Connector.failed": pooled(failing),
    "reaper.Reaper.retire": pooled(retired),
    "reaper.Reaper.sweep": pooled(swept, idle_timeout=9.0),
    "reaper.Reaper.drain": pooled(ended),
    "reaper.Reaper.resize": pooled(ended),
    "reaper.Reaper.discard": pooled(ended),
    "reaper.Reaper.close": pooled(ended),
    "stock.Stock.decisions": pooled(waited),
    "pool.Pool.is_warm": pooled(looked_at),
    "store.CacheStats": lambda: CacheStats(1, 1, *[0] * 7).hit_rate,
    "store.Store": lambda: (repr(Store(3)), raises(Store), raises(Store, 0)),
    "store.Store.clear": cached(Store.clear),
    "store.Store.clean_expired": expiring(Store.clean_expired),
    "store.Store.keys": cached(lambda it: (it.keys(), list(it), len(it), bool(it), KEY in it)),
    "store.Store.stats": cached(lambda it: (it.stats(), sys.getsizeof(it), it.max_bytes, it.ttl)),
    "store.Store.reset_stats": cached(Store.reset_stats),
    "stock.Stock.keys": pooled(looked_at),
    "stock.Stock.slots": pooled(lambda pool, clock: (pool.slots(), pool.slots(KEY))),
    "stock.Stock.holders": pooled(taken),
    "stock.Stock.stats": pooled(looked_at),
    "stock.Stock.describe": pooled(looked_at),
    **dict.fromkeys(WAITER, awaited),
    "value.structural_hash": lambda: (structural_hash(VALUE), raises(structural_hash, WRONG)),
    "value.same": lambda: (same(VALUE, copy(VALUE)), same(VALUE, KEY), same(IDS, IDS)),
}  # fmt: skip


def public_names():
    """What the stubs name: functions, classes and methods, but for properties and operators."""
    for stub in CORE.glob("*.pyi"):
        for item in ast.parse(stub.read_text()).body:
            if not isinstance(item, ast.FunctionDef | ast.ClassDef):
                continue
            yield f"{stub.stem}.{item.name}"
            for part in item.body if isinstance(item, ast.ClassDef) else ():
                if isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
                    decorators = {ast.unparse(each) for each in part.decorator_list}
                    if "property" not in decorators:
                        yield f"{stub.stem}.{item.name}.{part.name}"


def parts(value):
    yield value
    if isinstance(value, dict):
        for each in value.items():
            for part in each:
                yield from parts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from parts(part)


def counts(things):
    gc.collect()
    return [sys.getrefcount(thing) for thing in things]


def references():
    gc.collect()
    return sys.gettotalrefcount() if hasattr(sys, "gettotalrefcount") else 0


def test_every_public_operation_is_looked_at():
    assert set(public_names()) - {name.partition(" ")[0] for name in OPERATIONS} == set()


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_keeps_no_memory_and_no_reference(name):
    work = OPERATIONS[name]
    # Of None and its like, and of small numbers, everyone counts references.
    things = [part for part in parts(GIVEN) if not isinstance(part, int | float | type(None))]
    for _ in range(STEADY):  # what is made once
        work()
    before, all_before = counts(things), references()
    for _ in range(TIMES):
        work()
    assert counts(things) == before
    assert references() - all_before < TIMES
    grown = []
    tracemalloc.start()
    try:
        for _ in range(5):
            gc.collect()
            held = tracemalloc.get_traced_memory()[0]
            for _ in range(TIMES):
                work()
            gc.collect()
            grown.append(tracemalloc.get_traced_memory()[0] - held)
            # A leak is at least an object each time, 16 bytes. Now and then a free list has grown,
            # or another thread has kept something.
            if grown[-1] < 8 * TIMES:
                break
    finally:
        tracemalloc.stop()
    assert min(grown) < 8 * TIMES
