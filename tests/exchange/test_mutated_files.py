"""Broken model files, checkpoints and networks: a tenth of a long run of the fuzzer, or all of it."""

import pytest

from tests.support.file_fuzzer import KINDS, fuzz_apart, main

FULL = 10_000


@pytest.mark.soak
@pytest.mark.parametrize("name", KINDS)
def test_broken_files_give_an_equal_object_or_are_refused_in_words(name, tmp_path, tenth):
    count = tenth(FULL)
    outcomes = fuzz_apart(name, count, 0, tmp_path)
    print(name, dict(outcomes))
    assert outcomes.total() == count
    assert set(outcomes) <= {"equal", "as written", "refused"}
    assert outcomes["refused"] > count / 2


def test_the_fuzzer_runs_by_itself_and_does_one_file_again(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("tests.support.file_fuzzer.resource.setrlimit", lambda *limits: None)
    monkeypatch.setattr("sys.argv", ["file_fuzzer", "--kind", "network", "--only", "7", "--folder", str(tmp_path)])
    main()
    assert capsys.readouterr().out.strip() in ('{"equal": 1}', '{"refused": 1}', '{"as written": 1}')
