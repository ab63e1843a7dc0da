"""No call reaches anything outside the root folder, and a refused call changes nothing."""

from __future__ import annotations

import os
import socket
import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest
from toolbox.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Every tool that takes a path, with the path left open.
CALLS: dict[str, Callable[[str], dict[str, Any]]] = {
    "list_files": lambda path: {"path": path},
    "read_text": lambda path: {"path": path},
    "read_json": lambda path: {"path": path},
    "read_csv": lambda path: {"path": path},
    "file_info": lambda path: {"path": path},
    "write_text": lambda path: {"path": path, "content": "new"},
    "append_text": lambda path: {"path": path, "content": "new"},
    "write_json": lambda path: {"path": path, "value": 1},
    "write_csv": lambda path: {"path": path, "rows": [{"a": 1}]},
    "copy_file source": lambda path: {"source": path, "destination": "copy"},
    "copy_file destination": lambda path: {
        "source": "inside.txt",
        "destination": path,
        "overwrite": True,
    },
    "delete_file": lambda path: {"path": path},
    "make_folder": lambda path: {"path": path},
}
READERS = ["read_text", "read_json", "read_csv", "file_info", "copy_file source"]
WRITERS = ["write_text", "append_text", "write_json", "write_csv", "copy_file destination"]


def fail(box: Client, call: str, path: str) -> str:
    return box.failure(call.split(maxsplit=1)[0], **CALLS[call](path))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a file and a folder, beside a secret, with links of every kind to it."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root, root / "folder", outside):
        folder.mkdir()
    (root / "inside.txt").write_text("inside")
    (root / "folder" / "deep.txt").write_text("deep")
    (outside / "secret.txt").write_text("[1]")
    (root / "link.txt").symlink_to("../outside/secret.txt")
    (root / "absolute.txt").symlink_to(outside / "secret.txt")
    (root / "dir").symlink_to("../outside")
    (root / "absolute_dir").symlink_to(outside)
    (root / "dangling").symlink_to("../outside/new.txt")
    (root / "chain").symlink_to("folder/../link.txt")
    (root / "folder" / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    (root / "in_link.txt").symlink_to("folder/deep.txt")
    (root / "in_dir").symlink_to("folder")
    (root / "in_dangling").symlink_to("folder/made.txt")
    return root


def snapshot(folder: Path) -> dict[str, Any]:
    """All that is below a folder: kinds, modes, times, contents and where links lead."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content: object = None
        if path.is_symlink():
            content = os.readlink(path)
        elif stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        found[str(path)] = (status.st_mode, status.st_mtime_ns, status.st_ino, content)
    return found


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../outside",
        "../outside/secret.txt",
        "../outside/new.txt",
        "./../outside/secret.txt",
        "folder/../../outside/secret.txt",
        "folder/../folder/../../outside/new.txt",
        "folder//..//../outside/secret.txt",
        "folder/up/../outside/secret.txt",
        "{outside}",
        "{outside}/secret.txt",
        "{outside}/new.txt",
        "{root}/../outside/secret.txt",
        "{root}x/secret.txt",
        "//{outside}/secret.txt",
        "/",
        "/etc/passwd",
        "/dev/null",
        "/proc/self/cwd/inside.txt",
        "dir/",
        "dir/secret.txt",
        "dir/new.txt",
        "dir/new/folder",
        "dir/../outside/secret.txt",
        "absolute_dir/secret.txt",
        "absolute_dir/new.txt",
        "absolute_dir/.",
        "folder/up/dir/secret.txt",
    ],
)
def test_a_path_that_leads_out_is_refused(
    box: Client, root: Path, tmp_path: Path, path: str
) -> None:
    before = snapshot(tmp_path)
    path = path.format(root=root, outside=tmp_path / "outside")
    for call in CALLS:
        message = fail(box, call, path)
        assert "[1]" not in message
        if call == "make_folder" and ".." in path.split("/"):
            assert "must not contain '..'" in message
        elif call == "delete_file" and path in ("dir/", "absolute_dir/."):
            assert "is not a regular file" in message  # It is about the link itself.
        else:
            assert "leads out of the root folder" in message
        assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    "path", ["link.txt", "absolute.txt", "dangling", "chain", "dir", "loop", "loop/x"]
)
def test_a_link_that_leads_out_or_nowhere_is_refused(
    box: Client, tmp_path: Path, path: str
) -> None:
    before = snapshot(tmp_path)
    for call in CALLS:
        fail(box, call, path)
        assert snapshot(tmp_path) == before


@pytest.mark.parametrize("call", CALLS)
def test_a_path_that_cannot_be_one_is_refused(box: Client, tmp_path: Path, call: str) -> None:
    before = snapshot(tmp_path)
    for path in (
        "",
        "\0",
        "inside.txt\0",
        "folder/\0/x",
        "x" * 256,
        "é" * 128,
        "new/" + "x" * 256,
        "new/x" * 1000,
        "\ud800",
        "new/\udcff",
    ):
        fail(box, call, path)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("call", [*READERS, *WRITERS, "list_files", "delete_file"])
def test_what_is_not_a_regular_file_is_refused_at_once(
    box: Client, root: Path, tmp_path: Path, call: str
) -> None:
    os.mkfifo(root / "fifo")
    (root / "to_fifo").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(root)  # A socket's path must be short.
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
        before = snapshot(tmp_path)
        for path in ("fifo", "to_fifo", "socket"):
            assert "is not a" in fail(box, call, path)
        assert snapshot(tmp_path) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
@pytest.mark.parametrize("call", [*READERS, *WRITERS])
def test_a_device_is_refused(box: Client, root: Path, call: str) -> None:
    try:
        os.mknod(root / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("devices cannot be made here")
    assert "is not a regular file" in fail(box, call, "zero")


@pytest.mark.parametrize("call", [*READERS, *WRITERS, "delete_file"])
def test_a_folder_is_not_a_file(box: Client, tmp_path: Path, call: str) -> None:
    before = snapshot(tmp_path)
    for path in ("folder", ".", "folder/..", "folder/", "./folder/."):
        assert "is a folder, not a file" in fail(box, call, path)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("call", CALLS)
def test_a_file_is_not_a_folder(box: Client, tmp_path: Path, call: str) -> None:
    before = snapshot(tmp_path)
    assert "'inside.txt' is not a folder" in fail(box, call, "inside.txt/x")
    assert snapshot(tmp_path) == before


def test_links_that_stay_inside_are_followed(box: Client, root: Path) -> None:
    assert box.call("read_text", path="in_link.txt") == "deep"
    assert box.call("read_text", path="in_dir/deep.txt") == "deep"
    assert box.call("read_text", path="in_dir/up/inside.txt") == "inside"
    assert box.call("read_text", path="folder/../inside.txt") == "inside"
    assert box.call("write_text", path="in_link.txt", content="x")["path"] == "folder/deep.txt"
    assert (root / "in_link.txt").is_symlink()
    assert (root / "folder" / "deep.txt").read_text() == "x"
    assert box.call("write_text", path="in_dangling", content="y")["path"] == "folder/made.txt"
    assert (root / "folder" / "made.txt").read_text() == "y"
    assert box.call("list_files", path="in_dir/..")["files"][0]["path"] == "inside.txt"


def test_an_absolute_path_inside_is_taken(box: Client, root: Path, tmp_path: Path) -> None:
    assert box.call("read_text", path=f"{root}/folder/deep.txt") == "deep"
    assert box.call("list_files", path=str(root)) == box.call("list_files")
    (tmp_path / "alias").symlink_to("root")
    with Client("--root", f"{tmp_path}/alias") as other:
        for name in ("alias", "root"):
            assert other.call("read_text", path=f"{tmp_path}/{name}/inside.txt") == "inside"


def test_the_root_may_be_the_whole_system(root: Path) -> None:
    with Client("--root", "/") as box:
        assert box.call("read_text", path=f"{root}/inside.txt") == "inside"
        assert box.call("read_text", path=f"{root}/inside.txt".lstrip("/")) == "inside"
        assert "leads out" in box.failure("read_text", path="../x")


def test_a_link_is_not_deleted_nor_what_it_leads_to(
    box: Client, root: Path, tmp_path: Path
) -> None:
    before = snapshot(tmp_path)
    for link in ("link.txt", "in_link.txt", "dangling", "dir"):
        assert "is not a regular file" in box.failure("delete_file", path=link)
    assert snapshot(tmp_path) == before


def test_listing_does_not_go_through_links(box: Client) -> None:
    files = box.call("list_files", recursive=True)["files"]
    assert [file["path"] for file in files] == ["folder/deep.txt", "inside.txt"]


def test_a_folder_is_not_made_when_a_later_name_is_wrong(box: Client, tmp_path: Path) -> None:
    before = snapshot(tmp_path)
    for path in ("new/../../outside/x", "new/..", "new/" + "x" * 256, "inside.txt/new"):
        box.failure("make_folder", path=path)
    assert snapshot(tmp_path) == before


def test_a_folder_that_becomes_a_link_during_a_call_leads_nowhere(
    box: Client, root: Path, tmp_path: Path
) -> None:
    # Another program exchanges a folder for a link to the outside, again and again.
    (tmp_path / "outside" / "deep.txt").write_text("secret")
    (tmp_path / "outside" / "gone.txt").write_text("secret")
    before = snapshot(tmp_path / "outside")
    (root / "trap").symlink_to("../outside")
    stop = threading.Event()

    def exchange() -> None:
        while not stop.is_set():
            os.rename(root / "folder", root / "aside")
            os.rename(root / "trap", root / "folder")
            os.rename(root / "folder", root / "trap")
            os.rename(root / "aside", root / "folder")

    thread = threading.Thread(target=exchange)
    thread.start()
    outcomes = set()
    try:
        for number in range(400):
            for tool, arguments in (
                ("read_text", {"path": "folder/deep.txt"}),
                ("write_text", {"path": "folder/new.txt", "content": str(number)}),
                ("append_text", {"path": "folder/more.txt", "content": "x"}),
                ("delete_file", {"path": "folder/gone.txt"}),
                ("list_files", {"path": ".", "recursive": True}),
            ):
                result = box.result(tool, **arguments)
                text = result["content"][0]["text"]
                outcomes.add((tool, result["isError"]))
                assert "secret" not in text
                assert "gone.txt" not in text or result["isError"]
    finally:
        stop.set()
        thread.join()
    assert snapshot(tmp_path / "outside") == before
    assert ("read_text", False) in outcomes
    assert ("read_text", True) in outcomes
