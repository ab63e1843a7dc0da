"""The forms that results can be exported in."""

import json
import re
from xml.etree import ElementTree

import pytest
from support.bench_results import around, bench, entry, saved

# https://go.googlesource.com/proposal/+/master/design/14313-benchmark-format.md
CONFIGURATION = re.compile(r"^[a-z][^A-Z\s:]*:[ \t]+\S.*$")
RESULT = re.compile(r"^Benchmark[A-Z0-9][^\s]*-\d+(\t| +)[1-9]\d*((\t| +)\d+(\.\d+)?[ \t]\S+)+$")
NAME = re.compile(r"^Benchmark[A-Z]\w*(/[^\s/=]+(=[^\s/=]+)?)*-\d+$")


@pytest.fixture
def results(tmp_path):
    peers = {"cachebox LRU": around(300, 7), "(empty loop)": around(4, 7)}
    return saved(
        tmp_path / "results.json",
        entry("cache_set", around(346, 5), bytes_per_op=512, blocks_per_op=8),
        entry("cache_hit_rate", around(90.5, 3), **{"hit_rate_%": 82.5}),
        entry("cache_clean_expired[100]", around(1e-3, 3)),
        entry("cache_peers[get]", around(20, 7), peers=peers, floor="cachebox LRU"),
        entry("memory[base]", [31.25], unit="MiB", category="memory"),
        *(
            entry(f"graph_peers[{size}]", around(size * 50.0, 3), category="graph",
                  curve="graph", size=size, peers={"igraph": around(size * 400.0, 3)})
            for size in (100, 1000, 10_000)
        ),
    )  # fmt: skip


def test_go_text_is_what_a_strict_reader_takes(results):
    text = bench("export", results, "--format", "go").stdout
    lines = text.splitlines()
    assert lines[0:4] == ["goos: linux", "goarch: amd64", "pkg: goflow", "cpu: Some Processor"]
    assert text.endswith("\n")
    for line in lines:
        assert CONFIGURATION.match(line) or RESULT.match(line), line
        if line.startswith("Benchmark"):
            name, _, *values = line.split()
            assert NAME.match(name)
            units = values[1::2]
            assert len(values) % 2 == 0
            assert len(set(units)) == len(units)
            assert all(float(value) >= 0 for value in values[::2])


def test_go_text_has_a_line_a_sample_and_go_s_own_units(results):
    lines = bench("export", results, "--format", "go").stdout.splitlines()
    stored = [line for line in lines if line.startswith("BenchmarkCacheSet-2\t")]
    assert len(stored) == 5
    assert all(line.endswith("ns/op\t512 B/op\t8 allocs/op") for line in stored)
    assert all("\t1000\t" in line for line in stored)
    assert any(re.search(r"HitRate-2\t1000\t\S+ ns/op\t82.5 hit_rate_%$", line) for line in lines)
    assert any(line.startswith("BenchmarkCacheCleanExpired/100-2\t") for line in lines)
    assert any("BenchmarkCachePeers/get/by=cachebox_LRU-2" in line for line in lines)
    assert not any("empty" in line for line in lines)


def test_json_is_the_file_itself(results):
    assert json.loads(bench("export", results, "--format", "json").stdout) == json.loads(
        results.read_text()
    )


def test_markdown_has_the_machine_and_ratios(results):
    text = bench("export", results, "--format", "markdown").stdout
    assert "Some Processor, 2 cores" in text
    assert "cachebox 6.0" in text
    assert "| **goflow** |" in text
    assert "| x cachebox LRU |" in text


def test_the_chart_is_svg_with_a_line_for_each_that_grows(results, tmp_path):
    chart = tmp_path / "chart.svg"
    assert bench("export", results, "--format", "svg", "--output", chart).returncode == 0
    root = ElementTree.parse(chart).getroot()
    tag = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{tag}svg"
    assert len(list(root.iter(f"{tag}polyline"))) == 2
    assert len(list(root.iter(f"{tag}circle"))) == 6
    texts = {each.text for each in root.iter(f"{tag}text")}
    assert {"graph", "igraph", "10,000", "cache_peers[get]", "cachebox LRU"} <= texts
    width, height = (float(root.get(side)) for side in ("width", "height"))
    for circle in root.iter(f"{tag}circle"):
        assert 0 < float(circle.get("cx")) < width
        assert 0 < float(circle.get("cy")) < height


def test_nothing_to_draw_is_an_error(tmp_path):
    alone = saved(tmp_path / "alone.json", entry("cache_get", around(1)))
    done = bench("export", alone, "--format", "svg")
    assert done.returncode == 2
    assert "nothing to draw" in done.stderr


def test_an_unknown_format_and_a_place_that_cannot_be_written_are_errors(results, tmp_path):
    done = bench("export", results, "--format", "pdf")
    assert done.returncode == 2
    assert "markdown" in done.stderr
    done = bench("export", results, "--format", "go", "--output", tmp_path / "no" / "file")
    assert done.returncode == 2
    assert "cannot write" in done.stderr
