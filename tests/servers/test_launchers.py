"""``npx`` and ``uvx``: the script behind them, where it is installed."""

import json
import os
import stat
from pathlib import Path

import pytest
from support.servers import text_of

from goflow.servers import launchers
from goflow.servers.config import ServerConfig
from goflow.servers.launchers import Direct, is_launcher, resolve
from goflow.servers.stdio import StdioSession


@pytest.fixture
def package(tmp_path, monkeypatch):
    """``package(name, version, bin)``: an npm package in the project of the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")

    def package(name, version="1.2.3", scripts="run.js"):
        folder = tmp_path / "node_modules" / name
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(json.dumps({"version": version, "bin": scripts}))
        for script in [scripts] if isinstance(scripts, str) else scripts.values():
            (folder / script).write_text("")
        return folder

    return package


def test_what_a_launcher_is():
    assert all(is_launcher(name) for name in ("npx", "uvx", "/usr/bin/npx", "npx.cmd", "pipx"))
    assert not any(is_launcher(name) for name in ("node", "python", "npxx", ""))


@pytest.mark.parametrize(
    "args",
    [
        ["-y", "@scope/server", "a", "--b"],
        ["--yes", "--", "@scope/server", "a", "--b"],
        ["@scope/server@latest", "a", "--b"],
        ["@scope/server@1.2.3", "a", "--b"],
        ["-p", "@scope/server", "server", "a", "--b"],
        ["--package=@scope/server@1.2.3", "server", "a", "--b"],
    ],
)
def test_an_installed_npm_package_is_started_by_node(package, args):
    folder = package("@scope/server", scripts={"other": "o.js", "server": "run.js"})
    assert resolve("npx", args) == Direct(
        "node", (str(folder / "run.js"), "a", "--b"), "@scope/server 1.2.3"
    )


def test_the_only_script_of_a_package_need_not_have_its_name(package):
    folder = package("@scope/server", scripts={"mcp-server": "run.js"})
    assert resolve("npx", ["@scope/server"]).args == (str(folder / "run.js"),)


@pytest.mark.parametrize(
    "args", [["server@2.0.0"], ["missing"], ["-p", "server", "no-such-script"]]
)
def test_what_is_not_installed_says_how_to(package, args):
    package("server")
    assert "npm install -g" in resolve("npx", args)


@pytest.mark.parametrize("args", [[], ["-y"], ["-c", "echo hi"], ["--shell", "x", "y"]])
def test_arguments_that_are_not_understood_are_left_alone(package, args):
    assert "its arguments are more than" in resolve("npx", args)
    assert "its arguments are more than" in resolve("uvx", args)


def test_a_package_whose_manifest_is_broken_is_passed_over(package):
    for text in ("{", "[]", '{"bin": 5}', '{"bin": {"server": "../../gone.js"}}'):
        folder = package("server")
        (folder / "package.json").write_text(text)
        assert "is not installed" in resolve("npx", ["server"])
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An environment with the script ``my-server`` of the package ``my.server`` 1.2 on the PATH."""
    folder = tmp_path / "tool"
    (folder / "bin").mkdir(parents=True)
    (folder / "lib" / "python3.12" / "site-packages" / "my_server-1.2.dist-info").mkdir(
        parents=True
    )
    script = folder / "bin" / "my-server"
    script.write_text("#!/bin/sh\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder / "bin"))
    return script


@pytest.mark.parametrize(
    ("launcher", "args"),
    [
        ("uvx", ["my-server", "a"]),
        ("uvx", ["my-server@latest", "a"]),
        ("uvx", ["my-server@1.2", "a"]),
        ("uvx", ["--from", "my.server==1.2", "my-server", "a"]),
        ("uvx", ["--from=my.server[extra]", "my-server", "a"]),
        ("uv", ["tool", "run", "my-server", "a"]),
        ("pipx", ["run", "my-server", "a"]),
        ("pipx", ["run", "--spec", "my.server==1.2", "my-server", "a"]),
    ],
)
def test_an_installed_script_of_python_is_started_itself(environment, launcher, args):
    found = resolve(launcher, args)
    assert (found.command, found.args) == (str(environment), ("a",))
    assert found.package.endswith("server 1.2")


@pytest.mark.parametrize("args", [["my-server@9.9"], ["no-such-server"]])
def test_another_version_than_asked_for_does_not_count(environment, args):
    assert "uv tool install" in resolve("uvx", args)


@pytest.mark.parametrize(
    ("launcher", "args"),
    [("uv", ["run", "x"]), ("pipx", ["install", "x"]), ("uvx", ["git+https://x/y", "z"])],
)
def test_other_uses_of_a_launcher_are_left_alone(environment, launcher, args):
    assert isinstance(resolve(launcher, args), str)


def test_the_script_that_is_found_is_the_server(run, scripts, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    found = resolve("uvx", ["mcp-server-time", "--local-timezone", "UTC"])
    assert found.command == str(scripts / "mcp-server-time")
    assert found.package.startswith("mcp-server-time 20")

    async def main():
        config = ServerConfig(id="time", command=found.command, args=found.args)
        session = await StdioSession.connect(config)
        result = await session.call_tool("get_current_time", {"timezone": "UTC"})
        await session.close()
        return text_of(result)

    assert "UTC" in run(main())


@pytest.mark.node
def test_the_npm_package_that_is_found_is_the_server(run, node_modules, monkeypatch):
    monkeypatch.chdir(node_modules.parent)
    found = resolve("npx", ["-y", "@modelcontextprotocol/server-everything", "stdio"])
    assert found.command == "node"
    assert Path(found.args[0]).is_file()

    async def main():
        config = ServerConfig(id="everything", command=found.command, args=found.args)
        session = await StdioSession.connect(config)
        result = await session.call_tool("echo", {"message": "hi"})
        await session.close()
        return text_of(result)

    assert "hi" in run(main())


@pytest.mark.node
def test_npm_is_asked_for_global_packages(tmp_path, monkeypatch, node_modules):
    prefix = tmp_path / "prefix"
    folder = prefix / "lib" / "node_modules" / "my-global"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"version": "1.0.0", "bin": "x.js"}')
    (folder / "x.js").write_text("")
    monkeypatch.setenv("npm_config_prefix", str(prefix))
    monkeypatch.chdir(tmp_path)
    assert resolve("npx", ["my-global"]).args == (str(folder / "x.js"),)
    assert os.environ["PATH"]
    monkeypatch.setattr(launchers, "_PATIENCE", 0.0001)
    assert "is not installed" in resolve("npx", ["my-global"])
