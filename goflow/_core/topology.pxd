"""What a sibling extension needs to ask questions of an integer graph."""

from libc.stdint cimport int32_t, uint8_t


cdef struct Edge:
    int32_t source
    int32_t target


cdef struct Topology:
    int32_t nodes
    int32_t size  # how many edges
    int32_t acyclic  # how many nodes are neither on a cycle nor behind one; all of them in a DAG
    # Below, a *position* is a node's place in the topological order of components.
    int32_t *order  # position -> node
    int32_t *position  # node -> position; behind ``order``, in one block
    Edge *edges  # between positions, their sources ascending
    # Both NULL in a graph without cycles:
    int32_t *component  # position -> first position of its component
    int32_t *first  # position, from ``acyclic`` on -> its first edge; one more entry ends the last


cdef int topology_build(
    Topology *graph, int32_t nodes, int32_t size, Edge **edges
) noexcept nogil
cdef void topology_free(Topology *graph) noexcept nogil
cdef int32_t topology_levels(const Topology *graph, int32_t *bounds) noexcept nogil
cdef void topology_reachable(const Topology *graph, uint8_t *marks) noexcept nogil
cdef void topology_reaching(const Topology *graph, uint8_t *marks) noexcept nogil
