"""Dominators in an integer graph without cycles: which nodes are on every path to here.

Compiled because every join of a workflow asks, and because climbing a tree is a chain of reads
that nothing else speeds up.

O(nodes + edges) where common ancestors are near, O((nodes + edges) log nodes) at worst, without
recursion. The graph is only read, so any number of threads may ask at once.
"""

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport int32_t, int64_t

from goflow._core.memory cimport goflow_prefetch
from goflow._core.topology cimport Topology

cdef enum:
    AHEAD = 8  # how many edges ahead memory is asked for
    PATIENCE = 16  # steps for each node and edge before climbing one by one is given up

cdef struct Ancestor:
    int32_t parent  # the immediate dominator; -1 for the start and for what it does not reach
    int32_t jump  # an ancestor further up
    int32_t depth


cdef bint climb_by_one(
    const Topology *graph, int32_t start, int32_t *parents, int64_t budget
) noexcept nogil:
    """``immediate_dominators``, unless common ancestors are more than ``budget`` steps away."""
    cdef int32_t edge, source, end, low, high
    for edge in range(graph.edges):
        if edge + 2 * AHEAD < graph.edges:
            goflow_prefetch(&parents[graph.targets[edge + 2 * AHEAD]])
            end = parents[graph.targets[edge + AHEAD]]
            goflow_prefetch(&parents[end if end > 0 else 0])
        source = graph.sources[edge]
        if parents[source] < 0 and source != start:
            continue
        low = parents[graph.targets[edge]]
        high = source
        if low < 0:
            low = source
        # The later of two cannot be an ancestor of the other; the start is one of all.
        while low != high and low != start:
            budget -= 1
            end = parents[high]
            high = end if end > low else low
            low = low if end > low else end
        if budget < 0:
            return False
        parents[graph.targets[edge]] = low
    return True


cdef inline int32_t common_ancestor(const Ancestor *tree, int32_t a, int32_t b) noexcept nogil:
    """The nearest one, in O(log depth): to the same depth first, then up together."""
    cdef int32_t high
    while tree[a].depth != tree[b].depth:
        if tree[a].depth < tree[b].depth:
            high = a
            a = b
            b = high
        high = tree[a].jump
        a = high if tree[high].depth >= tree[b].depth else tree[a].parent
    while a != b:  # how far a jump goes depends on the depth alone, so both go equally far
        if tree[a].jump != tree[b].jump:
            a = tree[a].jump
            b = tree[b].jump
        else:
            a = tree[a].parent
            b = tree[b].parent
    return a


cdef void climb_by_jumps(const Topology *graph, int32_t start, Ancestor *tree) noexcept nogil:
    """``immediate_dominators`` with what makes every climb logarithmic."""
    cdef int32_t at, edge, source = start, end, parent, jump
    for at in range(graph.nodes):
        tree[at].parent = -1
    tree[start].jump = start
    tree[start].depth = 0
    for edge in range(graph.edges):
        at = graph.sources[edge]
        parent = tree[at].parent
        if parent < 0 and at != start:
            continue
        if at > source:  # its first edge: its own parent is final now
            source = at
            jump = tree[parent].jump
            tree[at].depth = tree[parent].depth + 1
            if (
                tree[parent].depth - tree[jump].depth
                == tree[jump].depth - tree[tree[jump].jump].depth
            ):
                tree[at].jump = tree[jump].jump
            else:
                tree[at].jump = parent
        end = graph.targets[edge]
        parent = tree[end].parent
        tree[end].parent = at if parent < 0 else common_ancestor(tree, parent, at)


cdef int immediate_dominators(
    const Topology *graph, int32_t start, int32_t *parents
) noexcept nogil:
    """The immediate dominators in a DAG from one position, by position; -1 for none.

    In topological order a node's predecessors are in the dominator tree before it, so one pass
    does: its immediate dominator is their nearest common ancestor (Cooper, Harvey and Kennedy, "A
    simple, fast dominance algorithm", 2001). Climbing one by one is fastest nearly always and
    quadratic on a long chain with a fan; when it takes too many steps the pass is done again with
    jump pointers (Myers, "An applicative random-access stack", 1983).
    """
    cdef int32_t at
    cdef Ancestor *tree
    for at in range(graph.nodes):
        parents[at] = -1
    if climb_by_one(graph, start, parents, PATIENCE * (<int64_t> graph.nodes + graph.edges)):
        return 0
    tree = <Ancestor *> PyMem_RawMalloc((<size_t> graph.nodes + 1) * sizeof(Ancestor))
    if tree == NULL:
        return -1
    climb_by_jumps(graph, start, tree)
    for at in range(graph.nodes):
        parents[at] = tree[at].parent
    PyMem_RawFree(tree)
    return 0
