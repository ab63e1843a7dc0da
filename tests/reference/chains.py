"""A plain oracle of chains: what loops and parallel nodes come to, and when.

It runs one thing after the other and only computes when each would begin and end, so that it knows
which branch is first. Expressions are texts that mean the same in Python, which computes them.
"""

import heapq

from reference.run import WORDS


class Failed(Exception):
    """``node`` failed at the time ``at``."""

    def __init__(self, node, at):
        self.node, self.at = node, at


class Names(dict):
    """The variables that a chain sees; ``changed`` are those it wrote."""

    def __init__(self, names, hidden=()):
        super().__init__(names)
        self.changed, self.hidden = {}, set(hidden)

    def write(self, name, value):
        self[name] = self.changed[name] = value

    def absorb(self, inner):
        for name, value in inner.changed.items():
            if name not in inner.hidden:
                self.write(name, value)


class Chains:
    """Runs the members of one document; ``limit`` is how many iterations run at once at most."""

    def __init__(self, document, limit=64):
        self.nodes = {node["id"]: node for node in document["nodes"]}
        self.limit = limit
        self.failed = set()

    def chain(self, members, names, at):
        """What the members wrote to their variables, and when the last one ended."""
        outputs = {}
        for member in members:
            at = self.member(self.nodes[member], names, at, outputs)
        return outputs, at

    def member(self, node, names, at, outputs):
        try:
            if not self.value(node, node.get("if", "true"), names, at):
                return at
            value, at = getattr(self, node["type"])(node, names, at)
        except Failed as failure:
            self.failed.add(node["id"])
            if node.get("on_error", "fail") == "fail":
                raise
            at = failure.at
            value = None if node["on_error"] == "continue" else node["on_error"]["value"]
        if "output" in node:
            names.write(node["output"], value)
            outputs[node["output"]] = value
        return at

    def value(self, node, text, names, at):
        try:
            return eval(text.removeprefix("${").removesuffix("}"), WORDS, names)
        except Exception:
            raise Failed(node["id"], at) from None

    def transform(self, node, names, at):
        return self.value(node, node["expression"], names, at), at

    def function(self, node, names, at):
        given = {k: self.value(node, v, names, at) for k, v in node["arguments"].items()}
        at += given["took"]
        if given["fails"] or given["x"] is None:
            raise Failed(node["id"], at)
        return given["x"] + 1, at

    def loop(self, node, names, at):
        items = self.value(node, node["collection"], names, at)
        if not isinstance(items, list):
            raise Failed(node["id"], at)
        item = node["item"]
        whole = Names(names, [item, f"{item}_index"])
        iterations, broken = [], False
        if node.get("parallel"):
            inner = [Names({**whole, item: one, f"{item}_index": i}, whole.hidden)
                     for i, one in enumerate(items)]  # fmt: skip
            ends = self.at_once([node["body"]] * len(items), inner, at,
                                node.get("max_parallel", self.limit))  # fmt: skip
            at = self.all_of(ends, at)
            for own, (outputs, _) in zip(inner, ends, strict=True):
                whole.absorb(own)
                iterations.append(outputs)
        else:
            for i, one in enumerate(items):
                whole.update({item: one, f"{item}_index": i})
                if self.value(node, node.get("break_condition", "false"), whole, at):
                    iterations.append({})
                    broken = True
                    break
                outputs, at = self.chain(node["body"], whole, at)
                iterations.append(outputs)
        names.absorb(whole)
        count = len(iterations)
        return {"iterations": iterations, "iteration_count": count, "broken": broken,
                "break_index": count - 1 if broken else None}, at  # fmt: skip

    def parallel(self, node, names, at):
        branches = node["branches"]
        inner = [Names(names) for _ in branches]
        ends = self.at_once(branches, inner, at, node.get("max_parallel", len(branches)))
        outputs = [{} for _ in branches]
        if node["merge"] == "wait_all":
            at = self.all_of(ends, at)
            winners = range(len(branches))
        else:
            able = range(len(branches))
            if node["merge"] == "wait_any":
                able = [i for i in able if not isinstance(ends[i], Failed)]
                if not able:
                    raise Failed(node["id"], max(end.at for end in ends))
            first = min(able, key=lambda i: self.time(ends[i]))
            at = self.all_of([ends[first]], at)
            winners = [first]
        for i in winners:
            outputs[i] = ends[i][0]
            names.absorb(inner[i])
        return {"branches": outputs, "branch_count": len(branches)}, at

    def at_once(self, chains, inner, at, limit):
        """How each chain ends, (outputs, time) or ``Failed``, when ``limit`` may run at once."""
        free, ends = [at] * limit, []
        for members, names in zip(chains, inner, strict=True):
            try:
                end = self.chain(members, names, heapq.heappop(free))
            except Failed as failure:
                end = failure
            ends.append(end)
            heapq.heappush(free, self.time(end))
        return ends

    def all_of(self, ends, at):
        """When all have ended; raises the first failure."""
        for failure in sorted((e for e in ends if isinstance(e, Failed)), key=self.time):
            raise failure
        return max([at, *map(self.time, ends)])

    @staticmethod
    def time(end):
        return end.at if isinstance(end, Failed) else end[1]
