"""Fixtures that several test files share."""

import pytest
import torch


@pytest.fixture
def write(tmp_path):
    """A function that writes bytes to a file one<name> and gives its path."""

    def write(name, data):
        path = tmp_path / f"one{name}"
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def several_threads():
    """Four threads of torch while the test runs, however many cores there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)
