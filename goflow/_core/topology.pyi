"""Integer graphs: topological numbering, and the sweeps that it makes flat.

All of it is C, for sibling extensions: see ``topology.pxd``.
"""
