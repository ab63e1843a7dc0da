"""Fuzzing with coverage: ``python campaign.py [SECONDS] [TARGET…]``, a minute and a half each.

A target begins with its seeds and the kept corpus, and ends with a corpus that covers as much with
the fewest bytes, which replaces the kept one. An input that fails is printed as the line that
belongs into the corpus once the bug is fixed; the exit code is then 1.
"""

import os
import re
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from fuzz import corpus  # noqa: E402 (of this folder)

SECONDS = 90
KEPT = 64_000  # bytes of a target's corpus that are kept, the shortest inputs first
SHOWN = re.compile(r"^#\d+\s+(INITED|DONE)\s+cov: (\d+) ft: (\d+)", re.MULTILINE)
RUNS = re.compile(r"^stat::number_of_executed_units: (\d+)", re.MULTILINE)


def begin_again_with_sanitizers():
    """Become a process whose first library is the sanitizers' runtime, with libFuzzer inside."""
    import atheris

    compiler = os.environ.get("CC", "clang")  # the core's
    library = subprocess.check_output([compiler, "-print-file-name=libstdc++.so"], text=True)
    environment = {
        **os.environ,
        "LD_PRELOAD": f"{atheris.path()}/asan_with_fuzzer.so {library.strip()}",
        "PYTHONMALLOC": "malloc",  # so that each object has red zones of its own
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=64",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    }
    os.execve(sys.executable, [sys.executable, "-P", *sys.argv], environment)


def run(name, *arguments):
    """libFuzzer on a target; gives its exit code and what it said."""
    fuzzer = str(Path(__file__).with_name("fuzzer.py"))
    done = subprocess.run(
        [sys.executable, "-P", fuzzer, name, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")


def fuzz(name, seconds, folder):
    """One target: its failing inputs are printed, its corpus replaced; False if any failed."""
    target = import_module(f"fuzz.{name}")
    kept, found, failed = folder / "kept", folder / "found", folder / "failed"
    for made in (kept, found, failed):
        made.mkdir(parents=True)
    for at, data in enumerate((*target.SEEDS, *corpus.read(name))):
        (kept / str(at)).write_bytes(data)
    words = folder / "dictionary"
    words.write_text("".join(map(_as_entry, target.DICTIONARY)))
    code, said = run(
        name,
        f"-max_total_time={seconds}",
        f"-max_len={target.LONGEST}",
        "-timeout=30",
        "-report_slow_units=30",
        "-use_value_profile=1",
        "-print_final_stats=1",
        f"-artifact_prefix={failed}/",
        *([f"-dict={words}"] if target.DICTIONARY else []),
        found,
        kept,
    )
    failures = sorted(failed.iterdir())
    growth = " → ".join(
        f"{edges} edges, {features} features" for _, edges, features in SHOWN.findall(said)
    )
    print(f"{name}: {''.join(RUNS.findall(said)) or 'no'} runs; {growth}", flush=True)
    if code or failures:
        print(_short(said))
        for failure in failures:
            print(f"it failed on ({failure.name}): {corpus.written(failure.read_bytes())}")
        return False
    merged = folder / "merged"
    merged.mkdir()
    code, said = run(name, "-merge=1", f"-max_len={target.LONGEST}", merged, kept, found)
    if code:
        print(_short(said))
        return False
    _keep(name, merged)
    return True


def _keep(name, folder):
    """Keep the shortest of the merged inputs."""
    chosen, size = [], 0
    for data in sorted((path.read_bytes() for path in folder.iterdir()), key=len):
        size += len(corpus.written(data)) + 1
        if size > KEPT:
            break
        chosen.append(data)
    corpus.keep(name, chosen)
    print(f"{name}: {len(chosen)} inputs kept")


def _short(said):
    """What libFuzzer said about a failure, without the C frames of the interpreter."""
    lines = [line[:300] for line in said.splitlines() if "Python-3" not in line]
    return "\n".join(line for line in lines[-120:] if "pybind11" not in line)


def _as_entry(word):
    return '"{}"\n'.format("".join(f"\\x{byte:02x}" for byte in word))


def main(arguments):
    seconds = int(arguments[0]) if arguments else SECONDS
    if "LD_PRELOAD" not in os.environ:
        begin_again_with_sanitizers()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GOFLOW_HOME"] = f"{folder}/home"
        good = [fuzz(name, seconds, Path(folder, name)) for name in arguments[1:] or corpus.TARGETS]
    return not all(good)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
