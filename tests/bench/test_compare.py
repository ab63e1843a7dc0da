"""What ``goflow-bench compare`` says of two results, and how it ends."""

import pytest
from measure import CPU, Samples
from support.bench_results import around, bench, entry, saved

from goflow import Cache
from goflow.bench.compare import compare
from goflow.bench.results import read


@pytest.fixture
def files(tmp_path):
    def make(old, new, **extra):
        return (
            saved(tmp_path / "old.json", entry("cache_get", old, **extra)),
            saved(tmp_path / "new.json", entry("cache_get", new, **extra)),
        )

    return make


def verdict(old, new):
    (change,) = compare(read(old), read(new)).changes
    return change.verdict


def test_thirty_percent_slower_is_caught(files):
    old, new = files(around(100), around(130, seed=2))
    assert verdict(old, new) == "slower"
    done = bench("compare", old, new, "--fail-above", "10%")
    assert done.returncode == 1
    assert "cache_get" in done.stdout
    assert "slower" in done.stdout
    assert "+30" in done.stdout
    assert "past 10%: cache_get" in done.stderr


def test_within_the_threshold_it_is_said_and_passes(files):
    old, new = files(around(100), around(108, seed=2))
    done = bench("compare", old, new, "--fail-above", "10%")
    assert done.returncode == 0
    assert "slower" in done.stdout


def test_without_a_threshold_nothing_fails(files):
    assert bench("compare", *files(around(100), around(200))).returncode == 0


def test_faster_is_no_failure(files):
    old, new = files(around(130), around(100, seed=2))
    assert verdict(old, new) == "faster"
    assert bench("compare", old, new, "--fail-above", "0").returncode == 0


def test_the_same_is_indistinguishable(files):
    old, new = files(around(100, spread=0.05), around(100, spread=0.05, seed=2))
    assert verdict(old, new) == "indistinguishable"
    assert verdict(old, old) == "indistinguishable"


def test_a_significant_change_within_the_noise_of_processes_is_indistinguishable(files):
    old, new = files(around(100, spread=0.001), around(103, spread=0.001, seed=2))
    assert verdict(old, new) == "indistinguishable"


def test_a_large_change_that_may_be_chance_is_indistinguishable(files):
    assert verdict(*files([100, 150, 90], [130, 160, 95])) == "indistinguishable"


def test_several_processes_tell_their_own_noise(tmp_path):
    def folder(name, *values):
        for at, value in enumerate(values):
            samples = around(value, spread=0.002, seed=at)
            saved(tmp_path / name / f"{at}.json", entry("cache_get", samples))
        return tmp_path / name

    calm = folder("old", 100, 100.2, 100.1)
    assert verdict(calm, folder("a_little", 103, 103.1, 103.2)) == "slower"
    assert verdict(calm, folder("unsteady", 100, 108, 104)) == "indistinguishable"


def test_more_is_better_where_it_is(files):
    assert verdict(*files(around(80), around(60), unit="%")) == "worse"
    assert verdict(*files(around(80), around(99), unit="calls/s")) == "better"


def test_what_is_on_one_side_only_is_named(tmp_path):
    old = saved(tmp_path / "old.json", entry("a", around(1)), entry("b", around(1)))
    new = saved(tmp_path / "new.json", entry("b", around(1)), entry("c", around(1)))
    shown = bench("compare", old, new).stdout
    assert "Only in old: a" in shown
    assert "Only in new: c" in shown


def test_a_slower_machine_is_mentioned(tmp_path):
    old = saved(tmp_path / "old.json", entry("a", around(1), calibration_ns=100))
    new = saved(tmp_path / "new.json", entry("a", around(1), calibration_ns=150))
    assert "1.50 times as long" in bench("compare", old, new).stdout


def test_a_cache_that_does_thirty_percent_more_is_caught(tmp_path):
    """The real cache: the slower one looks three of ten inputs up twice. CPU time, in turns."""
    inputs = [{"param1": "value1", "param2": at} for at in range(1000)]
    cache = Cache(1000)
    for each in inputs:
        cache.set_result("node", each, {"result": "success"})

    def looking(asked):
        def work():
            get = cache.get_result
            for each in asked:
                get("node", each)

        return work

    asked = {"old": inputs, "new": [*inputs, *inputs[:300]], "again": inputs}
    takers = {name: Samples(looking(each), 1000, CPU, 1_000_000) for name, each in asked.items()}
    for _ in range(25):
        for taker in takers.values():
            taker.take()
    old, new, again = (
        saved(tmp_path / f"{name}.json", entry("cache_get", taker.figure()["samples"]))
        for name, taker in takers.items()
    )
    assert bench("compare", old, new, "--fail-above", "10%").returncode == 1
    assert bench("compare", old, again, "--fail-above", "10%").returncode == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no file"),
        ("not JSON", "it is not JSON"),
        ("[]", "is no file of results"),
        ('{"benchmarks": []}', "is no file of results"),
        ('{"machine_info": {}, "datetime": "", "benchmarks": [{"name": "x"}]}', "lacks what"),
        ('{"machine_info": {}, "datetime": "", "benchmarks": []}', "no benchmark in common"),
    ],
)
def test_a_bad_file_is_named_with_a_hint(tmp_path, content, said):
    good, bad = saved(tmp_path / "good.json", entry("a", around(1))), tmp_path / "bad.json"
    if content is not None:
        bad.write_text(content)
    done = bench("compare", good, bad)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_folder_and_no_samples_are_errors(tmp_path):
    good = saved(tmp_path / "good.json", entry("a", around(1)))
    (tmp_path / "empty").mkdir()
    assert "there are no results in" in bench("compare", good, tmp_path / "empty").stderr
    nothing = saved(tmp_path / "none.json", entry("a", []))
    assert "is no file of results" in bench("compare", good, nothing).stderr


@pytest.mark.parametrize("threshold", ["much", "-5%", "nan", "inf"])
def test_a_threshold_that_is_none_is_refused(files, threshold):
    done = bench("compare", *files(around(1), around(1)), f"--fail-above={threshold}")
    assert done.returncode == 2
    assert "is no threshold" in done.stderr
