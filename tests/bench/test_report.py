"""Targets and their verdicts."""

import pytest
from support.bench_results import ROOT, around, bench, entry, saved

from goflow.bench.checkout import Checkout
from goflow.bench.report import Target, Yardstick, report, rows, verdicts_in
from goflow.bench.results import read
from goflow.bench.runner import names

TARGET = Target("cache get", "cache_get", 100)


def verdict(tmp_path, value, before=None, target=TARGET, **extra):
    results = read(saved(tmp_path / "r.json", entry("cache_get", [value] * 7, **extra)))
    (row,) = rows([target], results, {"cache get": before} if before else None)
    return row.verdict


@pytest.mark.parametrize(
    ("value", "expected"),
    [(60, "met"), (100, "met"), (110, "near"), (125, "near"), (130, "missed")],
)
def test_a_target_is_met_near_or_missed(tmp_path, value, expected):
    assert verdict(tmp_path, value) == expected


@pytest.mark.parametrize("edge", [100, 125])
def test_noise_about_an_edge_changes_no_verdict(tmp_path, edge):
    first = verdict(tmp_path, edge * 0.98)
    assert verdict(tmp_path, edge * 1.02, first) == first
    second = verdict(tmp_path, edge * 1.02)
    assert second != first
    assert verdict(tmp_path, edge * 0.98, second) == second


LOOK_UP = Yardstick("a look-up in a dict", "cache_get", "dict", 18)


def test_a_change_beyond_the_margin_changes_the_verdict(tmp_path):
    assert verdict(tmp_path, 107, "met") == "near"
    assert verdict(tmp_path, 93, "near") == "met"
    assert verdict(tmp_path, 140, "met") == "missed"


def test_a_ratio_counts_against_the_best_in_the_same_run(tmp_path):
    target = Target("cache get", "cache_get", 1.2, against=("dict", "other"))
    peers = {"dict": [100] * 7, "other": [500] * 7}
    assert verdict(tmp_path, 115, target=target, peers=peers) == "met"
    assert verdict(tmp_path, 200, target=target, peers=peers) == "missed"
    assert verdict(tmp_path, 115, target=target) == "not measured"


def test_a_target_below_the_floor_is_said_to_be(tmp_path):
    target = Target("cache get", "cache_get", 0.1, against=("peer",), floor="floor")
    for floor, said in ((5, False), (20, True)):
        peers = {"peer": [100] * 7, "floor": [floor] * 7}
        results = read(saved(tmp_path / "r.json", entry("cache_get", [30] * 7, peers=peers)))
        (row,) = rows([target], results)
        assert ("below the floor" in row.beside) == said
        assert row.verdict == "missed"


def test_a_best_peer_that_is_undercut_is_no_floor(tmp_path):
    target = Target("cache get", "cache_get", 80, floor="peer")
    for peer, said in ((70, False), (90, True), (150, False)):
        peers = {"peer": [peer] * 7}
        results = read(saved(tmp_path / "r.json", entry("cache_get", [100] * 7, peers=peers)))
        (row,) = rows([target], results)
        assert ("below the floor" in row.beside) == said


def test_at_least_turns_it_round(tmp_path):
    target = Target("cache get", "cache_get", 80, "%", at_least=True)
    assert verdict(tmp_path, 82, target=target, unit="%") == "met"
    assert verdict(tmp_path, 70, target=target, unit="%") == "near"
    assert verdict(tmp_path, 0, target=target, unit="%") == "missed"


def test_what_was_not_measured_says_so(tmp_path):
    assert verdict(tmp_path, 1, target=Target("cache get", "nothing", 1)) == "not measured"
    number = Target("cache get", "cache_get", 1, number="nothing")
    assert verdict(tmp_path, 1, target=number) == "not measured"


@pytest.mark.parametrize(("look_up", "said"), [(18, "near"), (21.6, "met"), (9, "missed")])
def test_a_time_is_judged_by_how_fast_the_machine_is(tmp_path, look_up, said):
    peers = {"dict": [look_up] * 7}
    results = read(saved(tmp_path / "r.json", entry("cache_get", [115] * 7, peers=peers)))
    (time, share) = rows(
        [Target("time", "cache_get", 100), Target("share", "cache_get", 100, "%")],
        results,
        yardstick=LOOK_UP,
    )
    assert time.verdict == said
    assert share.verdict == "near"
    assert time.share == pytest.approx(1.15 * 18 / look_up)
    page = report([time.target], results, {}, "growth.svg", LOOK_UP)
    assert f"divided by {look_up / 18:.2f}." in page


def test_a_target_may_have_a_yardstick_of_its_own(tmp_path):
    peers = {"dict": [18] * 7, "peer": [30] * 7}
    results = read(saved(tmp_path / "r.json", entry("cache_get", [110] * 7, peers=peers)))
    own = Yardstick("a peer", "cache_get", "peer", 20)
    (row,) = rows([Target("time", "cache_get", 100, yardstick=own)], results, yardstick=LOOK_UP)
    assert row.share == pytest.approx(1.1 / 1.5)
    assert row.beside == "judged by a peer, 20 ns there: divided by 1.50"


def test_a_machine_whose_speed_was_not_measured_is_taken_as_it_is(tmp_path):
    results = read(saved(tmp_path / "r.json", entry("cache_set", [90] * 7)))
    (row,) = rows([Target("time", "cache_set", 100)], results, yardstick=LOOK_UP)
    assert row.share == pytest.approx(0.9)


def test_a_report_says_again_what_it_said_before(tmp_path):
    values = {f"work {at}": 90 + 3 * at for at in range(20)}
    targets = [Target(work, work, 100) for work in values]

    def page(noise, before):
        entries = [
            entry(work, [value * noise] * 7, peers={"dict": around(10, 7)})
            for work, value in values.items()
        ]
        results = read(saved(tmp_path / "r.json", *entries))
        return report(targets, results, verdicts_in(before), "growth.svg", LOOK_UP)

    first = page(1, "")
    assert set(verdicts_in(first).values()) == {"met", "near", "missed"}
    for noise in (0.97, 1.03):
        assert verdicts_in(page(noise, first)) == verdicts_in(first)
    assert "Some Processor" in first


def test_every_target_names_a_benchmark_that_is_there():
    checkout = Checkout(ROOT)
    known = {name for found in names(checkout).values() for name in found}
    targets = checkout.module("targets").TARGETS
    assert {target.benchmark for target in targets} <= known
    yardsticks = [target.yardstick for target in targets if target.yardstick is not None]
    yardsticks.append(checkout.module("targets").YARDSTICK)
    assert {yardstick.benchmark for yardstick in yardsticks} <= known
    assert len({target.work for target in targets}) == len(targets)


def test_the_report_is_written_beside_the_benchmarks(tmp_path):
    checkout = tmp_path / "checkout"
    (checkout / "benchmarks").mkdir(parents=True)
    for file in ("measure.py", "targets.py"):
        (checkout / "benchmarks" / file).write_text((ROOT / "benchmarks" / file).read_text())
    found = saved(
        tmp_path / "r.json",
        *(
            entry(f"graph_arrays[{n}]", around(n * 70.0), size=n, curve="g")
            for n in (10, 1_000_000)
        ),
    )
    done = bench("--checkout", checkout, "report", "--from", found)
    assert done.returncode == 0, done.stderr
    page = (checkout / "benchmarks" / "RESULTS.md").read_text()
    assert verdicts_in(page)["graph from arrays, 1,000,000 nodes"] == "met"
    assert (checkout / "benchmarks" / "growth.svg").read_text().startswith("<svg")
