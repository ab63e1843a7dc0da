"""``python -m goflow`` and the ``goflow`` command."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line; exits with its code."""
    # What start-up makes is no garbage; looking for some costs milliseconds to the first tool call
    # (benchmarks/bench_startup.py). A run turns the collector on again.
    gc.disable()
    try:
        from goflow.cli import lean_imports  # noqa: PLC0415

        lean_imports.install()
        from goflow.cli.app import app  # noqa: PLC0415 - an interrupt while it loads is one too

        app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
