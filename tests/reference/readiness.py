"""A plain oracle of a run's joins: repeat the rules until nothing changes."""


def settle_all(edges, start, outcome):
    """The status of every node, ``ran`` or ``skipped``.

    ``edges`` are (source, target) pairs and ``outcome(i)`` says whether the edge of that index is
    taken when its source ran.
    """
    nodes = {start} | {node for pair in edges for node in pair}
    status = {start: "ran"}
    changed = True
    while changed:
        changed = False
        for node in nodes - status.keys():
            incoming = [i for i, (_, target) in enumerate(edges) if target == node]
            if all(edges[i][0] in status for i in incoming):
                taken = any(status[edges[i][0]] == "ran" and outcome(i) for i in incoming)
                status[node] = "ran" if taken else "skipped"
                changed = True
    return status
