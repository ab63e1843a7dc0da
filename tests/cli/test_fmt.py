"""``goflow fmt``: files written in the canonical spelling, or told about."""

from support.terminal import screen_of

OTHERWISE = """\
name: report
version: 1
nodes:
  - {type: start, id: start}   # begins
  - {id: end, type: end, output: 'done'}
edges: [{to: end, from: start}]
"""
CANONICAL = """\
version: "1.0"
name: report

nodes:
  - {id: start, type: start}  # begins
  - {id: end, type: end, return: done}

edges:
  - {from: start, to: end}
"""


def test_a_file_is_written_in_the_canonical_spelling(cli, write):
    file = write(OTHERWISE)
    done = cli("fmt", file)
    assert (done.code, done.out) == (0, "")
    assert file.read_text() == CANONICAL
    assert "1 of 1 files changed" in done.err
    assert cli("fmt", file).err.startswith("0 of 1 files changed")


def test_its_mode_is_kept_and_a_link_stays_a_link(cli, write, tmp_path):
    file = write(OTHERWISE)
    file.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(file)
    assert cli("fmt", link).code == 0
    assert link.is_symlink()
    assert file.read_text() == CANONICAL
    assert file.stat().st_mode & 0o777 == 0o640
    assert {entry.name for entry in tmp_path.iterdir()} <= {"flow.yaml", "link.yaml", "home"}


def test_check_writes_nothing_and_exits_with_1(cli, write):
    file, other = write(OTHERWISE), write(CANONICAL, "other.yaml")
    done = cli("fmt", "--check", file, other)
    assert done.code == 1
    assert file.read_text() == OTHERWISE
    assert f"{file}: would change" in done.err
    assert f"{other}:" not in done.err
    assert cli("fmt", "--check", other).code == 0


def test_diff_shows_what_would_change(cli, write):
    file = write(OTHERWISE)
    done = cli("fmt", "--diff", file)
    assert done.code == 0
    assert "-version: 1\n" in done.out
    assert '+version: "1.0"' in done.out
    assert file.read_text() == OTHERWISE


def test_standard_input_is_formatted_to_standard_output(tmp_path, goflow_command):
    import subprocess

    done = subprocess.run(
        [*goflow_command, "fmt", "-"],
        input=OTHERWISE, text=True, capture_output=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout == CANONICAL


def test_a_file_that_is_not_there_is_a_bad_call(cli, tmp_path):
    done = cli("fmt", tmp_path / "nothing.yaml")
    assert done.code == 2
    assert "No such file" in done.err


def test_a_file_that_is_no_yaml_is_left_as_it_is_and_the_others_are_done(cli, write):
    broken, file = write("nodes: [", "broken.yaml"), write(OTHERWISE)
    done = cli("fmt", broken, file)
    assert done.code == 1
    assert "broken.yaml" in done.err
    assert broken.read_text() == "nodes: ["
    assert file.read_text() == CANONICAL


def test_on_a_terminal(write, tmp_path):
    file = write(OTHERWISE)
    text, code = screen_of("fmt", file.name, "--diff", cwd=tmp_path)
    assert code == 0
    assert '+version: "1.0"' in text
    assert "1 of 1 files would change" in text
    text, code = screen_of("fmt", file.name, cwd=tmp_path)
    assert (text, code) == ("flow.yaml: changed\n1 of 1 files changed\n", 0)
