"""Check a report of coverage (JSON): every module of the core has lines, and lines that ran.

Tracing that is not compiled in gives empty rows, which would look like success.
"""

import json
import sys
from pathlib import Path


def main(report: str) -> int:
    """Print what is wrong; 1 if anything is."""
    files = json.loads(Path(report).read_text())["files"]
    wrong = []
    for source in sorted(Path("goflow/_core").glob("*.pyx")):
        row = files.get(source.as_posix())
        if row is None or not row["executed_lines"]:
            wrong.append(source.as_posix())
    for name in wrong:
        print(f"{name}: no line of it was seen")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
