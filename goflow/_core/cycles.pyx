"""Cycles of an integer graph: its strongly connected components, and a shortest cycle to name.

Compiled because a graph of a million nodes may be one cycle. Only nodes that Kahn's algorithm
could not list get here, so a graph without cycles pays nothing.

Components take O(nodes + edges), without recursion; a shortest cycle has a work budget. A graph is
changed only while it is built, so any number of threads may ask at once. Functions return -1 when
memory ran out; they raise nothing.
"""

from cpython.mem cimport PyMem_RawFree
from libc.stdint cimport INT32_MAX, int32_t, int64_t

from goflow._core.memory cimport numbers, zeros
from goflow._core.topology cimport Topology

cdef enum:
    BUDGET = 1 << 23  # edges that searching for a *shortest* cycle may read


cdef int list_components(
    Topology *graph, int32_t edge,
    const int32_t *begin, const int32_t *out, const int32_t *waiting,
) noexcept nogil:
    """Go on where Kahn's algorithm stopped, at this edge: one component after the other.

    Pearce's one-array form of Tarjan's algorithm (Pearce, "A space-efficient algorithm for
    finding strongly connected components", 2016), with the recursion on a stack of its own.
    Components end up numbered downwards from INT32_MAX, sinks first: upwards is topological.
    """
    cdef int32_t nodes = graph.nodes, known = graph.acyclic
    cdef int32_t *rank = zeros(nodes)  # 0 not visited, then visit number, then component
    cdef int32_t *lowest = numbers(nodes)  # the node's rank when it was entered
    cdef int32_t *cursor = numbers(nodes)
    cdef int32_t *stack = numbers(nodes)  # the path grows from the left, components from the right
    cdef int32_t *bounds = NULL
    cdef int32_t path, heap, root, node, end, at, visit = 1, name = INT32_MAX, place
    cdef int failed = -1
    graph.component = numbers(nodes)
    graph.first = numbers(nodes)
    if (
        rank != NULL and lowest != NULL and cursor != NULL and stack != NULL
        and graph.component != NULL and graph.first != NULL
    ):
        path = 0
        heap = nodes
        for root in range(nodes):
            if waiting[root] == 0 or rank[root] != 0:
                continue
            stack[path] = root
            path += 1
            while path > 0:
                node = stack[path - 1]
                if rank[node] == 0:
                    rank[node] = lowest[node] = visit
                    visit += 1
                    cursor[node] = begin[node]
                else:  # back from the end that the cursor stands on
                    end = out[cursor[node]]
                    if rank[end] < rank[node]:
                        rank[node] = rank[end]
                    cursor[node] += 1
                while cursor[node] < begin[node + 1]:
                    end = out[cursor[node]]
                    if rank[end] == 0:
                        break
                    if rank[end] < rank[node]:
                        rank[node] = rank[end]
                    cursor[node] += 1
                if cursor[node] < begin[node + 1]:
                    stack[path] = end
                    path += 1
                    continue
                path -= 1
                if rank[node] == lowest[node]:  # the root of a finished component
                    visit -= 1
                    while heap < nodes and rank[stack[heap]] >= rank[node]:
                        rank[stack[heap]] = name
                        heap += 1
                        visit -= 1
                    rank[node] = name
                    name -= 1
                else:
                    heap -= 1
                    stack[heap] = node
        # Sort by component, in node order within one: count, add up, place.
        bounds = zeros(INT32_MAX - name)
        if bounds != NULL:
            failed = 0
            for node in range(nodes):
                if waiting[node] != 0:
                    bounds[rank[node] - name] += 1
            bounds[0] = known
            for at in range(1, INT32_MAX - name):
                bounds[at] += bounds[at - 1]
            for at in range(known):
                graph.component[at] = at
            for node in range(nodes):
                if waiting[node] != 0:
                    place = bounds[rank[node] - name - 1]
                    bounds[rank[node] - name - 1] += 1
                    graph.order[place] = node
    if failed == 0:
        at = known
        while at < nodes:
            root = at
            while at < nodes and rank[graph.order[at]] == rank[graph.order[root]]:
                graph.component[at] = root
                at += 1
        for at in range(known, nodes):
            node = graph.order[at]
            graph.first[at] = edge
            for place in range(begin[node], begin[node + 1]):
                graph.edges[edge].source = at
                graph.edges[edge].target = out[place]
                edge += 1
        graph.first[nodes] = edge
    PyMem_RawFree(rank)
    PyMem_RawFree(lowest)
    PyMem_RawFree(cursor)
    PyMem_RawFree(stack)
    PyMem_RawFree(bounds)
    return failed


cdef int32_t shortest_cycle(const Topology *graph, int32_t **cycle) noexcept nogil:
    """A shortest cycle as a new array of positions and its length: 0 for none, -1 for no memory.

    Breadth first from every node on a cycle in turn, through nodes not yet tried and no deeper
    than the shortest cycle so far. The first search always ends, and always finds a cycle through
    its node; the later ones share the budget, so the answer is the shortest there is as long as
    (nodes x edges) on cycles is within it, and otherwise the shortest that was met.
    """
    cdef int32_t begin = graph.acyclic, count = graph.nodes - graph.acyclic
    cdef int32_t root, node, end, edge, head, tail, length = 0, depth, level, at
    cdef int64_t work = 0
    cdef int32_t *seen = NULL
    cdef int32_t *origin = NULL
    cdef int32_t *queue = NULL
    cycle[0] = NULL
    if count == 0:
        return 0
    cycle[0] = numbers(count)
    if cycle[0] == NULL:
        return -1
    for root in range(begin, graph.nodes):  # one step long
        for edge in range(graph.first[root], graph.first[root + 1]):
            if graph.edges[edge].target == root:
                cycle[0][0] = root
                return 1
    seen = zeros(count)
    origin = numbers(count)
    queue = numbers(count)
    if seen == NULL or origin == NULL or queue == NULL:
        length = -1
    else:
        for root in range(begin, graph.nodes):
            if length == 2 or (length > 0 and work > BUDGET):
                break
            if root + 1 == graph.nodes or graph.component[root + 1] != graph.component[root]:
                continue  # alone, or the last of its component: nothing left to go through
            queue[0] = root
            head = 0
            tail = level = 1  # ``level`` is where the nodes at this depth end in the queue
            depth = 1  # length of a cycle that an edge from here would close
            while head < tail and (length == 0 or depth < length):
                node = queue[head]
                head += 1
                for edge in range(graph.first[node], graph.first[node + 1]):
                    end = graph.edges[edge].target
                    if end == root:
                        length = depth
                        end = node
                        for at in range(depth - 1, 0, -1):
                            cycle[0][at] = end
                            end = origin[end - begin]
                        cycle[0][0] = root
                        break
                    if (
                        end > root
                        and graph.component[end] == graph.component[root]
                        and seen[end - begin] != root + 1
                    ):
                        seen[end - begin] = root + 1
                        origin[end - begin] = node
                        queue[tail] = end
                        tail += 1
                work += graph.first[node + 1] - graph.first[node] + 1
                if head == level:
                    depth += 1
                    level = tail
    PyMem_RawFree(seen)
    PyMem_RawFree(origin)
    PyMem_RawFree(queue)
    return length
