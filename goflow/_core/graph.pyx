"""Directed graphs: topological order, levels, cycles, reachability and dominators.

Compiled because validating a workflow asks all of these, at any size, before anything runs. Ids
become integers once (see ``intern``), integers become a topological numbering once (see
``topology``), and each question is then one sweep over the edges.

O(nodes + edges) to build and to ask, no recursion; at most 28 bytes a node (with cycles, 36) and 8
an edge are kept.
Everything is computed while building and only read afterwards: any number of threads may ask.
"""

from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree
from libc.stdint cimport INT32_MAX, int32_t, uint8_t

from goflow._core.answers cimport dict_of, list_of, set_of
from goflow._core.arrays cimport array_of, read_edges
from goflow._core.cycles cimport shortest_cycle
from goflow._core.dominators cimport immediate_dominators
from goflow._core.intern cimport Table, table_fill, table_find, table_free
from goflow._core.memory cimport numbers
from goflow._core.pairs cimport read_pairs
from goflow._core.topology cimport (
    Edge, Topology, topology_build, topology_free, topology_levels, topology_reachable,
    topology_reaching,
)

from operator import index
from types import GenericAlias

from goflow.errors import GraphError

cdef enum:
    BIG = 1 << 15  # edges and nodes from which on releasing the GIL costs nothing that shows
    NAMED = 8  # nodes of a cycle that a message names

cdef object FROM_ARRAYS = object()  # told to Graph.__cinit__ instead of the nodes


cdef int32_t *room_for(Py_ssize_t count) except NULL:
    cdef int32_t *room = numbers(count)
    if room == NULL:
        raise MemoryError
    return room


