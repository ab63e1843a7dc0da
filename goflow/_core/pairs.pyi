"""Pairs of strings to pairs of integers: the edges of a graph made from node ids.

All of it is C, for sibling extensions: see ``pairs.pxd``.
"""
