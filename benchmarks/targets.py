"""What is promised: one row a target, checked against the results by ``goflow-bench report``.

``limit`` is nanoseconds an operation unless ``unit`` says otherwise, or with ``against`` a ratio to
the best of these in the same run. Absolute targets were set on two shared cores of an AMD EPYC with
Python 3.11, where a look-up in a dict took 18 ns. They are read as ratios to that: machines differ,
and one that is shared differs from hour to hour. What stands beside a figure was measured in the
same run as the figure.
"""

from __future__ import annotations

from goflow.bench.report import Target, Yardstick

YARDSTICK = Yardstick("a look-up in a dict", "cache_peers[get]", "dict", 18)
HAMILTON = Yardstick("Hamilton", "node_overhead_peers[chain-100]", "hamilton", 8_300)
"""What a node of it took in a chain where the targets were set; it takes turns with ours."""
PARSING = Yardstick("parsing the file", "validate[100]", "yaml", 5e6)
BARE = Yardstick("asyncio by hand", "startup_peers", "asyncio", 54e6)
"""The middle of what it took there; it takes turns with ours, as the one above does."""
PARTS = "orjson + msgpack"
BEST_GRAPH = ("rustworkx", "igraph", "networkx", "graphlib")


def graph(nodes: int, limit: float) -> Target:
    """From strings, all answers, beside the best peer."""
    return Target(
        f"graph from strings, {nodes:,} nodes", f"graph_peers[{nodes}]", limit,
        against=BEST_GRAPH, floor="floor",
    )  # fmt: skip


def digest(size: str) -> Target:
    return Target(
        f"256-bit digest, {size} inputs",
        f"cache_input_hashing_peers[{size}]",
        1,
        against=("orjson + sha256",),
    )


TARGETS = (
    Target("cache get, by content", "cache_content_peers[get]", 140, floor=PARTS),
    Target("cache set, by content, existing", "cache_content_peers[set]", 150, floor=PARTS),
    Target("cache set, by content, new", "cache_set_new", 200),
    Target("cache get, str key, with ttl", "cache_peers[get]", 1.2, against=("dict",)),
    Target(
        "cache set, str key, existing", "cache_peers[set]", 28,
        figure="goflow, no ttl", floor="cachebox LRU",
    ),
    Target(
        "cache set, str key, evicting", "cache_peers[evict]", 70,
        figure="goflow, no ttl", floor="cachebox LRU",
    ),
    Target("purge 1,000 expired", "cache_purge_peers", 15e3, floor="cachebox VTTL"),
    Target("purge 1,000 among 100,000 live", "cache_clean_expired_among_100k", 200e3),
    Target(
        "bytes an entry beyond key and value", "cache_memory_usage", 96, "B",
        number="bytes_per_entry",
    ),
    Target("cache get among 100,000, as a dict's", "cache_growth[100000]", 1.2, against=("dict",)),
    Target(
        "cache get among 1,000,000, as a dict's", "cache_growth[1000000]", 1.2, against=("dict",)
    ),
    Target(
        "node hit rate of the examples, one input edited", "node_hit_rate", 80, "%", at_least=True,
        note="every input of every example, each edited by itself",
    ),
    Target(
        "hit ratio, Zipf 1.0", "cache_hit_ratio[zipf]", 59.5, "%",
        at_least=True, floor="optimum",
    ),
    Target(
        "hit ratio, recency: LRU less a point", "cache_hit_ratio[recency]", 88.8, "%",
        at_least=True, floor="LRU",
    ),
    Target("hit ratio, loop", "cache_hit_ratio[loop]", 35, "%", at_least=True, floor="optimum"),
    *map(digest, ("simple", "complex", "large")),
    Target("pool checkout + checkin, alone", "pool_peers[1]", 100, floor="LifoQueue"),
    Target(
        "pool checkout + checkin, 8 threads on 4", "pool_peers[8]", 250,
        median=True, floor="LifoQueue",
    ),
    Target(
        "pool overhead a connection", "pool_memory_usage", 1, "KiB", number="KB_per_connection"
    ),
    Target("memory a session", "memory[per_server]", 12, "KiB", note="session and pool"),
    Target(
        "pre-warm 10 servers", "prewarm_ten_servers", 1.1, against=("raw spawn",), median=True
    ),
    Target(
        "reuse rate, frequent servers", "pool_get", 99, "%", number="reuse_rate_%", at_least=True
    ),
    Target(
        "connecting on the critical path, time saved", "prewarmed_first_call[slow_boots]", 70, "%",
        number="goflow_saved_%", at_least=True, floor="without warming",
    ),
    graph(100, 0.25),
    graph(1_000, 0.25),
    graph(10_000, 0.25),
    graph(100_000, 0.1),
    graph(1_000_000, 0.1),
    Target("graph from arrays, 1,000,000 nodes", "graph_arrays[1000000]", 100e6),
    Target("graph, peak memory, 1,000,000 nodes", "graph_memory[1000000]", 80, "MB"),
    Target("validate a file of 100 nodes", "validate[100]", 10e6, floor="yaml", yardstick=PARSING),
    Target("validate a loaded model of 100 nodes", "check[100]", 1e6, yardstick=PARSING),
    Target(
        "node overhead, chain of 100", "node_overhead_peers[chain-100]", 2e3,
        floor="asyncio tasks", yardstick=HAMILTON,
    ),
    Target(
        "node overhead, fan-out of 100", "node_overhead_peers[fan_out-100]", 3e3,
        floor="asyncio tasks",
    ),
    Target(
        "node overhead, chain, journal and events", "node_overhead_peers[chain-100]", 8e3,
        figure="goflow, events and journal", floor="asyncio tasks",
        yardstick=HAMILTON,
    ),
    Target(
        "node overhead at 100,000 nodes, as at 100", "node_overhead_growth[chain-100000]", 1.1,
        against=("of 100",),
    ),
    # Not ``warm_call``: how long an idle core takes to wake is the scheduler's, and its median lies
    # between once and twice the target by that.
    Target(
        "warm tool call through the engine, one core", "warm_call_one_core", 65e3,
        median=True, floor="blocking loop",
    ),
    Target(
        "calls a second, 50 in flight", "calls_in_flight_peers[50]", 60_000, "calls/s",
        number="calls_per_s", at_least=True, floor="official SDK", median=True,
    ),
    Target(
        "start to the first tool call", "startup_peers", 70e6, median=True, yardstick=BARE,
        floor="asyncio and the same packages",
    ),
    Target("memory, base", "memory_base_peers", 32, "MiB", median=True, floor="asyncio"),
    Target("memory, an active server", "memory[per_server]", 32, "KiB"),
    Target(
        "run again, 80 % unchanged: time saved", "repeat_run", 75, "%",
        number="less_edited", at_least=True, note="no server starts for what hits",
    ),
)  # fmt: skip
