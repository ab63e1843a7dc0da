"""The kept inputs: a file a target, an input a line: a JSON string whose characters are its bytes.

(So a change of them can be read, and there is one file where a fuzzer has thousands.)
"""

import json
from pathlib import Path

TARGETS = ("graph", "value", "wire", "expressions")
FOLDER = Path(__file__).parent / "corpus"


def path_of(target):
    return FOLDER / f"{target}.txt"


def written(data):
    """An input as its line."""
    return json.dumps(data.decode("latin-1"))


def read(target):
    """The kept inputs of a target."""
    lines = path_of(target).read_text().splitlines() if path_of(target).exists() else ()
    return [json.loads(line).encode("latin-1") for line in lines]


def keep(target, inputs):
    """Replace the kept inputs, the shortest first."""
    FOLDER.mkdir(exist_ok=True)
    ordered = sorted(set(inputs), key=lambda data: (len(data), data))
    path_of(target).write_text("".join(f"{written(data)}\n" for data in ordered))
