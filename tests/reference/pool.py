"""A plain oracle of a pool's decisions: one list of connections, searched from end to end."""

from math import inf


class ReferenceLease:
    def __init__(self, key, token):
        self.key = key
        self.token = token
        self.number = None
        self.standing = "waiting"
        self.error = None
        self.unchecked = False


class ReferencePool:
    """Decides what ``goflow._core.pool.Pool`` decides; connections are dicts, ``now`` is set."""

    def __init__(
        self,
        *,
        max_size,
        max_in_flight,
        idle_timeout=inf,
        check_after=inf,
        leak_after=inf,
        backoff,
        max_backoff,
        connect_attempts,
        breaker_failures,
        breaker_reset,
    ):
        self.limits = {None: (max_size, max_in_flight)}
        self.idle_timeout = idle_timeout
        self.check_after = check_after
        self.leak_after = leak_after
        self.backoff = backoff
        self.max_backoff = max_backoff
        self.connect_attempts = connect_attempts
        self.breaker_failures = breaker_failures
        self.breaker_reset = breaker_reset
        self.now = 0.0
        self.made = 0
        self.moves = 0
        self.closed = False
        self.connections = []
        self.queue = []
        self.held = []
        self.trouble = {}
        self.decided = ([], [], [])

    def decisions(self):
        decided, self.decided = self.decided, ([], [], [])
        return decided

    def limit(self, key):
        return self.limits.setdefault(key, self.limits[None])

    def keys(self):
        return [key for key in self.limits if key is not None]

    def of(self, key, *states):
        return [c for c in self.connections if c["key"] == key and c["state"] in states]

    def waiting(self, key):
        return [lease for lease in self.queue if lease.key == key]

    # -- taking and giving ---------------------------------------------------------------------

    def checkout(self, key, unchecked=False):
        found = None if self.closed else self.pick(key, unchecked)
        if found is None:
            return None
        lease = ReferenceLease(key, None)
        self.hold(lease, found)
        return lease

    def pick(self, key, unchecked):
        while True:
            free = [c for c in self.of(key, "live") if c["load"] < self.limit(key)[1]]
            if not free:
                return None
            found = min(free, key=lambda c: (c["load"], -c["moved"]))
            idle = self.now - found["since"] if found["load"] == 0 else -1
            if found["deadline"] <= self.now or idle >= self.idle_timeout:
                self.end(found)
            elif not unchecked and idle >= self.check_after:
                return None
            else:
                self.move(found, 1)
                return found

    def move(self, connection, step):
        connection["load"] += step
        connection["moved"] = self.moves = self.moves + 1

    def hold(self, lease, connection):
        lease.number = connection["number"]
        lease.standing = "held"
        idle = self.now - connection["since"]
        lease.unchecked = connection["load"] == 1 and idle >= self.check_after
        lease.since = self.now
        lease.reported = False
        self.held.append(lease)

    def checkin(self, lease):
        if lease.standing != "held":
            return False
        lease.standing = "released"
        self.held.remove(lease)
        (found,) = (c for c in self.connections if c["number"] == lease.number)
        found["since"] = self.now
        self.move(found, -1)
        if found["state"] == "live":
            self.serve(lease.key)
            size = len(self.of(lease.key, "live", "retired"))
            if found["load"] == 0 and size > self.limit(lease.key)[0]:
                self.end(found)
        elif found["state"] == "retired" and found["load"] == 0:
            self.finish(found)
        self.grow(lease.key)
        return True

    # -- waiting and connecting ----------------------------------------------------------------

    def wait(self, key, token):
        """A lease, or the reason why there is none."""
        if self.closed:
            return "closed"
        self.limit(key)
        lease = ReferenceLease(key, token)
        found = self.pick(key, True)
        if found is not None:
            self.hold(lease, found)
            return lease
        if self.now < self.open_until(key) and not self.of(key, "live", "connecting"):
            return "open"
        self.queue.append(lease)
        self.grow(key)
        return lease

    def forget(self, lease):
        if lease.standing != "waiting":
            return False
        lease.standing = "failed"
        self.queue.remove(lease)
        return True

    def serve(self, key):
        for lease in self.waiting(key):
            found = self.pick(key, True)
            if found is None:
                return
            self.queue.remove(lease)
            self.hold(lease, found)
            self.decided[2].append(lease)

    def failures(self, key):
        return self.trouble.get(key, (0, 0.0, 0.0))[0]

    def open_until(self, key):
        return self.trouble.get(key, (0, 0.0, 0.0))[2]

    def warm(self, key, size):
        before = self.made
        self.limit(key)
        if self.now >= self.open_until(key):
            self.grow(key, size)
        return self.made - before

    def grow(self, key, least=0):
        while not self.closed:
            size, load = self.limit(key)
            connecting = len(self.of(key, "connecting"))
            coming = connecting + len(self.of(key, "live"))
            if coming + len(self.of(key, "retired")) >= size:
                return
            if self.failures(key) and connecting:
                return
            waiting = len(self.waiting(key))
            if coming >= least and (connecting * load if connecting else 0) >= waiting:
                return
            _, retry_at, open_until = self.trouble.get(key, (0, 0.0, 0.0))
            made = {
                "key": key,
                "number": self.made,
                "state": "connecting",
                "load": 0,
                "delay": max(0.0, retry_at - self.now, open_until - self.now),
                "generation": self.generation(key),
            }
            self.made += 1
            self.connections.append(made)
            self.decided[0].append(made)

    def generation(self, key):
        return getattr(self, "generations", {}).get(key, 0)

    def connected(self, made, lifetime):
        if made["state"] != "connecting":
            return
        self.trouble.pop(made["key"], None)
        made |= {"state": "live", "since": self.now, "deadline": self.now + lifetime}
        self.move(made, 0)
        if made["generation"] != self.generation(made["key"]):
            self.end(made)
        self.serve(made["key"])
        self.grow(made["key"])

    def failed(self, made, error):
        if made["state"] != "connecting":
            return
        key = made["key"]
        made["state"] = "closed"
        count = self.failures(key) + 1
        delay = min(self.max_backoff, self.backoff * 2 ** (count - 1))
        opened = self.now + self.breaker_reset if count >= self.breaker_failures else 0.0
        self.trouble[key] = (count, self.now + delay, max(opened, self.open_until(key)))
        if not self.of(key, "live", "connecting") and count >= self.connect_attempts:
            self.fail_waiters(key, error)
        self.grow(key)

    def fail_waiters(self, key, error):
        for lease in self.waiting(key):
            self.queue.remove(lease)
            lease.standing, lease.error = "failed", error
            self.decided[2].append(lease)

    # -- retiring ------------------------------------------------------------------------------

    def end(self, connection):
        connection["state"] = "retired"
        if connection["load"] == 0:
            self.finish(connection)

    def finish(self, connection):
        connection["state"] = "closed"
        self.decided[1].append(connection)

    def retire(self, connection, at_once):
        if connection["state"] not in ("live", "retired"):
            return
        if connection["state"] == "live":
            self.end(connection)
        if connection["state"] == "retired" and at_once:
            self.finish(connection)
        self.grow(connection["key"])

    def sweep(self):
        for connection in self.connections:
            if connection["state"] == "live":
                idle = self.now - connection["since"] if connection["load"] == 0 else -1
                if connection["deadline"] <= self.now or idle >= self.idle_timeout:
                    self.end(connection)
        for key in self.keys():
            self.grow(key)
        leaks = [
            lease
            for lease in self.held
            if self.now - lease.since >= self.leak_after and not lease.reported
        ]
        for lease in leaks:
            lease.reported = True
        return leaks

    def drain(self, key):
        if key not in self.limits:
            return
        self.generations = {**getattr(self, "generations", {}), key: self.generation(key) + 1}
        for connection in self.of(key, "live"):
            self.end(connection)
        self.grow(key)

    def resize(self, key, max_size, max_in_flight):
        self.limits[key] = (max_size, max_in_flight)
        while len(self.of(key, "live", "retired")) > max_size:
            idle = [c for c in self.of(key, "live") if c["load"] == 0]
            if not idle:
                break
            self.end(min(idle, key=lambda c: c["moved"]))
        self.serve(key)
        self.grow(key)

    def close(self):
        self.closed = True
        for connection in self.connections:
            if connection["state"] == "live":
                self.end(connection)
            elif connection["state"] == "connecting":
                self.finish(connection)
        for key in self.keys():
            self.fail_waiters(key, "closed")
