"""Dominators in an integer graph without cycles: which nodes are on every path to here.

Compiled because every join of a workflow asks, and because climbing a tree is a chain of reads
that nothing else speeds up.

O(nodes + edges) where common ancestors are near, O((nodes + edges) log nodes) at worst, without
recursion. The graph is only read, so any number of threads may ask at once.
"""

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from goflow._core.memory cimport goflow_prefetch, numbers
from goflow._core.topology cimport Edge, Topology

cdef enum:
    AHEAD = 16  # how many edges, or nodes, ahead memory is asked for
    PATIENCE = 16  # steps for each node and edge before climbing one by one is given up

# Both by position. The parent is the immediate dominator; the start's is itself, and -1 is that of
# what the start does not reach.
cdef struct Branch:
    int32_t parent
    int32_t top  # the ancestor whose parent is the start; -1 for the start

cdef struct Ancestor:
    int32_t parent
    int32_t jump  # an ancestor further up
    int32_t depth


cdef bint climb_by_one(
    const Topology *graph, int32_t start, Branch *tree, int64_t budget
) noexcept nogil:
    """Grow the tree, unless common ancestors are more than ``budget`` steps away.

    Most edges need no climb: where the tops differ, only the start is above both. Which of these
    edges are the first to reach their target is data nobody can predict, and no branch.
    """
    cdef Branch source, target
    cdef int32_t at, end, low, high, up, fresh
    memset(tree, 0xFF, <size_t> graph.nodes * sizeof(Branch))  # -1 everywhere
    tree[start].parent = start
    for at in range(graph.size):
        if at + AHEAD < graph.size:
            goflow_prefetch(&tree[graph.edges[at + AHEAD].target])
        low = graph.edges[at].source
        end = graph.edges[at].target
        source = tree[low]
        if source.parent < 0:
            continue
        target = tree[end]
        fresh = target.parent < 0
        if fresh | (source.top != target.top):
            target.top = source.top if fresh & (low != start) else end
            target.parent = low if fresh else start
        else:
            high = low
            low = target.parent
            while low != high:  # the later of two cannot be an ancestor of the other
                budget -= 1
                up = tree[high].parent
                high = up if up > low else low
                low = low if up > low else up
            if budget < 0:
                return False
            target.top = end if low == start else tree[low].top
            target.parent = low
        tree[end] = target
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
    """Grow the tree with what makes every climb logarithmic."""
    cdef Edge edge
    cdef int32_t at, last = start, parent, jump
    for at in range(graph.nodes):
        tree[at].parent = -1
    tree[start].parent = tree[start].jump = start
    tree[start].depth = 0
    for at in range(graph.size):
        edge = graph.edges[at]
        parent = tree[edge.source].parent
        if parent < 0:
            continue
        if edge.source > last:  # its first edge: its own parent is final now
            last = edge.source
            jump = tree[parent].jump
            tree[last].depth = tree[parent].depth + 1
            if (
                tree[parent].depth - tree[jump].depth
                == tree[jump].depth - tree[tree[jump].jump].depth
            ):
                tree[last].jump = tree[jump].jump
            else:
                tree[last].jump = parent
        parent = tree[edge.target].parent
        tree[edge.target].parent = (
            edge.source if parent < 0 else common_ancestor(tree, parent, edge.source)
        )


cdef int immediate_dominators(
    const Topology *graph, int32_t start, int32_t *parents
) noexcept nogil:
    """The immediate dominators in a DAG from one node, by node; -1 for none.

    In topological order a node's predecessors are in the dominator tree before it, so one pass
    does: its immediate dominator is their nearest common ancestor (Cooper, Harvey and Kennedy, "A
    simple, fast dominance algorithm", 2001). Climbing one by one is fastest nearly always and
    quadratic on a long chain with a fan; when it takes too many steps the pass is done again with
    jump pointers (Myers, "An applicative random-access stack", 1983).
    """
    cdef int32_t begin = graph.position[start], at, parent
    cdef int64_t budget = PATIENCE * (<int64_t> graph.nodes + graph.size)
    cdef Ancestor *slow = NULL
    cdef Branch *tree = <Branch *> numbers(2 * <Py_ssize_t> graph.nodes)
    if tree == NULL:
        return -1
    if not climb_by_one(graph, begin, tree, budget):
        slow = <Ancestor *> PyMem_RawMalloc((<size_t> graph.nodes + 1) * sizeof(Ancestor))
        if slow == NULL:
            PyMem_RawFree(tree)
            return -1
        climb_by_jumps(graph, begin, slow)
        for at in range(graph.nodes):
            tree[at].parent = slow[at].parent
        PyMem_RawFree(slow)
    tree[begin].parent = -1
    for at in range(graph.nodes):
        if at + AHEAD < graph.nodes:
            goflow_prefetch(&tree[graph.position[at + AHEAD]])
        parent = tree[graph.position[at]].parent
        parents[at] = graph.order[parent] if parent >= 0 else -1
    PyMem_RawFree(tree)
    return 0
