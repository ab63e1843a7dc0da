"""A plain oracle of a run: it hears the events of one and objects to what the rules forbid.

It has no schedule of its own. What may happen next, and what must come of it, follows from what has
happened; at the end it knows every status, value and variable. Expressions are texts that mean the
same in Python, which computes them.
"""

from types import SimpleNamespace

WORDS = {"__builtins__": {}, "null": None, "true": True, "false": False}


class Oracle:
    """Follows one run; ``work(node, x)`` gives what a function node comes to, or raises."""

    def __init__(self, document, work, limit):
        self.nodes = {node["id"]: node for node in document["nodes"]}
        self.edges, self.work, self.limit = document["edges"], work, limit
        self.records = {i: SimpleNamespace(status="pending", output=None) for i in self.nodes}
        self.taken = [None] * len(self.edges)
        self.variables = {one["name"]: one.get("default") for one in document["variables"]}
        self.begun = {}
        self.blame = None

    def ready(self):
        """The nodes that may start: every edge into them is settled, and one was taken."""
        return {
            i for i, record in self.records.items()
            if record.status == "pending" and i not in self.begun and not self.blame
            and all(taken is not None for taken in self.into(i))
            and (any(self.into(i)) or self.nodes[i]["type"] == "start")
        }  # fmt: skip

    def into(self, node_id):
        return [self.taken[at] for at, edge in enumerate(self.edges) if edge["to"] == node_id]

    def running(self):
        return {i for i, record in self.records.items() if record.status == "running"}

    def value(self, text):
        """An expression's value or, as one, the exception that it raises."""
        try:
            names = {**self.variables, "nodes": SimpleNamespace(**self.records)}
            return eval(text.removeprefix("${").removesuffix("}"), WORDS, names)
        except Exception as error:
            return error

    def started(self, node_id):
        node, record = self.nodes[node_id], self.records[node_id]
        assert node_id in self.ready(), f"{node_id} started and was not ready"
        assert failed(cond := self.value(node.get("if", "true"))) is False
        assert cond, f"{node_id} started although its 'if' is false"
        if node["type"] == "function":
            assert len(self.running()) < self.limit, f"{node_id} started beyond max_parallel"
            self.begun[node_id] = self.value(node["arguments"]["x"])
            record.status = "pending" if failed(self.begun[node_id]) else "running"
        else:
            text = node.get("expression") or node.get("condition") or node.get("return") or "null"
            value = self.value(text)
            yes_or_no = node["type"] == "condition" and not failed(value)
            self.begun[node_id] = bool(value) if yes_or_no else value

    def finished(self, node_id, status):
        """What follows when a node has ended; ``status`` is what the run says of it."""
        node, record = self.nodes[node_id], self.records[node_id]
        if record.status == "skipped" or (status == "cancelled" and self.blame):
            record.status = status if status == "cancelled" else "skipped"
        elif node_id not in self.begun:
            assert node_id in self.ready(), f"{node_id} ended before it could start"
            holds = self.value(node["if"])
            record.status = "failed" if failed(holds) else "skipped"
            self.go_on(node_id, holds if failed(holds) else False)
        else:
            value = self.begun.pop(node_id)
            if record.status == "running":
                value = self.work(node_id, value)
            record.status = "failed" if failed(value) else "completed"
            if not failed(value):
                self.store(node_id, value)
            self.go_on(node_id, value)
        assert status == record.status, f"{node_id} is {status}, and should be {record.status}"

    def store(self, node_id, value):
        self.records[node_id].output = value
        if "output" in self.nodes[node_id]:
            self.variables[self.nodes[node_id]["output"]] = value

    def go_on(self, node_id, value):
        """Settle the edges that leave a node, or let the run fail there."""
        on_error = self.nodes[node_id].get("on_error", "fail")
        if failed(value) and self.blame:
            return
        if failed(value) and on_error != "fail":
            value = None if on_error == "continue" else on_error["value"]
            self.store(node_id, value)
        taken = {
            at: self.goes(edge, value)
            for at, edge in enumerate(self.edges)
            if edge["from"] == node_id
        }
        handled = not failed(value) or any(go is True for go in taken.values())
        if any(failed(go) for go in taken.values()) or not handled:
            self.records[node_id].status, self.blame = "failed", self.blame or node_id
            return
        for at, go in taken.items():
            self.taken[at] = go
        self.skip()

    def goes(self, edge, value):
        on, when = edge.get("on", "success"), edge.get("condition", "true")
        if on != "always" and (on == "error") != failed(value):
            return False
        if self.nodes[edge["from"]]["type"] == "condition" and on == "success":
            return (when == "true") == bool(value)
        holds = self.value(when)
        return holds if failed(holds) else bool(holds)

    def skip(self):
        """Whatever no edge leads to any more never runs, and nothing behind it."""
        for node_id, record in self.records.items():
            into = self.into(node_id)
            if record.status == "pending" and into and all(taken is False for taken in into):
                record.status = "skipped"
                for at, edge in enumerate(self.edges):
                    if edge["from"] == node_id:
                        self.taken[at] = False
                self.skip()

    def end(self):
        """The final status of every node, once the run is over."""
        left = "cancelled" if self.blame else "pending"
        return {i: left if r.status in ("pending", "running") else r.status
                for i, r in self.records.items()}  # fmt: skip


def failed(value):
    return isinstance(value, Exception)
