"""The extension modules; everything else about the package stands in pyproject.toml.

Two switches for developers, both read from the environment when building:

* ``GOFLOW_LINE_TRACE=1``: line tracing in the core, so that coverage sees ``.pyx`` lines.
* ``GOFLOW_SANITIZE=address,undefined``: the core instrumented by the C compiler.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

LINE_TRACE = os.environ.get("GOFLOW_LINE_TRACE") == "1"
SANITIZE = os.environ.get("GOFLOW_SANITIZE", "")
# A folder of its own for each kind of build: what is newer than its sources is not built again.
KIND = "line-trace" if LINE_TRACE else SANITIZE.replace(",", "-")
BUILD = f"build/{KIND}" if KIND else "build"

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "binding": True,
    "embedsignature": False,
    "freethreading_compatible": True,
    "linetrace": LINE_TRACE,
}

compile_args = [] if sys.platform == "win32" else ["-O3", "-g0"]
macros = [("CYTHON_TRACE_NOGIL", "1")] if LINE_TRACE else []
if SANITIZE:
    # Not linked with it: whoever runs this loads the runtime before Python.
    compile_args = ["-O1", "-g", f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"]


def extension(source: Path) -> Extension:
    """One extension module per ``.pyx`` of the core."""
    return Extension(
        ".".join(source.with_suffix("").parts),
        [source.as_posix()],
        extra_compile_args=compile_args,
        define_macros=macros,
    )


setup(
    ext_modules=cythonize(
        [extension(source) for source in sorted(Path("goflow/_core").glob("*.pyx"))],
        compiler_directives=DIRECTIVES,
        # Coverage finds C sources beside the others only.
        build_dir=None if LINE_TRACE else f"{BUILD}/cython",
    ),
    options={"build": {"build_base": BUILD}},
)
