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

from goflow._core.cycles cimport list_components
from goflow._core.memory cimport goflow_prefetch, numbers, zeros

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
    cdef int32_t tail = 0, head = 0, edge = 0, node, end, at, left
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
            graph.sources[edge] = head
            graph.targets[edge] = end
            edge += 1
            order[tail] = end
            tail += left == 0
        head += 1
    graph.acyclic = head
    return edge


cdef int topology_build(
    Topology *graph, int32_t nodes, int32_t edges, int32_t **sources, int32_t **ends
) noexcept nogil:
    """Fill an all-zero Topology; ends must be checked.

    Takes over the two arrays, of ``edges + 1`` items, unless they are still there afterwards.
    """
    cdef int32_t *begin = zeros(nodes + 1)
    cdef int32_t *waiting = zeros(nodes)
    cdef int32_t *out = numbers(edges)
    cdef int32_t at, total, listed
    graph.nodes = nodes
    graph.edges = edges
    graph.position = waiting  # once nothing waits, the array is used again
    if begin == NULL or waiting == NULL or out == NULL:
        PyMem_RawFree(begin)
        PyMem_RawFree(out)
        return -1
    # Counted two places on, begin[node + 1] is where the node's ends begin after adding up, and
    # where they end after placing them: then begin[node] is where they begin.
    for at in range(edges):
        begin[sources[0][at] + 2] += 1
        waiting[ends[0][at]] += 1
    total = 0
    for at in range(2, nodes + 1):
        total += begin[at]
        begin[at] = total
    for at in range(edges):
        total = begin[sources[0][at] + 1]
        begin[sources[0][at] + 1] = total + 1
        out[total] = ends[0][at]
    graph.sources = sources[0]  # the right size already; new memory costs more than it seems
    graph.targets = ends[0]
    sources[0] = ends[0] = NULL
    graph.order = numbers(nodes)
    cdef int failed = graph.order == NULL
    if not failed:
        listed = list_nodes(graph, begin, out, waiting)
        if graph.acyclic < nodes:
            failed = list_components(graph, listed, begin, out, waiting)
    PyMem_RawFree(begin)
    PyMem_RawFree(out)
    if failed:
        return -1
    for at in range(nodes):
        graph.position[graph.order[at]] = at
    for at in range(edges):
        graph.targets[at] = graph.position[graph.targets[at]]
    return 0


cdef void topology_free(Topology *graph) noexcept nogil:
    PyMem_RawFree(graph.order)
    PyMem_RawFree(graph.position)
    PyMem_RawFree(graph.sources)
    PyMem_RawFree(graph.targets)
    PyMem_RawFree(graph.component)
    PyMem_RawFree(graph.first)


# -- sweeps ------------------------------------------------------------------------------------


cdef int32_t topology_levels(const Topology *graph, int32_t *bounds) noexcept nogil:
    """Where each level of a DAG ends in the order; how many levels there are.

    ``bounds`` needs room for twice the nodes.

    First in first out, Kahn's algorithm lists the nodes level by level: a level ends before the
    first node that waited for one of its own.
    """
    cdef int32_t at, edge, levels = 0
    cdef int32_t *latest = bounds + graph.nodes  # position -> position it waited for, or -1
    for at in range(graph.nodes):
        latest[at] = -1
    for edge in range(graph.edges):
        latest[graph.targets[edge]] = graph.sources[edge]
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
    cdef int32_t edge
    cdef const int32_t *component = graph.component
    if component == NULL:
        for edge in range(graph.edges):
            marks[graph.targets[edge]] |= marks[graph.sources[edge]]
    else:
        for edge in range(graph.edges):
            marks[component[graph.targets[edge]]] |= marks[component[graph.sources[edge]]]


cdef void topology_reaching(const Topology *graph, uint8_t *marks) noexcept nogil:
    """Spread marks against the edges. A component carries its mark at its first position."""
    cdef int32_t edge
    cdef const int32_t *component = graph.component
    if component == NULL:
        for edge in range(graph.edges - 1, -1, -1):
            marks[graph.sources[edge]] |= marks[graph.targets[edge]]
    else:
        for edge in range(graph.edges - 1, -1, -1):
            marks[component[graph.sources[edge]]] |= marks[component[graph.targets[edge]]]
