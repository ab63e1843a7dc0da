"""Campaigns: all of one in ``nox -s deep``, a twentieth everywhere else."""

import os


def rounds(count):
    """How many rounds of a campaign of ``count`` to do now."""
    return count if os.environ.get("GOFLOW_TEST_DEEP") else max(1, count // 20)
