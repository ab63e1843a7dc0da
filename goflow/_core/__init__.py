"""The compiled core: it decides, and never awaits, does I/O or imports a sibling package."""

from importlib.machinery import EXTENSION_SUFFIXES
from os.path import exists, join

if not any(exists(join(__path__[0], f"graph{suffix}")) for suffix in EXTENSION_SUFFIXES):
    raise ImportError(
        f"goflow's compiled core is not in {__path__[0]}: this is a source tree, which Python "
        "found before the installed package. Run from another folder, or build it in place with "
        "'pip install --no-build-isolation -e .'"
    )
del EXTENSION_SUFFIXES, exists, join
