"""Integer graphs: topological numbering, and the sweeps that it makes flat.

Compiled because it is all loops over integer arrays, and because those loops need no GIL. A graph
is built once: nodes are renumbered into topological order (cycles count as one place in it) and
edges are laid out in the order of their sources. From then on reachability, levels and dominators
each read the edges once, front to back or back to front, with no queue and no visited set, and
with no loop over one node's edges, whose end no branch predictor can know.

Building and every sweep are O(nodes + edges), without recursion. A built Topology is only read, so
any number of threads may ask at once. Functions return -1 when memory ran out; they raise nothing.
"""

from cpython.mem cimport PyMem_RawFree
from libc.stdint cimport int32_t, uint8_t
from libc.string cimport memset

from goflow._core.cycles cimport list_components
from goflow._core.memory cimport goflow_prefetch, numbers

cdef enum:
    AHEAD = 8  # how far the queue prefetches: about one trip to memory


# -- building ----------------------------------------------------------------------------------


cdef int32_t list_nodes(
    Topology *graph, const int32_t *begin, const int32_t *out, int32_t *waiting
) noexcept nogil:
    """Kahn's algorithm (1962), first in first out: the order, the edges in its order, and how many.

    Whether a node is ready is data nobody can predict, so the loop writes every end to the
    queue's tail and moves the tail on only if it is; that is why ``order`` has one entry to spare.
    """
    cdef int32_t *order = graph.order
    cdef Edge *edge = graph.edges
    cdef int32_t tail = 0, head = 0, node, end, at, left
    for node in range(graph.nodes):
        order[tail] = node
        tail += waiting[node] == 0
    while head < tail:
        if head + 3 * AHEAD < tail:
            goflow_prefetch(&begin[order[head + 3 * AHEAD]])
            goflow_prefetch(&out[begin[order[head + 2 * AHEAD]]])
            goflow_prefetch(&waiting[out[begin[order[head + AHEAD]]]])
        node = order[head]
        for at in range(begin[node], begin[node + 1]):
            end = out[at]
            left = waiting[end] - 1
            waiting[end] = left
            edge.source = head
            edge.target = end
            edge += 1
            order[tail] = end
            tail += left == 0
        head += 1
    graph.acyclic = head
    return <int32_t> (edge - graph.edges)


cdef int topology_build(
    Topology *graph, int32_t nodes, int32_t size, Edge **edges
) noexcept nogil:
    """Fill an all-zero Topology; the ends of the edges must be checked.

    Takes over the edges, room for ``size + 1``, unless they are still there afterwards.
    """
    cdef int32_t *order = numbers(2 * <Py_ssize_t> nodes + 1)
    cdef int32_t *begin = numbers(<Py_ssize_t> nodes + 2 + size)
    cdef int32_t *waiting
    cdef int32_t *out
    cdef int32_t at, total, listed, failed = 0
    if order == NULL or begin == NULL:
        PyMem_RawFree(order)
        PyMem_RawFree(begin)
        return -1
    waiting = order + nodes + 1  # once nothing waits, the room is for the positions
    out = begin + nodes + 2
    graph.nodes = nodes
    graph.size = size
    graph.order = order
    graph.position = waiting
    graph.edges = edges[0]
    edges[0] = NULL
    memset(begin, 0, (<size_t> nodes + 2) * sizeof(int32_t))
    memset(waiting, 0, <size_t> nodes * sizeof(int32_t))
    # Counted two places on, begin[node + 1] is where the node's ends begin after adding up, and
    # where they end after placing them: then begin[node] is where they begin.
    for at in range(size):
        begin[graph.edges[at].source + 2] += 1
        waiting[graph.edges[at].target] += 1
    total = 0
    for at in range(2, nodes + 1):
        total += begin[at]
        begin[at] = total
    for at in range(size):
        total = begin[graph.edges[at].source + 1]
        begin[graph.edges[at].source + 1] = total + 1
        out[total] = graph.edges[at].target
    listed = list_nodes(graph, begin, out, waiting)
    if graph.acyclic < nodes:
        failed = list_components(graph, listed, begin, out, waiting)
    PyMem_RawFree(begin)
    if failed:
        return -1
    for at in range(nodes):
        graph.position[graph.order[at]] = at
    for at in range(size):
        graph.edges[at].target = graph.position[graph.edges[at].target]
    return 0


cdef void topology_free(Topology *graph) noexcept nogil:
    PyMem_RawFree(graph.order)
    PyMem_RawFree(graph.edges)
    PyMem_RawFree(graph.component)
    PyMem_RawFree(graph.first)


# -- sweeps ------------------------------------------------------------------------------------


cdef int32_t topology_levels(const Topology *graph, int32_t *bounds) noexcept nogil:
    """Where each level of a DAG ends in the order; how many levels there are.

    ``bounds`` needs room for twice the nodes.

    First in first out, Kahn's algorithm lists the nodes level by level: a level ends before the
    first node that waited for one of its own.
    """
    cdef const Edge *edges = graph.edges
    cdef int32_t at, levels = 0
    cdef int32_t *latest = bounds + graph.nodes  # position -> position it waited for, or -1
    for at in range(graph.nodes):
        latest[at] = -1
    for at in range(graph.size):
        latest[edges[at].target] = edges[at].source
    cdef int32_t begin = 0
    for at in range(graph.nodes):
        if latest[at] >= begin:
            bounds[levels] = begin = at
            levels += 1
    if graph.nodes > 0:
        bounds[levels] = graph.nodes
        levels += 1
    return levels


cdef void topology_reachable(const Topology *graph, uint8_t *marks) noexcept nogil:
    """Spread marks along the edges. A component carries its mark at its first position."""
    cdef const Edge *edges = graph.edges
    cdef const int32_t *component = graph.component
    cdef int32_t at
    if component == NULL:
        for at in range(graph.size):
            marks[edges[at].target] |= marks[edges[at].source]
    else:
        for at in range(graph.size):
            marks[component[edges[at].target]] |= marks[component[edges[at].source]]


cdef void topology_reaching(const Topology *graph, uint8_t *marks) noexcept nogil:
    """Spread marks against the edges. A component carries its mark at its first position."""
    cdef const Edge *edges = graph.edges
    cdef const int32_t *component = graph.component
    cdef int32_t at
    if component == NULL:
        for at in range(graph.size - 1, -1, -1):
            marks[edges[at].source] |= marks[edges[at].target]
    else:
        for at in range(graph.size - 1, -1, -1):
            marks[component[edges[at].source]] |= marks[component[edges[at].target]]
