"""Caches of other packages with str keys, and the same loops for all of them."""

from __future__ import annotations

from measure import OURS, installed

from goflow import Cache


def in_memory(size, ttl):
    """Name → (new, get, set): ``new`` gives a fresh one, the others its bound method."""

    def get(cache):
        return cache.get

    def put(cache):
        return cache.set

    def item(cache):
        return cache.__setitem__

    cachetools, cachebox = installed("cachetools"), installed("cachebox")
    lru, theine, moka = installed("lru"), installed("theine"), installed("moka_py")
    return {
        "dict": (dict, get, item),
        OURS: (lambda: Cache(size, ttl=ttl), get, put),
        "goflow, no ttl": (lambda: Cache(size), get, put),
        "goflow, lru": (lambda: Cache(size, policy="lru"), get, put),
        "goflow, max_bytes": (lambda: Cache(size, max_bytes=1 << 30), get, put),
        "cachetools LRU": (lambda: cachetools.LRUCache(size), get, item),
        "cachetools TTL": (lambda: cachetools.TTLCache(size, ttl), get, item),
        "cachebox LRU": (lambda: cachebox.LRUCache(size), get, item),
        "cachebox TTL": (lambda: cachebox.TTLCache(size, ttl), get, item),
        "lru-dict": (lambda: lru.LRU(size), get, item),
        "theine W-TinyLFU": (lambda: theine.Cache(size), get, put),
        "moka-py": (lambda: moka.Moka(size), get, put),
    }


def filled(new, put, keys):
    cache = new()
    insert = put(cache)
    for key in keys:
        insert(key, "value")
    return cache


def looking(get, keys):
    def work(cache):
        look = get(cache)
        for key in keys:
            look(key)

    return work


def storing(put, keys):
    def work(cache):
        insert = put(cache)
        for key in keys:
            insert(key, "value")

    return work
