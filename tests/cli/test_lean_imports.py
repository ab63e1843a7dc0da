"""What the command puts off loading is there as soon as somebody asks for it."""

import json
import subprocess
import sys

import pytest
from support.servers import minimal

LEAN = "from goflow.cli import lean_imports; lean_imports.install(); "


def printed(code):
    done = subprocess.run(
        [sys.executable, "-c", LEAN + code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_asyncio_loads_no_tls_until_somebody_asks_for_it():
    code = (
        "import sys, asyncio, ssl; print('_ssl' in sys.modules); "
        "print(ssl.create_default_context().verify_mode.name, '_ssl' in sys.modules, "
        "asyncio.sslproto.SSLProtocol.__name__)"
    )
    assert printed(code).split() == ["False", "CERT_REQUIRED", "True", "SSLProtocol"]


def test_names_are_imported_from_a_module_that_is_put_off():
    assert printed("from textwrap import dedent; print(dedent('  a'))") == "a"


def test_what_a_module_does_not_have_is_missing_in_it():
    code = "import textwrap; print(hasattr(textwrap, 'nope'), hasattr(textwrap, 'dedent'))"
    assert printed(code) == "False True"


def test_threads_that_ask_at_once_get_the_whole_module():
    code = (
        "import tokenize; from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    print(len(set(pool.map(lambda _: tokenize.untokenize, range(64)))))"
    )
    assert printed(code) == "1"


def test_a_thread_never_sees_half_a_module(tmp_path):
    (tmp_path / "half.py").write_text(
        "import __main__\n"
        "def early(): return late\n"
        "__main__.begun.set(); __main__.go_on.wait()\n"
        "late = 'whole'\n"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); lean_imports.LAZY.add('half')\n"
        "import half; from threading import Event, Thread\n"
        "begun, go_on, asked = Event(), Event(), Event()\n"
        "def ask(): asked.set(); print(half.early())\n"
        "first, second = Thread(target=lambda: half.late), Thread(target=ask)\n"
        "first.start(); begun.wait(); second.start(); asked.wait()\n"
        "second.join(0.1); go_on.set(); second.join()"
    )
    assert printed(code) == "whole"


@pytest.mark.parametrize(
    ("text", "value"),
    [("[1, 0x1F, yes, 2001-12-14]", "[1, 31, True, datetime.date(2001, 12, 14)]"), ("a\x07", None)],
)
def test_patterns_that_are_compiled_later_match_the_same(text, value):
    code = (
        "import yaml\n"
        f"try: print(yaml.load({text!r}, yaml.SafeLoader))\n"
        "except yaml.reader.ReaderError: print(None)"
    )
    assert printed(code) == str(value)


def test_a_traceback_shows_its_lines():
    code = "import traceback, linecache; print(linecache.getline(traceback.__file__, 1))"
    assert printed(code).startswith('"""')


def test_a_line_is_cleaned_without_loading_what_inspects():
    code = (
        "import sys, inspect; lines = ['', '  a  ', '\\tb\\tc', 'd']; "
        "lean = [inspect.cleandoc(line) for line in lines]; print('ast' in sys.modules); "
        "print(inspect.cleandoc('a\\n    b\\n') == 'a\\nb', 'ast' in sys.modules); "
        "print(lean == [inspect.cleandoc(line) for line in lines], inspect.isfunction(len))"
    )
    assert printed(code).split() == ["False", "True", "True", "True", "False"]


def test_a_pattern_that_is_compiled_later_is_one_for_the_functions_of_its_module_too():
    code = "import gettext; print([gettext.c2py('n != 1 || n > 7')(n) for n in (1, 2)])"
    assert printed(code) == "[0, 1]"


def test_a_run_loads_nothing_before_its_call_that_is_for_others(tmp_path):
    file = tmp_path / "one.yaml"
    server = minimal()
    file.write_text(json.dumps({
        "version": "1.0", "name": "one",
        "servers": [{"id": "m", "command": server.command, "args": list(server.args)}],
        "nodes": [{"id": "start", "type": "start"},
                  {"id": "call", "type": "mcp_tool", "server": "m", "tool": "echo",
                   "arguments": {"text": "hi"}},
                  {"id": "end", "type": "end"}],
        "edges": [{"from": "start", "to": "call"}, {"from": "call", "to": "end"}],
    }))  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "goflow", "run", "--quiet", str(file)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "goflow.engine.run" in loaded
    others = {"_ssl", "dataclasses", "pydantic_core", "mcp", "rich", "httpx2", "keyring"}
    if sys.version_info >= (3, 11):  # before, msgspec needs typing_extensions, which inspects
        others.add("ast")
    assert loaded.isdisjoint(others)
