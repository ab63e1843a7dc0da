"""Sets of small numbers that share their equal parts, for analyses that keep one for each node.

Compiled because validating a workflow makes a few of them for every edge. What is certain at one
node is what was certain before it and a little more, so that sets of their own would take memory
that grows with the square of a chain's length. These are trees of ``blocks``: a set costs what it
does not have in common with others, and so does an operation.

O(log of the largest number) for one number; a union, an intersection or a difference looks at the
parts that differ. Memory is freed with the last set of a family. Any number of threads may compute
with one family: each operation has it for itself.
"""

cimport cython

from libc.stdint cimport int64_t, uint32_t, uint64_t

from goflow._core.blocks cimport (
    DIFFERENCE, EMPTY, INTERSECTION, UNION, Blocks, Operation,
)


@cython.final
@cython.no_gc
cdef class BitSet:
    """A set of numbers below ``size`` that never changes: ``BitSet(size)`` is empty.

    ``|``, ``&``, ``-`` and ``plus`` make new ones, which share what they have in common with those
    they were made of: all of them are of one family, and only sets of one family may meet (else
    ValueError). Equal sets of a family are found to be so in constant time.
    """

    cdef Blocks family
    cdef uint32_t root

    def __cinit__(self, size):
        self.family = size if type(size) is Blocks else Blocks(size)

    def plus(self, uint64_t number):
        """This set and ``number``; ValueError for one that is not below the size."""
        cdef uint32_t root
        if number >= self.family.size:
            raise ValueError(f"{number} is not below {self.family.size}")
        with cython.critical_section(self.family):
            root = self.family.added(self.root, number, self.family.height)
        return sibling(self.family, root)

    def __contains__(self, uint64_t number):
        cdef bint found
        if number >= self.family.size:
            return False
        with cython.critical_section(self.family):
            found = self.family.has(self.root, number)
        return found

    def __or__(self, other):
        return combination(self, other, UNION)

    def __and__(self, other):
        return combination(self, other, INTERSECTION)

    def __sub__(self, other):
        return combination(self, other, DIFFERENCE)

    def isdisjoint(self, BitSet other):
        """Whether no number is in both."""
        cdef Blocks family = family_of(self, other)
        cdef bint found
        with cython.critical_section(family):
            found = family.meet(self.root, other.root, family.height)
        return not found

    def opposes(self, BitSet other):
        """Whether one of the two has an even number and the other the odd one after it.

        Of sets neither of which has both: what they have in common is not looked at.
        """
        cdef Blocks family = family_of(self, other)
        cdef bint found
        with cython.critical_section(family):
            found = family.opposed(self.root, other.root, family.height)
        return found

    def __bool__(self):
        return self.root != EMPTY

    def __eq__(self, other):
        if type(other) is not BitSet:
            return NotImplemented
        return self.root == (<BitSet> other).root and self.family is (<BitSet> other).family

    def __hash__(self):
        return self.root

    def __iter__(self):
        """The numbers, ascending; O(log) each."""
        cdef int64_t number = -1
        while True:
            with cython.critical_section(self.family):
                number = self.family.following(self.root, number + 1, self.family.height)
            if number < 0:
                return
            yield number

    def __repr__(self):
        return f"<BitSet {{{', '.join(map(str, self))}}}>"


cdef BitSet sibling(Blocks family, uint32_t root):
    cdef BitSet new = BitSet.__new__(BitSet, family)
    new.root = root
    return new


cdef Blocks family_of(BitSet one, BitSet other):
    if one.family is not other.family:
        raise ValueError("sets of two families cannot meet")
    return one.family


cdef object combination(BitSet one, object other, Operation operation):
    cdef Blocks family
    cdef uint32_t root
    if type(other) is not BitSet:
        return NotImplemented
    family = family_of(one, <BitSet> other)
    with cython.critical_section(family):
        root = family.combined(one.root, (<BitSet> other).root, operation, family.height)
    return sibling(family, root)
