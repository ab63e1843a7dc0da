"""One libFuzzer process on one target: ``python fuzzer.py TARGET`` and libFuzzer's own arguments.

``campaign.py`` starts it, with the sanitizers' runtime loaded first. libFuzzer sees the compiled
core through the counters that clang put into it, and Python through those that atheris puts into
its bytecode.
"""

import shlex
import sys
from importlib import import_module
from pathlib import Path

import atheris

TESTS = Path(__file__).resolve().parent.parent


def main(name, arguments):
    sys.path.insert(0, str(TESTS))
    with atheris.instrument_imports(include=["goflow"]):
        target = import_module(f"fuzz.{name}")
    # When it merges, libFuzzer gives its own arguments to a shell: the first must be a command.
    command = shlex.join([sys.executable, "-P", str(Path(__file__).resolve()), name])
    atheris.Setup([command, *arguments], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
