"""Cycles of an integer graph: its strongly connected components, and a shortest cycle to name.

All of it is C, for sibling extensions: see ``cycles.pxd``.
"""
