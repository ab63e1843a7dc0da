"""The file tools, one promise at a time."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest
from toolbox.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1 << 20


@pytest.fixture
def plain_box(root: Path) -> Iterator[Client]:
    """A server that may do what files' modes say, also when root runs the tests."""
    with Client("--root", str(root), privileged=False) as client:
        yield client


def test_text_is_read_unchanged(box: Client, root: Path) -> None:
    for text in ("", "x", "a\r\nb\rc\n", "\ufeffé😀\u2028\0", '{"a": 1}'):
        (root / "file").write_bytes(text.encode())
        assert box.call("read_text", path="file") == text


def test_text_is_one_block_without_structure(box: Client, root: Path) -> None:
    (root / "file").write_text("x")
    result = box.result("read_text", path="file")
    assert result == {"content": [{"type": "text", "text": "x"}], "isError": False}


def test_a_file_that_is_not_utf8_is_an_error(box: Client, root: Path) -> None:
    (root / "file").write_bytes(b"ab\xff")
    for tool in ("read_text", "read_json", "read_csv"):
        assert box.failure(tool, path="file") == "'file' is not UTF-8 text (byte 2)"
    assert box.call("file_info", path="file")["size"] == 3


def test_a_missing_file_is_an_error(box: Client, root: Path) -> None:
    for tool in ("read_text", "read_json", "read_csv", "file_info", "delete_file"):
        assert box.failure(tool, path="no/file") == "there is no folder 'no'"
        assert box.failure(tool, path="file") == "there is no file 'file'"
    for tool in ("write_text", "append_text"):
        assert box.failure(tool, path="no/file", content="") == "there is no folder 'no'"
    assert box.failure("list_files", path="no") == "there is no folder 'no'"
    assert not list(root.iterdir())


def test_a_file_that_is_too_large_to_read_is_an_error(box: Client, root: Path) -> None:
    with open(root / "large", "wb") as file:
        file.truncate(32 * MIB + 1)
    for tool in ("read_text", "read_json", "read_csv"):
        message = box.failure(tool, path="large")
        assert message == "'large' is too large: the limit is 32 MiB"
    with open(root / "huge", "wb") as file:
        file.truncate(1024 * MIB + 1)
    message = box.failure("file_info", path="huge")
    assert message == "'huge' is too large: the limit is 1024 MiB"
    assert "too large" in box.failure("copy_file", source="huge", destination="copy")
    assert sorted(os.listdir(root)) == ["huge", "large"]


def test_a_large_file_is_read_whole(box: Client, root: Path) -> None:
    text = "é\n" * (2 * MIB)
    assert box.call("write_text", path="large", content=text) == {"path": "large", "size": 6 * MIB}
    assert box.call("read_text", path="large") == text


def test_writing_replaces_the_whole_file(box: Client, root: Path) -> None:
    assert box.call("write_text", path="file", content="a longer one") == {
        "path": "file",
        "size": 12,
    }
    assert box.call("write_text", path="./file", content="é\r\n") == {"path": "file", "size": 4}
    assert (root / "file").read_bytes() == "é\r\n".encode()
    assert os.listdir(root) == ["file"]


def test_writing_keeps_the_mode_of_a_file_that_is_there(box: Client, root: Path) -> None:
    (root / "file").write_text("x")
    for mode in (0o600, 0o755, 0o666):
        (root / "file").chmod(mode)
        for tool in ("write_text", "append_text"):
            box.call(tool, path="file", content="y")
            assert (root / "file").stat().st_mode & 0o7777 == mode
        box.call("write_json", path="file", value=1)
        assert (root / "file").stat().st_mode & 0o7777 == mode


def test_a_new_file_has_the_mode_that_the_umask_allows(box: Client, root: Path) -> None:
    (root / "usual").touch()
    for tool in ("write_text", "append_text"):
        box.call(tool, path=tool, content="")
        assert (root / tool).stat().st_mode == (root / "usual").stat().st_mode


def test_writing_gives_a_new_file_and_leaves_the_old_one_to_its_readers(
    box: Client, root: Path
) -> None:
    (root / "file").write_text("old")
    with open(root / "file") as reader:
        box.call("write_text", path="file", content="new")
        assert reader.read() == "old"
    assert (root / "file").read_text() == "new"


def test_a_file_that_may_not_be_written_is_not_replaced(plain_box: Client, root: Path) -> None:
    (root / "file").write_text("x")
    (root / "file").chmod(0o444)
    assert "permission denied" in plain_box.failure("write_text", path="file", content="y")
    assert (root / "file").read_text() == "x"


def test_a_folder_that_may_not_be_written_is_told(plain_box: Client, root: Path) -> None:
    (root / "locked").mkdir(mode=0o555)
    message = plain_box.failure("write_text", path="locked/file", content="y")
    assert message == "'locked/file': no permission to write in its folder"


def test_a_write_that_fails_leaves_the_old_file_and_no_other(box: Client, root: Path) -> None:
    (root / "file").write_text("old")
    (root / "source").write_text("new")
    assert box.failure("write_text", path="file", content="\ud800")
    assert box.failure("write_json", path="file", value="\ud800")
    assert box.failure("write_csv", path="file", rows=[{"a": "\ud800"}])
    assert sorted(os.listdir(root)) == ["file", "source"]
    assert (root / "file").read_text() == "old"


