"""Every test has a home folder of its own and must leave nothing behind."""

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

import hypothesis
import pytest
from support.servers import children, open_descriptors, wait_until

IN_CI = bool(os.environ.get("CI"))
NODE_MODULES = Path(__file__).parents[1] / "examples" / "public" / "node_modules"

# A shell starts what runs in the background with interrupts ignored, and nohup with hang-ups; child
# processes would inherit it, and those that tests interrupt would go on.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

if os.environ.get("GOFLOW_LINE_TRACE") == "1":
    # Whoever traces runs between any two lines of the core, also where its records are in
    # transition: the collector must not look at them then. It is slow as well.
    gc.disable()
    hypothesis.settings.register_profile("traced", deadline=None)
    hypothesis.settings.load_profile("traced")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A fresh GOFLOW_HOME, and no keyring: that of who runs the tests is not ours to read."""
    folder = tmp_path / "home"
    monkeypatch.setenv("GOFLOW_HOME", str(folder))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return folder


@pytest.fixture
def keyring_file(tmp_path, monkeypatch):
    """A keyring for this test, here and in child processes; gives the file it is."""
    import keyring
    from support.keyring_file import FileKeyring

    before = keyring.get_keyring()
    file = tmp_path / "keyring.json"
    monkeypatch.setenv("GOFLOW_TEST_KEYRING", str(file))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "support.keyring_file.FileKeyring")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    keyring.set_keyring(FileKeyring())
    yield file
    keyring.set_keyring(before)


@pytest.fixture(autouse=True)
def _no_trace():
    """No child process and no file descriptor is left by a test."""
    children_before, before = children(), open_descriptors()
    yield
    if children() - children_before or open_descriptors().keys() - before.keys():
        # Garbage may still hold them. Collecting after every test would take longer than the tests.
        gc.collect()
    assert wait_until(lambda: not children() - children_before), "a child process is left"
    after = open_descriptors()
    assert {fd: after[fd] for fd in after.keys() - before.keys()} == {}, "descriptors are left"


@pytest.fixture
def run():
    """Run a coroutine as `asyncio.run` does, and see that no task and no error is left."""

    def run(coroutine):
        problems = []

        async def main():
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _, context: problems.append(context))
            result = await coroutine
            gc.collect()
            # Generators that others left open are closed by the loop, each in a task of its own.
            for _ in range(5):
                await asyncio.sleep(0)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert left == set(), "tasks are left"
            return result

        result = asyncio.run(main())
        assert problems == []
        return result

    return run


@pytest.fixture(scope="session")
def node_modules():
    """The folder of the npm servers; without it the test is skipped, but never in CI."""
    named = os.environ.get("GOFLOW_TEST_NODE_MODULES")
    folder = Path(named) if named else NODE_MODULES
    if not folder.is_dir():
        pytest.skip(f"no npm servers in {folder}: npm install --prefix examples/public")
    return folder


@pytest.fixture(scope="session")
def scripts():
    """The folder of the console scripts of this environment."""
    return Path(sys.executable).parent


def pytest_terminal_summary(terminalreporter):
    """In CI everything is there that the tests need, so that a skip is a failure."""
    skipped = _missed(terminalreporter)
    if IN_CI and skipped:
        terminalreporter.write_line(f"{len(skipped)} tests were skipped in CI", red=True)


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if IN_CI and reporter is not None and _missed(reporter) and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _missed(reporter):
    """The skips, but for those of tests that need a large program which CI does without."""
    skipped = reporter.stats.get("skipped", [])
    return [one for one in skipped if "optional: " not in str(one.longrepr)]
