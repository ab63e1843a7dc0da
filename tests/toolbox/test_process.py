"""The process: how it starts, and that it ends quietly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from toolbox.client import Client, command

import goflow


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(*arguments), input=b"", capture_output=True, cwd=cwd, check=False)


def test_the_end_of_input_is_a_clean_exit(root: Path) -> None:
    done = run("--root", str(root))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_root_is_the_current_folder_by_default(root: Path) -> None:
    (root / "here.txt").write_text("x")
    with Client(cwd=root) as box:
        assert [file["path"] for file in box.call("list_files")["files"]] == ["here.txt"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_without_a_traceback(box: Client, number: int, code: int) -> None:
    box.request("ping")
    box.process.send_signal(number)
    _, errors = box.process.communicate()
    assert (box.process.returncode, errors) == (code, b"")
    box.process.returncode = 0  # Seen; the fixture expects the ordinary end.


def test_a_signal_in_the_middle_of_a_call_leaves_no_half_of_a_file(box: Client, root: Path) -> None:
    box.call("write_text", path="big", content="x" * 30_000_000)
    (root / "copy").write_text("old")
    box.send(
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"copy_file","arguments":'
        b'{"source":"big","destination":"copy","overwrite":true}}}'
    )
    while len(os.listdir(root)) == 2 and (root / "copy").stat().st_size == 3:
        pass  # Until the copy has begun.
    box.process.send_signal(signal.SIGTERM)
    box.process.communicate()
    assert box.process.returncode == 0
    assert sorted(os.listdir(root)) == ["big", "copy"]
    assert (root / "copy").stat().st_size in (3, 30_000_000)


def test_a_reader_that_went_away_makes_no_traceback(root: Path) -> None:
    process = subprocess.Popen(
        command("--root", str(root)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    process.stdout.close()
    process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    process.stdin.close()
    assert process.stderr
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait() == 0


def test_input_that_does_not_block_is_not_taken_for_its_end(root: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with subprocess.Popen(
        command("--root", str(root)), stdin=reader, stdout=subprocess.PIPE
    ) as process:
        os.close(reader)
        assert process.stdout
        for _ in range(2):
            os.write(writer, b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
            assert process.stdout.readline() == b'{"jsonrpc":"2.0","id":1,"result":{}}\n'
        os.close(writer)
    assert process.returncode == 0


def test_closed_streams_are_an_error_without_a_traceback(root: Path) -> None:
    shell = ["sh", "-c", 'exec "$0" -m goflow.toolbox <&-', sys.executable]
    done = subprocess.run(shell, capture_output=True, cwd=root, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"goflow-toolbox: ")
    assert b"Traceback" not in done.stderr


def test_a_line_longer_than_the_server_keeps_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    import io

    from goflow.toolbox import stdio

    monkeypatch.setattr(stdio, "LONGEST_LINE", 10)
    monkeypatch.setattr(stdio, "BUFFER", 4)
    lines = io.BytesIO(b"123456789\n" + b"x" * 100 + b"\n" + b"y" * 10 + b"\nshort\n" + b"z" * 11)
    stdio._serve_lines(lines, lambda line: b"<" + line.strip() + b">", b"!")
    assert capfdbinary.readouterr().out == b"<123456789>!!<short>!"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--root"], b"--root needs a folder"),
        (["--root="], b"--root needs a folder"),
        (["--root", "nowhere"], b"--root 'nowhere': no such file"),
        (["--root", "file"], b"--root 'file': not a directory"),
        (["--what"], b"unknown argument '--what'"),
        (["folder"], b"unknown argument 'folder'"),
        (["--read-only=1"], b"unknown argument '--read-only=1'"),
    ],
)
def test_a_wrong_command_line_is_told_and_exits_with_2(
    root: Path, arguments: list[str], words: bytes
) -> None:
    (root / "file").touch()
    done = run(*arguments, cwd=root)
    assert done.returncode == 2
    assert words in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""


def test_help_and_version_are_shown(root: Path) -> None:
    from goflow import __version__

    assert b"--read-only" in run("--help").stdout
    assert run("--version").stdout.decode() == f"goflow-toolbox {__version__}\n"


def test_read_only_offers_no_tool_that_writes(root: Path) -> None:
    with Client("--read-only", f"--root={root}") as box:
        tools = box.request("tools/list")["tools"]
        assert tools
        assert all(tool["annotations"]["readOnlyHint"] for tool in tools)
        error = box.request("tools/call", name="write_text", arguments={"path": "x", "content": ""})
        assert error["code"] == -32602
        assert "read-only" in error["message"]
    assert not list(root.iterdir())


def test_serving_imports_only_small_modules(root: Path) -> None:
    # Without site, for an editable install's finder loads much itself.
    folder = str(Path(goflow.__file__).parents[1])
    code = (
        f"import sys; sys.path.insert(0, {folder!r}); import goflow;"
        "before = set(sys.modules); from goflow.toolbox import main; main([]);"
        "print(*set(sys.modules) - before, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        input=b"",
        capture_output=True,
        cwd=root,
        check=True,
    )
    loaded = set(done.stderr.decode().split())
    assert "goflow.toolbox.server" in loaded
    heavy = {"typing", "argparse", "asyncio", "dataclasses", "inspect", "pathlib", "tempfile"}
    heavy |= {"hashlib", "logging", "subprocess", "threading", "shutil", "random", "msgspec", "mcp"}
    assert not loaded & heavy
