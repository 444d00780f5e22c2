"""Broken event files: a short run of the fuzzer for every format, and what longer runs have found."""

import pytest

from tests.support.event_fuzzer import MAKERS, fuzz, fuzz_apart, main
from workbench.events import formats

IN_OTHERS_LANGUAGES = ("aedat4", "aedat4-lz4", "aedat4-zstandard", "dat", "hdf5")
FULL = 3000


@pytest.mark.soak
@pytest.mark.parametrize("name", [name for name in MAKERS if name not in IN_OTHERS_LANGUAGES])
def test_broken_files_are_read_or_refused_in_words(name, tmp_path, tenth):
    count = tenth(FULL)
    assert count / 2 < fuzz(name, count, 0, tmp_path) <= count


@pytest.mark.soak
@pytest.mark.parametrize("name", IN_OTHERS_LANGUAGES)
def test_broken_files_do_not_end_the_process(name, tmp_path, tenth):
    count = tenth(FULL)
    assert fuzz_apart(name, count, 0, tmp_path).startswith(f"{name}: {count:,} broken files, ")


def test_the_fuzzer_runs_by_itself(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["event_fuzzer", "--only", "bin", "--count", "5"])
    main()
    assert capsys.readouterr().out.startswith("bin: 5 broken files, ")


def test_a_file_of_overflow_marks_only_is_refused_soon(tmp_path):
    """Tonic's time for one call grows with the square of the marks in it."""
    path = tmp_path / "one.bin"
    path.write_bytes(b"\0\xf0\0\0\0" * 300_000)
    with pytest.raises(formats.DamagedFile, match="holds no events"):
        formats.read(path)
