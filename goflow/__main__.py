"""``python -m goflow`` and the ``goflow`` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; exits with its code."""
    try:
        from goflow.cli.app import app  # noqa: PLC0415 - an interrupt while it loads is one too

        app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
