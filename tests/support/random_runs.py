"""Random workflows whose every rule an oracle can follow, and runs whose order a test decides."""

from hypothesis import strategies as st

NUMBERS = ["a", "b", "c"]
NUMERIC = ["a", "b + 1", "a + c", "7", "(a + b) % 5", "c * 2", "b", "3", "nodes.{n}.output + 1"]
LOGICAL = [
    "a < 5", "a == b", "p", "not p", "b < 4 or p", "c > 2 and a < 9", "true",
    "nodes.{m}.status == 'completed'", "nodes.{m}.status == 'failed'", "nodes.{m}.output == null",
]  # fmt: skip


def seldom(draw, one_in):
    """True once in ``one_in`` times, and never in the simplest case."""
    return draw(st.integers(0, one_in - 1)) == one_in - 1


def expression(draw, texts, others, numeric):
    """A text that means the same in Python and here; now and then nobody can compute it."""
    if seldom(draw, 60):
        return "1 / 0"
    choices = [
        text for text in texts if ("{n}" not in text or numeric) and ("{m}" not in text or others)
    ]
    text = draw(st.sampled_from(choices))
    if "{n}" in text:
        return text.format(n=draw(st.sampled_from(numeric)))
    return text.format(m=draw(st.sampled_from(others))) if "{m}" in text else text


@st.composite
def documents(draw):
    """A workflow that loads, and what each attempt of its function nodes comes to."""
    count = draw(st.integers(1, 9))
    ends = [f"e{i}" for i in range(draw(st.integers(1, 3)))]
    ids = [f"n{i}" for i in range(count)]
    types = {}
    for at, node_id in enumerate(ids):
        may_branch = len(ends) + count - at - 1 >= 2
        kinds = ["function"] * 4 + ["transform", "passthrough"] + ["condition"] * may_branch
        types[node_id] = draw(st.sampled_from(kinds))
    numeric = [i for i in ids if types[i] in ("function", "transform")]
    outcomes = {}

    def text_of(texts, own):
        return expression(
            draw, texts, [i for i in ids if i != own], [i for i in numeric if i != own]
        )

    def node(node_id):
        kind = types[node_id]
        made = {"id": node_id, "type": kind}
        if kind == "function":
            attempts = draw(st.lists(st.booleans(), min_size=1, max_size=3))
            outcomes[node_id] = [not fails for fails in attempts] if seldom(draw, 3) else [True]
            made["function"] = "work"
            made["arguments"] = {"node": node_id, "x": f"${{{text_of(NUMERIC, node_id)}}}"}
            if len(outcomes[node_id]) > 1:
                made["retry"] = {"max_attempts": len(outcomes[node_id]), "initial_delay": 0,
                                 "on": ["tool_error"]}  # fmt: skip
        elif kind == "transform":
            made["expression"] = text_of(NUMERIC, node_id)
        elif kind == "condition":
            made["condition"] = text_of(LOGICAL, node_id)
        if seldom(draw, 4):
            made["if"] = text_of(LOGICAL, node_id)
        if kind != "passthrough":
            if draw(st.booleans()):
                made["output"] = "p" if kind == "condition" else draw(st.sampled_from(NUMBERS))
            if seldom(draw, 3):
                value = draw(st.booleans()) if kind == "condition" else draw(st.integers(0, 9))
                made["on_error"] = draw(st.sampled_from(["continue", {"value": value}]))
        return made

    edges = []

    def edge(source, target, **more):
        edges.append({"from": source, "to": target, **more})

    everything = ["start", *ids, *ends]
    for at, source in enumerate(["start", *ids]):
        later = everything[at + 1 :]
        if types.get(source) == "condition":
            yes, no = draw(st.permutations(later))[:2]
            edge(source, yes, condition="true")
            edge(source, no, condition="false")
            if seldom(draw, 3):
                edge(
                    source,
                    draw(st.sampled_from(later)),
                    on=draw(st.sampled_from(["error", "always"])),
                )
            continue
        most = min(len(later), 4 if source == "start" else 2)
        targets = st.lists(st.sampled_from(later), min_size=1, max_size=most, unique=True)
        for target in draw(targets):
            more = {}
            if source != "start" and seldom(draw, 4):
                more["on"] = draw(st.sampled_from(["error", "always"]))
            if seldom(draw, 8):
                more["condition"] = text_of(LOGICAL, None)
            edge(source, target, **more)
    reached = {one["to"] for one in edges}
    for orphan in [*ids, *ends]:
        if orphan not in reached:
            edge("start", orphan)
    document = {
        "version": "1.0",
        "name": "random",
        "variables": [
            {"name": name, "default": None if seldom(draw, 12) else draw(st.integers(0, 9))}
            for name in NUMBERS
        ]
        + [{"name": "p", "default": draw(st.booleans())}],
        "nodes": [
            {"id": "start", "type": "start"},
            *(node(node_id) for node_id in ids),
            *({"id": i, "type": "end", "return": f"${{{text_of(NUMERIC, i)}}}"} for i in ends),
        ],
        "edges": edges,
    }  # fmt: skip
    if limit := draw(st.none() | st.integers(1, 4)):
        document["max_parallel"] = limit
    return document, outcomes
