"""Integer arrays in and out: any buffer of node numbers, checked; NumPy arrays for answers.

All of it is C, for sibling extensions: see ``arrays.pxd``.
"""
