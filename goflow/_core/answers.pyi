"""Numbers of ids to ids: the lists, sets and dicts that a graph answers in.

All of it is C, for sibling extensions: see ``answers.pxd``.
"""