def test_appending_adds_to_the_end_and_makes_a_missing_file(box: Client, root: Path) -> None:
    assert box.call("append_text", path="log", content="a\n") == {"path": "log", "size": 2}
    assert box.call("append_text", path="log", content="b\n") == {"path": "log", "size": 4}
    assert (root / "log").read_text() == "a\nb\n"


@pytest.mark.parametrize(
    ("data", "lines"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\nb", 2), (b"\n\n", 2)]
)
def test_file_info_counts_and_digests(box: Client, root: Path, data: bytes, lines: int) -> None:
    (root / "file").write_bytes(data)
    os.utime(root / "file", ns=(0, 1_700_000_000_123_456_789))
    assert box.call("file_info", path="file") == {
        "path": "file",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "lines": lines,
        "modified": "2023-11-14T22:13:20.123Z",
    }


def test_listing_gives_files_sorted_by_path(box: Client, root: Path) -> None:
    for name in ("b.txt", "a.txt", "sub/c.txt", "sub.txt", "sub/deep/d.TXT", ".hidden"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)

    def names(**arguments: object) -> list[str]:
        return [file["path"] for file in box.call("list_files", **arguments)["files"]]

    assert names() == [".hidden", "a.txt", "b.txt", "sub.txt"]
    assert names(pattern="*.txt") == ["a.txt", "b.txt", "sub.txt"]
    assert names(pattern="[ab].*") == ["a.txt", "b.txt"]
    assert names(pattern="[!ab].txt") == []
    assert names(recursive=True, pattern="?.txt") == ["a.txt", "b.txt", "sub/c.txt"]
    assert names(path="sub", recursive=True) == ["sub/c.txt", "sub/deep/d.TXT"]
    assert names(path="sub/deep", pattern="*.TXT") == ["sub/deep/d.TXT"]
    assert names(pattern="") == []
    first = box.call("list_files", pattern="a*")["files"][0]
    assert first["size"] == 5
    assert first["modified"].endswith("Z")


def test_listing_leaves_out_names_that_are_not_utf8(box: Client, root: Path) -> None:
    with open(os.fsencode(root) + b"/\xff", "wb"):
        pass
    os.mkdir(os.fsencode(root) + b"/\xfe")
    (root / "plain").touch()
    assert [file["path"] for file in box.call("list_files", recursive=True)["files"]] == ["plain"]


def test_listing_stops_at_folders_that_nest_too_deeply(box: Client, root: Path) -> None:
    os.makedirs(root / "/".join(["d"] * 64))
    assert box.call("list_files", recursive=True) == {"files": []}
    os.makedirs(root / "/".join(["d"] * 65))
    assert "nest too deeply" in box.failure("list_files", recursive=True)


def test_copying_keeps_content_and_permissions(box: Client, root: Path) -> None:
    (root / "source").write_bytes(b"\x00\xff" * MIB)
    (root / "source").chmod(0o740)
    answer = box.call("copy_file", source="source", destination="copy")
    assert answer == {"path": "copy", "size": 2 * MIB}
    assert (root / "copy").read_bytes() == (root / "source").read_bytes()
    assert (root / "copy").stat().st_mode & 0o777 == 0o740


def test_copying_over_a_file_must_be_asked_for(box: Client, root: Path) -> None:
    (root / "source").write_text("new")
    (root / "there").write_text("old")
    (root / "there").chmod(0o600)
    message = box.failure("copy_file", source="source", destination="there")
    assert message == "'there' is there already; set overwrite to copy over it"
    assert (root / "there").read_text() == "old"
    box.call("copy_file", source="source", destination="there", overwrite=True)
    assert (root / "there").read_text() == "new"
    assert (root / "there").stat().st_mode & 0o777 == 0o600
    box.call("copy_file", source="there", destination="there", overwrite=True)
    assert (root / "there").read_text() == "new"


def test_deleting_deletes_one_file(box: Client, root: Path) -> None:
    (root / "a").touch()
    (root / "b").touch()
    assert box.call("delete_file", path="a") == {"path": "a", "deleted": True}
    assert os.listdir(root) == ["b"]


def test_making_a_folder_makes_those_above_it(box: Client, root: Path) -> None:
    assert box.call("make_folder", path="a/b/c/") == {"path": "a/b/c", "created": True}
    assert (root / "a/b/c").is_dir()
    assert box.call("make_folder", path="a/b/c") == {"path": "a/b/c", "created": False}
    assert box.call("make_folder", path="a/b/d") == {"path": "a/b/d", "created": True}
    assert box.call("make_folder", path=".") == {"path": ".", "created": False}
    (root / "file").touch()
    assert box.failure("make_folder", path="file") == "'file' is not a folder"
    box.call("write_text", path="a/b/c/file", content="x")
    assert (root / "a/b/c/file").read_text() == "x"


def test_a_root_that_is_renamed_or_deleted_is_told_and_not_looked_for_again(
    box: Client, root: Path
) -> None:
    (root / "gone").mkdir()
    box.request("ping")  # It has started, so it holds the root open.
    os.rename(root, f"{root}-moved")
    assert box.call("make_folder", path="gone") == {"path": "gone", "created": False}
    os.rmdir(f"{root}-moved/gone")
    os.rmdir(f"{root}-moved")
    assert "no such file or directory" in box.failure("write_text", path="x", content="")
    assert box.call("list_files") == {"files": []}
