"""``goflow-bench run`` on this checkout, for real but quickly."""

import json

import pytest
from support.bench_results import around, bench, entry, saved

NAMED = {
    "cache_set", "cache_get", "cache_hit_rate", "cache_eviction", "cache_parallel",
    "cache_should_cache", "cache_memory_usage",
    *(f"cache_clean_expired[{n}]" for n in (100, 500, 1000)),
    *(f"cache_input_hashing[{size}]" for size in ("simple", "complex", "large")),
    "pool_get", "pool_get_parallel", "pool_cleanup", "pool_usage_tracking", "pool_stats",
    "pool_is_prewarmed", "pool_memory_usage",
    *(f"pool_prewarm[{n}]" for n in (5, 10, 25)),
    *(f"pool_reuse[{n}]" for n in (20, 50, 80, 95)),
    *(f"validate[{10**n}]" for n in range(1, 7)), "load[100]", "startup",
    "node_overhead[chain]", "node_overhead[fan_out]", "memory[base]", "memory[per_server]",
    "repeat_run", "prewarmed_first_call[slow_boots]",
}  # fmt: skip


@pytest.mark.timeout(300)
def test_the_quick_mode_runs_everything_and_saves_it(tmp_path):
    """Whatever it takes; an error of any benchmark is one here."""
    file = tmp_path / "quick.json"
    done = bench("run", "--quick", "--save", file)
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads(file.read_text())
    found = {each["name"].removeprefix("test_"): each for each in content["benchmarks"]}
    assert {name for name in NAMED if not name.startswith("validate[1000")} - {
        "validate[1000000]", "validate[100000]", "validate[10000]", "validate[1000]"
    } <= found.keys()  # fmt: skip
    for each in found.values():
        for figure in each["extra_info"]["figures"].values():
            assert figure["samples"], each["name"]
    extra = {name: each["extra_info"] for name, each in found.items()}
    assert extra["cache_hit_rate"]["hit_rate_%"] == 80
    assert extra["cache_eviction"]["final_size"] == 1000
    assert [extra[f"pool_reuse[{n}]"]["actual_reuse_%"] for n in (20, 50, 80, 95)] == [
        20, 50, 80, 95
    ]  # fmt: skip
    assert extra["pool_cleanup"]["closed"] == 1000
    assert "node" not in content["machine_info"]
    assert bench("export", file, "--format", "go").returncode == 0
    assert bench("compare", file, file, "--fail-above", "0").returncode == 0


def test_every_benchmark_goes_by_its_name():
    done = bench("list")
    listed = {line.strip() for line in done.stdout.splitlines() if line.startswith("  ")}
    assert listed >= NAMED


def test_one_benchmark_runs_by_its_name_with_and_without_parameters():
    done = bench("run", "cache_clean_expired", "pool_reuse[95]", "--quick")
    assert done.returncode == 0, done.stderr
    rows = [line.split()[0] for line in done.stdout.splitlines() if line[:1].isalpha()]
    assert rows == [
        "cache_clean_expired[100]",
        "cache_clean_expired[500]",
        "cache_clean_expired[1000]",
        "pool_reuse[95]",
    ]


def test_bytes_and_blocks_are_counted_apart():
    pytest.importorskip("memray")
    done = bench("run", "cache_set", "--quick", "--mem")
    assert done.returncode == 0, done.stderr
    assert "bytes_per_op" in done.stdout
    assert "blocks_per_op" in done.stdout


def test_a_profile_names_functions():
    done = bench("run", "parse", "--quick", "--profile")
    assert done.returncode == 0, done.stderr
    assert "grammar.py" in done.stdout


def test_several_processes_are_kept_apart(tmp_path):
    file = tmp_path / "r.json"
    assert bench("run", "cache_get", "--quick", "--processes", 2, "--save", file).returncode == 0
    content = json.loads(file.read_text())
    assert [each["name"] for each in content["benchmarks"]] == ["test_cache_get"] * 2


def test_what_is_saved_is_not_measured_again(tmp_path):
    file = saved(tmp_path / "r.json", entry("cache_get", around(1)))
    before = json.loads(file.read_text())
    done = bench("run", "cache", "--save", file, "--resume")
    assert done.returncode == 0
    assert json.loads(file.read_text()) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "cache_gte"], "did you mean cache_get"),
        (["run", "cache_reuse[20]"], "no benchmark or category called 'cache_reuse[20]'"),
        (["run", "--resume"], "--resume needs --save"),
        (["run", "cache", "--save", "no/such/folder/x.json"], "there is no folder"),
        (["run", "--processes", "0"], "--processes"),
        (["ruin"], "No such command"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(arguments, said):
    done = bench(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_of_a_checkout_it_says_so(tmp_path):
    for verb in (["run"], ["list"], ["report"]):
        done = bench(*verb, cwd=tmp_path)
        assert done.returncode == 2
        assert "no checkout of GoFlow is here" in done.stderr
        assert "--checkout" in done.stderr


def test_a_benchmark_that_fails_is_shown_and_ends_with_one(tmp_path):
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n"
                                             'python_files = ["bench_*.py"]\n')  # fmt: skip
    (folder / "measure.py").write_text("")
    (folder / "bench_broken.py").write_text("def test_broken():\n    raise OSError('no luck')\n")
    (folder / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--peers', action='store_true')\n"
        "    parser.addoption('--quick', action='store_true')\n"
    )
    done = bench("run", cwd=tmp_path)
    assert done.returncode == 1
    assert "no luck" in done.stderr
