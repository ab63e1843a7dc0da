"""Dominators in an integer graph without cycles: which nodes are on every path to here.

All of it is C, for sibling extensions: see ``dominators.pxd``.
"""