cdef class Graph:
    """A directed graph that never changes: ``Graph(nodes, edges)`` or ``Graph.from_arrays``.

    ``nodes`` are distinct strings, ``edges`` are (source, target) pairs of them; tuples and lists
    are read fastest, any iterable of 2-item iterables will do. Repeated edges count each, and an
    edge from a node to itself is a cycle of length one. Ids compare by content. Answers come as
    ids; a graph made of integers answers in NumPy int32 arrays.

    Raises GraphError for a repeated id, an edge with an end that is no node, an edge that is no
    pair; TypeError for an id that is no ``str``. O(nodes + edges), and so is every question.

    Thread-safety: everything is computed by the constructor and only read afterwards, so any
    number of threads may ask, with or without the GIL; the integer part of big graphs runs
    without it. A list of edges is read under its lock.
    """

    # Nothing here changes after __cinit__; all of it may be read without a lock.
    cdef tuple ids  # node -> id; None in a graph made of integers. Keeps the table's keys alive.
    cdef Table table  # id -> node
    cdef Topology topology

    def __cinit__(self, nodes, edges):
        cdef Edge *read = NULL
        cdef Py_ssize_t node_count, edge_count = 0
        cdef int failed
        try:
            if nodes is FROM_ARRAYS:
                node_count, sources, targets = edges
                if not 0 <= node_count < INT32_MAX:
                    raise GraphError(f"a graph cannot have {node_count} nodes")
                read_edges(sources, targets, node_count, &read, &edge_count)
            else:
                if isinstance(nodes, (str, bytes)):
                    raise TypeError(f"nodes are of type {type(nodes).__name__}, not a list of ids")
                self.ids = tuple(nodes)
                node_count = len(self.ids)
                table_fill(&self.table, self.ids)
                read_pairs(&self.table, edges, &read, &edge_count)
            if edge_count >= INT32_MAX:
                raise GraphError(f"{edge_count} edges are too many")
            if node_count + edge_count < BIG:
                failed = topology_build(
                    &self.topology, <int32_t> node_count, <int32_t> edge_count, &read
                )
            else:
                with nogil:
                    failed = topology_build(
                        &self.topology, <int32_t> node_count, <int32_t> edge_count, &read
                    )
            if failed:
                raise MemoryError
        finally:
            PyMem_RawFree(read)

    def __dealloc__(self):
        table_free(&self.table)
        topology_free(&self.topology)

    @classmethod
    def from_arrays(cls, n, sources, targets):
        """The graph of the nodes ``0 … n - 1`` and the edges ``sources[i] → targets[i]``.

        Both are one-dimensional int32 or int64 buffers (NumPy arrays, ``array.array``,
        memoryviews; strides are fine), read in place without making Python integers, or iterables
        of integers. Raises GraphError for a negative ``n``, unequal lengths or an end that is no
        node, TypeError for other items. O(nodes + edges).
        """
        return cls.__new__(cls, FROM_ARRAYS, (n, sources, targets))

    @classmethod
    def __class_getitem__(cls, item):
        return GenericAlias(cls, item)

    def __len__(self):
        return self.topology.nodes

    def __contains__(self, node):
        if self.ids is None:
            return hasattr(type(node), "__index__") and 0 <= index(node) < self.topology.nodes
        return isinstance(node, str) and table_find(&self.table, node) >= 0

    def __repr__(self):
        return f"<{type(self).__name__} {self.topology.nodes} nodes, {self.topology.size} edges>"

    @property
    def edge_count(self):
        """How many edges there are, repeated ones included."""
        return self.topology.size

    def order(self):
        """Every node once, each after all of its predecessors: a list of ids, or an int32 array.

        The order is that of Kahn's algorithm (1962), first in first out: level by level, nodes
        without predecessors in node order, any other node as soon as the last of its predecessors
        has been listed, siblings in edge order. The same nodes and edges always give the same
        order. Raises GraphError naming a cycle (see ``cycle``) if there is one.
        """
        self.need_no_cycle()
        return self.listed(self.topology.order, self.topology.nodes)

    def levels(self):
        """The order cut into levels: a node's level is the length of the longest path to it.

        A list of lists of ids, or of int32 arrays. Nodes of one level do not depend on each
        other. Raises GraphError naming a cycle if there is one.
        """
        order = self.order()
        cdef int32_t *bounds = room_for(2 * <Py_ssize_t> len(self))
        cdef int32_t count, level
        if self.is_big():
            with nogil:
                count = topology_levels(&self.topology, bounds)
        else:
            count = topology_levels(&self.topology, bounds)
        try:
            return [order[bounds[level - 1] if level else 0:bounds[level]]
                    for level in range(count)]
        finally:
            PyMem_RawFree(bounds)

    def cycle(self):
        """A shortest cycle as a list of ids or an int32 array, each node once; None if none.

        It begins with its earliest node. Finding the shortest of all takes nodes x edges steps,
        so the search has a budget of 8 million beyond the first cycle: within it (2,000 nodes
        with 4,000 edges on cycles, whatever the rest of the graph is) the answer is exact, past
        it the answer is the shortest met so far. It is always a simple cycle of the graph.
        """
        cdef int32_t *found = NULL
        cdef int32_t length, at
        if self.is_big():
            with nogil:
                length = shortest_cycle(&self.topology, &found)
        else:
            length = shortest_cycle(&self.topology, &found)
        try:
            if length < 0:
                raise MemoryError
            if length == 0:
                return None
            for at in range(length):
                found[at] = self.topology.order[found[at]]
            return self.listed(found, length)
        finally:
            PyMem_RawFree(found)

    def reachable(self, start):
        """Every node on a path from ``start``, itself included: a set of ids, or an int32 array.

        ``start`` is one node or an iterable of nodes; the array is ascending. Cycles are fine.
        Raises GraphError for what is no node.
        """
        return self.marked(start, False)

    def reaching(self, ends):
        """Every node with a path to one of ``ends``, themselves included; else as ``reachable``."""
        return self.marked(ends, True)

    def dominators(self, start):
        """The immediate dominator of every node that ``start`` reaches.

        A node's dominators are on every path to it from ``start``; the immediate one is the
        last of them before the node. A dict from id to id, None for ``start``, in node order; or
        an int32 array over all nodes, -1 for ``start`` and for what it does not reach.

        One pass over the order (Cooper, Harvey and Kennedy, 2001), with jump pointers (Myers,
        1983) where ancestors are far: O((nodes + edges) log nodes) at worst. It needs an order:
        raises GraphError naming a cycle if there is one anywhere, and for what is no node.
        """
        cdef int32_t begin = self.node(start), failed
        self.need_no_cycle()
        cdef int32_t *parents = room_for(len(self))
        try:
            if self.is_big():
                with nogil:
                    failed = immediate_dominators(&self.topology, begin, parents)
            else:
                failed = immediate_dominators(&self.topology, begin, parents)
            if failed:
                raise MemoryError
            if self.ids is None:
                return array_of(parents, len(self))
            return dict_of(self.ids, parents, begin)
        finally:
            PyMem_RawFree(parents)

    cdef bint is_big(self):
        return <Py_ssize_t> self.topology.nodes + self.topology.size >= BIG

    cdef int need_no_cycle(self) except -1:
        if self.topology.acyclic == self.topology.nodes:
            return 0
        cycle = list(self.cycle())
        names = [str(node) for node in cycle[:NAMED]]
        if len(cycle) > NAMED:
            names.append(f"… ({len(cycle)} nodes)")
        raise GraphError(f"the graph has a cycle: {' → '.join([*names, names[0]])}")

    cdef int32_t node(self, object name) except -1:
        """The node that an id or an integer names."""
        cdef int32_t node
        if self.ids is None:
            number = index(name)
            if 0 <= number < self.topology.nodes:
                return number
        elif isinstance(name, str):
            node = table_find(&self.table, name)
            if node >= 0:
                return node
        else:
            raise TypeError(f"a node's id is of type {type(name).__name__}, not str")
        raise GraphError(f"{name!r} is no node of {self!r}")

    cdef object listed(self, const int32_t *nodes, Py_ssize_t count):
        """Nodes as a list of ids or an int32 array."""
        if self.ids is None:
            return array_of(nodes, count)
        return list_of(self.ids, nodes, count)

    cdef object marked(self, object begin, bint backwards):
        """The nodes reachable from, or reaching, one or more."""
        cdef int32_t *component = self.topology.component
        cdef int32_t *position = self.topology.position
        cdef int32_t *nodes = NULL
        cdef int32_t node, at, count = 0
        # An array of one item has __index__ too, but a number has no __iter__.
        if isinstance(begin, str) or not hasattr(type(begin), "__iter__"):
            begin = (begin,)
        cdef uint8_t *marks = <uint8_t *> PyMem_RawCalloc(len(self) + 1, 1)
        if marks == NULL:
            raise MemoryError
        try:
            for name in begin:
                at = position[self.node(name)]
                marks[at if component == NULL else component[at]] = 1
            if not self.is_big():
                if backwards:
                    topology_reaching(&self.topology, marks)
                else:
                    topology_reachable(&self.topology, marks)
            else:
                with nogil:
                    if backwards:
                        topology_reaching(&self.topology, marks)
                    else:
                        topology_reachable(&self.topology, marks)
            # Written always and counted if marked: which nodes are is nothing to branch on.
            nodes = room_for(len(self))
            for node in range(self.topology.nodes):
                at = position[node]
                nodes[count] = node
                count += marks[at if component == NULL else component[at]]
            if self.ids is None:
                return array_of(nodes, count)
            return set_of(self.ids, nodes, count)
        finally:
            PyMem_RawFree(nodes)
            PyMem_RawFree(marks)
