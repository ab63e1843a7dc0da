"""Trees of blocks of which none is kept twice: what sets of small numbers are made of.

Its methods are C, for sibling extensions: see ``blocks.pxd``.
"""

from typing import final

@final
class Blocks:
    def __new__(cls, size: int) -> Blocks: ...
