"""Random loops and parallel nodes, nested, whose branches end in an order that is drawn too."""

from hypothesis import strategies as st
from support.random_runs import seldom

NAMES = ["a", "b"]
DEPTH = 3


class Maker:
    """Draws the nodes of one workflow."""

    def __init__(self, draw):
        self.draw = draw
        self.nodes = []
        self.racing = False

    def new(self, kind, **fields):
        node = {"id": f"n{len(self.nodes)}", "type": kind, **fields}
        self.nodes.append(node)
        return node

    def number(self, items):
        """A text for a number; ``items`` are the item variables around it."""
        if seldom(self.draw, 40):
            return "1 / 0"
        own = [text for item in items for text in (item, f"{item}_index + a", f"b + {item}")]
        return self.draw(st.sampled_from([*NAMES, "a + 1", "b * 2 % 7", "b + a", "5", *own]))

    def truth(self, items):
        own = [text for item in items for text in (f"{item} > 2", f"{item}_index == 1")]
        return self.draw(st.sampled_from(["a < 6", "b == a", "b > 3", "true", *own, *own]))

    def function(self, items, *, first=False):
        """A call; the ``first`` of a branch cannot fail before it has taken its time."""
        # Large and odd, so that no two sums of them are ever the same.
        took = self.draw(st.integers(10**6, 10**8)) * 2 + 1
        late = f" - {self.draw(st.integers(1, 10**5))} * {items[-1]}_index" if items else ""
        fails = self.truth(items) if seldom(self.draw, 8) else "false"
        x = "5" if first else self.number(items)
        arguments = {"x": f"${{{x}}}", "took": f"${{{took}{late}}}", "fails": f"${{{fails}}}"}
        return self.new("function", function="work", arguments=arguments)

    def loop(self, items, depth):
        item = self.draw(st.sampled_from(["item", "other"]))
        values = self.draw(st.lists(st.integers(0, 5), max_size=4))
        text = str(values) if not seldom(self.draw, 4) else f"[a, {', '.join(map(str, values))}]"
        node = self.new("loop", item=item, collection="b" if seldom(self.draw, 40) else text)
        inner = [*(one for one in items if one != item), item]
        if self.draw(st.booleans()):
            node["parallel"] = True
            if self.draw(st.booleans()):
                node["max_parallel"] = self.draw(st.integers(1, 3))
        elif seldom(self.draw, 3):
            node["break_condition"] = self.truth(inner)
        node["body"] = self.chain(inner, depth + 1)
        return node

    def parallel(self, items, depth):
        merge = self.draw(st.sampled_from(["wait_all", "wait_all", "wait_any", "wait_first"]))
        self.racing |= merge != "wait_all"
        node = self.new("parallel", merge=merge)
        if seldom(self.draw, 3):
            node["max_parallel"] = self.draw(st.integers(1, 3))
        count = self.draw(st.integers(2, 3))
        node["branches"] = [
            [self.settled(self.function(items, first=True), items, first=True),
             *self.chain(items, depth + 1, least=0)]
            for _ in range(count)
        ]  # fmt: skip
        return node

    def settled(self, node, items, *, first=False):
        """The id of a node that was given what any node may have."""
        owns = node["type"] in ("loop", "parallel")
        if owns or self.draw(st.booleans()):
            node["output"] = f"v_{node['id']}" if owns else self.draw(st.sampled_from(NAMES))
        if seldom(self.draw, 4) and not first:
            node["if"] = self.truth(items)
        if seldom(self.draw, 3):
            node["on_error"] = self.draw(st.sampled_from(["continue", {"value": 4}]))
        return node["id"]

    def chain(self, items, depth, least=1):
        kinds = ["function", "transform"] + ["loop", "parallel"] * (depth < DEPTH)
        members = []
        for _ in range(self.draw(st.integers(least, 3))):
            kind = self.draw(st.sampled_from(kinds))
            if kind == "function":
                node = self.function(items)
            elif kind == "transform":
                node = self.new("transform", expression=self.number(items))
            else:
                node = getattr(self, kind)(items, depth)
            members.append(self.settled(node, items))
        return members


@st.composite
def documents(draw):
    """A workflow that loads, the nodes of its row, and the names of all its variables."""
    maker = Maker(draw)
    row = maker.chain([], 0)
    owned = [node["output"] for node in maker.nodes if node["type"] in ("loop", "parallel")]
    names = [*NAMES, "item", "item_index", *owned]
    document = {
        "version": "1.0",
        "name": "random",
        "variables": [
            *({"name": name, "default": draw(st.integers(0, 9))} for name in NAMES),
            {"name": "item", "default": "outer"},
            {"name": "item_index", "default": "outer index"},
            *({"name": name} for name in owned),
        ],
        "nodes": [
            {"id": "start", "type": "start"},
            *maker.nodes,
            {"id": "end", "type": "end", "return": f"${{[{', '.join(names)}]}}"},
        ],
        "edges": [
            {"from": a, "to": b} for a, b in zip(["start", *row], [*row, "end"], strict=True)
        ],
    }
    if not maker.racing and (limit := draw(st.none() | st.integers(1, 3))):
        document["max_parallel"] = limit
    return document, row, names
