"""Strings to small integers: the hash table behind graphs made from node ids.

All of it is C, for sibling extensions: see ``intern.pxd``.
"""
