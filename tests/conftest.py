"""Fixtures that several test files share."""

import pytest


@pytest.fixture
def write(tmp_path):
    """A function that writes bytes to a file one<name> and gives its path."""

    def write(name, data):
        path = tmp_path / f"one{name}"
        path.write_bytes(data)
        return path

    return write
