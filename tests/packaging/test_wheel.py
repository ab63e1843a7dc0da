"""What a built wheel holds; `nox` names the wheels in GOFLOW_TEST_WHEELS."""

import os
import re
import struct
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
WHEELS = [Path(name) for name in os.environ.get("GOFLOW_TEST_WHEELS", "").split(os.pathsep) if name]

pytestmark = pytest.mark.skipif(not WHEELS, reason="optional: GOFLOW_TEST_WHEELS names no wheel")


def contents(wheel):
    """What each file of a wheel holds, but for its own list of files and its metadata's version."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if "/RECORD" not in name}


def sections(library):
    """The names of the sections of an ELF library of 64 bits."""
    (offset,) = struct.unpack_from("<Q", library, 0x28)
    size, count, names = struct.unpack_from("<3H", library, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", library, offset + at * size) for at in range(count)]
    strings = headers[names][4]
    return [
        library[strings + header[0] : library.index(b"\0", strings + header[0])].decode()
        for header in headers
    ]


@pytest.fixture(params=WHEELS, ids=lambda wheel: wheel.name)
def wheel(request):
    return request.param


def test_a_wheel_is_under_two_megabytes(wheel):
    assert wheel.stat().st_size < 2 << 20


def test_a_wheel_holds_no_sources_of_the_core(wheel):
    names = {PurePosixPath(name).suffix for name in contents(wheel)}
    assert names & {".c", ".pyx", ".cpp", ".h", ".html"} == set()


def test_a_wheel_holds_every_stub_declaration_and_schema(wheel):
    held = contents(wheel)
    package = ROOT / "goflow"
    if not package.is_dir():
        pytest.skip("optional: the source tree is out of reach")
    expected = [
        path.relative_to(ROOT).as_posix()
        for pattern in ("*.py", "*.pyi", "*.pxd", "*.json", "py.typed")
        for path in package.rglob(pattern)
    ]
    assert {".json", ".pxd", ".pyi"} <= {PurePosixPath(name).suffix for name in expected}
    assert sorted(set(expected) - held.keys()) == []


def test_a_wheel_holds_each_core_module_compiled_and_with_its_stub(wheel):
    core = [PurePosixPath(name) for name in contents(wheel) if "goflow/_core/" in name]
    compiled = {path.name.split(".")[0] for path in core if path.suffix in {".so", ".pyd"}}
    assert {"cache", "canonical", "graph", "pool", "value"} <= compiled
    assert compiled == {path.stem for path in core if path.suffix == ".pyi"}


def test_a_wheel_holds_no_debug_information(wheel):
    libraries = [data for name, data in contents(wheel).items() if name.endswith(".so")]
    for library in libraries:
        if library.startswith(b"\x7fELF\x02"):
            assert [name for name in sections(library) if "debug" in name] == []


def test_a_wheel_holds_the_license_and_nothing_beside_the_package(wheel):
    held = contents(wheel)
    assert any(re.search(r"dist-info/licenses/LICENSE$", name) for name in held)
    beside = {name.split("/")[0] for name in held if not name.split("/")[0].endswith(".dist-info")}
    assert beside - {"goflow_mcp.libs"} == {"goflow", "goflow_pytest"}


def test_wheels_of_one_python_are_equal_whatever_they_were_built_from():
    """One from the tree and one from the sdist, say: as many as there are for one tag."""
    by_tag = {}
    for wheel in WHEELS:
        by_tag.setdefault(wheel.name, []).append(contents(wheel))
    for name, alike in by_tag.items():
        for other in alike[1:]:
            assert alike[0].keys() == other.keys(), name
            different = [each for each in other if other[each] != alike[0][each]]
            assert different == [], name
