"""Engines for tests that run in virtual time, or thousands of times."""

import inspect

import goflow

HAS_HISTORY = "history" in inspect.signature(goflow.Engine.__init__).parameters


def bare_engine(**options):
    """An engine that keeps nothing on disk: no thread of it runs beside the loop."""
    return goflow.Engine(**options, **({"history": False} if HAS_HISTORY else {}))
