"""The cache in plain Python: S3-FIFO with its ghosts, or LRU, bounds, lifetimes and counters."""

from collections import OrderedDict, deque

MASK = (1 << 64) - 1


class Ghosts:
    """What was evicted not long ago, in buckets of eight ways, as the cache remembers it."""

    def __init__(self, remembered):
        self.remembered = remembered
        buckets = 1
        while 24 * buckets < 4 * remembered:
            buckets *= 2
        self.buckets = [[None] * 8 for _ in range(buckets)]
        self.ages = min(remembered, 64)
        self.grain = -(-remembered // self.ages)
        self.in_step = 0
        self.step = 0

    def bucket(self, hashed):
        return self.buckets[(hashed >> 16) & 0xFFFFFFFF & (len(self.buckets) - 1)]

    def age(self, way):
        return 1 << 30 if way is None else self.step - way[1]

    def add(self, hashed):
        bucket = self.bucket(hashed)
        ages = [self.age(way) for way in bucket]
        # A way in which nothing was yet has the age of the beginning, or of what was taken.
        to = ages.index(max(ages)) if max(ages) > 0 else 0
        bucket[to] = (hashed >> 48, self.step)
        self.in_step += 1
        if self.in_step >= self.grain:
            self.in_step = 0
            self.step += 1

    def take(self, hashed):
        bucket = self.bucket(hashed)
        for at, way in enumerate(bucket):
            if way is not None and way[0] == hashed >> 48 and self.age(way) <= self.ages:
                bucket[at] = (way[0], self.step - self.ages - 1)
                return True
        return False


class S3Fifo:
    """The order in which keys are evicted."""

    def __init__(self, ghosts=Ghosts):
        self.small = OrderedDict()
        self.main = OrderedDict()
        self.ghosts = None
        self.make_ghosts = ghosts

    def __len__(self):
        return len(self.small) + len(self.main)

    def add(self, key):
        known = self.ghosts is not None and self.ghosts.take(hash(key) & MASK)
        (self.main if known else self.small)[key] = 0

    def use(self, key):
        queue = self.small if key in self.small else self.main
        queue[key] = min(3, queue[key] + 1)

    def remove(self, key):
        self.small.pop(key, None)
        self.main.pop(key, None)

    def victim(self):
        if self.ghosts is None or len(self) > 2 * self.ghosts.remembered:
            self.ghosts = self.make_ghosts(len(self))
        while True:
            if self.small and (10 * len(self.small) >= len(self) or not self.main):
                key = next(iter(self.small))
                if self.small[key] == 0:
                    self.ghosts.add(hash(key) & MASK)
                    return key
                del self.small[key]
                self.main[key] = 0
            else:
                key = next(iter(self.main))
                if self.main[key] == 0:
                    return key
                self.main[key] -= 1
                self.main.move_to_end(key)


class Lru:
    def __init__(self):
        self.queue = OrderedDict()

    def add(self, key):
        self.queue[key] = None

    def use(self, key):
        self.queue.move_to_end(key)

    def remove(self, key):
        self.queue.pop(key, None)

    def victim(self):
        return next(iter(self.queue))


class ReferenceCache:
    """``clock`` gives seconds, ``size`` the bytes of a key or value."""

    def __init__(self, max_entries, max_bytes, ttl, policy, clock, size):
        self.max_entries = max_entries or float("inf")
        self.max_bytes = max_bytes or float("inf")
        self.bounded = max_bytes is not None
        self.ttl = ttl
        self.policy_name = policy
        self.order = S3Fifo() if policy == "s3fifo" else Lru()
        self.clock = clock
        self.size = size
        self.entries = {}
        self.counts = dict.fromkeys(
            ("hits", "misses", "expirations", "for_entries", "for_bytes", "rejections"), 0
        )

    def bytes(self):
        return sum(size for _, _, size in self.entries.values())

    def expiry(self, ttl):
        ttl = self.ttl if ttl is None else ttl
        if ttl is None or ttl == float("inf"):
            return None
        return self.now() + int(ttl * 1e9)

    def now(self):
        return int(self.clock() * 1e9)

    def contains(self, key):
        if key not in self.entries:
            return False
        expires = self.entries[key][1]
        return expires is None or expires > self.now()

    def live(self, key):
        if key in self.entries and not self.contains(key):
            self.remove(key, "expirations")
        return key in self.entries

    def remove(self, key, count=None):
        del self.entries[key]
        self.order.remove(key)
        if count:
            self.counts[count] += 1

    def get(self, key, default=None):
        if not self.live(key):
            self.counts["misses"] += 1
            return default
        self.counts["hits"] += 1
        self.order.use(key)
        return self.entries[key][0]

    def set(self, key, value, ttl=None):
        size = self.size(key) + self.size(value) if self.bounded else 0
        if size > self.max_bytes:
            self.counts["rejections"] += 1
            if key in self.entries:
                self.remove(key)
            return
        if key in self.entries:
            self.order.use(key)
            self.entries[key] = (value, self.expiry(ttl), size)
        else:
            while len(self.entries) >= self.max_entries or self.bytes() + size > self.max_bytes:
                self.evict("for_entries" if len(self.entries) >= self.max_entries else "for_bytes")
            self.entries[key] = (value, self.expiry(ttl), size)
            self.order.add(key)
        while self.bytes() > self.max_bytes:
            self.evict("for_bytes")

    def evict(self, count):
        now = self.now()
        for key, (_, expires, _) in self.entries.items():
            if expires is not None and expires <= now:
                return self.remove(key, "expirations")
        return self.remove(self.order.victim(), count)

    def pop(self, key, default=None):
        if not self.live(key):
            return default
        value = self.entries[key][0]
        self.remove(key)
        return value

    def touch(self, key, ttl=None):
        if not self.live(key):
            return False
        self.order.use(key)
        value, _, size = self.entries[key]
        self.entries[key] = (value, self.expiry(ttl), size)
        return True

    def clean_expired(self):
        keys = list(self.entries)
        before = self.counts["expirations"]
        for key in keys:
            self.live(key)
        return self.counts["expirations"] - before

    def clear(self):
        self.entries.clear()
        self.order = S3Fifo() if self.policy_name == "s3fifo" else Lru()


def hit_rate(policy, trace, size):
    """Of an exact policy: ``victim``, ``add``, ``use``."""
    held = set()
    hits = 0
    for key in trace:
        if key in held:
            hits += 1
            policy.use(key)
            continue
        if len(held) >= size:
            victim = policy.victim()
            policy.remove(victim)
            held.discard(victim)
        policy.add(key)
        held.add(key)
    return hits / len(trace)


def optimum(trace, size):
    """Belady's: evict what is used last, and do not even take in what is used later still."""
    import heapq

    following, last = [0] * len(trace), {}
    for at in range(len(trace) - 1, -1, -1):
        following[at] = last.get(trace[at], len(trace) + at)
        last[trace[at]] = at
    held, heap, hits = {}, [], 0
    for at, key in enumerate(trace):
        if key in held:
            hits += 1
        elif len(held) >= size:
            while held.get(heap[0][1]) != -heap[0][0]:
                heapq.heappop(heap)
            if -heap[0][0] <= following[at]:
                continue
            del held[heapq.heappop(heap)[1]]
        held[key] = following[at]
        heapq.heappush(heap, (-following[at], key))
    return hits / len(trace)


class ExactGhosts:
    """The paper's: a FIFO of as many as were remembered."""

    def __init__(self, remembered):
        self.remembered = remembered
        self.queue = OrderedDict()

    def add(self, hashed):
        self.queue[hashed] = None
        if len(self.queue) > self.remembered:
            self.queue.popitem(last=False)

    def take(self, hashed):
        return self.queue.pop(hashed, self) is None


def paper_s3fifo(size):
    return S3Fifo(lambda _: ExactGhosts(size * 9 // 10))


class TinyLfu:
    """W-TinyLFU with a window of 1 %, exact counts that are halved each ten sizes of accesses."""

    def __init__(self, size):
        self.window_size = max(1, size // 100)
        self.main_size = size - self.window_size
        self.protected_size = self.main_size * 4 // 5
        self.window, self.probation, self.protected = OrderedDict(), OrderedDict(), OrderedDict()
        self.counts, self.seen, self.period = {}, 0, 10 * size

    def count(self, key):
        self.counts[key] = min(15, self.counts.get(key, 0) + 1)
        self.seen += 1
        if self.seen >= self.period:
            self.seen //= 2
            self.counts = {key: n // 2 for key, n in self.counts.items() if n > 1}

    def add(self, key):
        self.count(key)
        self.window[key] = None
        if (
            len(self.window) > self.window_size
            and len(self.probation) + len(self.protected) < self.main_size
        ):
            self.probation[self.window.popitem(last=False)[0]] = None

    def use(self, key):
        self.count(key)
        if key in self.window:
            self.window.move_to_end(key)
        elif key in self.protected:
            self.protected.move_to_end(key)
        else:
            del self.probation[key]
            self.protected[key] = None
            if len(self.protected) > self.protected_size:
                self.probation[self.protected.popitem(last=False)[0]] = None

    def remove(self, key):
        for queue in (self.window, self.probation, self.protected):
            queue.pop(key, None)

    def victim(self):
        """Called when all is full: the window's oldest against the main part's."""
        candidate = next(iter(self.window))
        if not self.probation:
            return candidate
        other = next(iter(self.probation))
        if self.counts.get(candidate, 0) > self.counts.get(other, 0):
            del self.window[candidate]
            self.probation[candidate] = None
            return other
        return candidate


def zipf(pick, keys, length, exponent):
    weights = [1 / rank**exponent for rank in range(1, keys + 1)]
    return pick.choices(range(keys), weights, k=length)


def ring(keys, length):
    return [at % keys for at in range(length)]


def scans(pick, keys, length, exponent, every, run):
    """Zipf with runs of keys that never come again in between."""
    trace, fresh = zipf(pick, keys, length, exponent), keys
    for at in range(every, length, every):
        for to in range(at, min(at + run, length)):
            trace[to] = fresh
            fresh += 1
    return trace


def shifting(pick, keys, length, exponent, every):
    """Zipf whose favourites change."""
    trace = []
    for _ in range(0, length, every):
        order = list(range(keys))
        pick.shuffle(order)
        trace += [order[key] for key in zipf(pick, keys, every, exponent)]
    return trace[:length]


def recent(pick, length, window):
    """Mostly keys of a short while ago, the more so the shorter."""
    trace, fresh, past = [], 0, deque(maxlen=window)
    for _ in range(length):
        if past and pick.random() < 0.9:
            key = past[-1 - min(len(past) - 1, int(pick.expovariate(6 / window)))]
        else:
            key, fresh = fresh, fresh + 1
        past.append(key)
        trace.append(key)
    return trace
