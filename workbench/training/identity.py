"""By what a training is known again: its model, its options, and a fingerprint of what is learned."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.events import Recordings
from workbench.exchange import describe
from workbench.model import Model

_AT_ONCE = 1 << 22  # events looked at together: recordings may be mapped from files larger than memory


def identify(
    model: Model, recordings: Recordings, validation: Recordings | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    """What a checkpoint must agree with to be continued."""
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    clock = f"{recordings.frames} frames of {recordings.window_us} us together"
    identity = {"starting weights": digest.hexdigest(), "recordings": fingerprint(recordings), "frames": clock}
    said = {name: value for name, value in describe(model).items() if name != "origin"}  # which changes no number
    return dict(options) | said | identity | {"validation": fingerprint(validation)}


def fingerprint(recordings: Recordings | None) -> str | None:
    """A fingerprint of all events and labels: SHA-256 in hex; None where there are no recordings."""
    if recordings is None:
        return None
    digest = hashlib.sha256()
    for values in (recordings.time_us, recordings.site, recordings.starts, recordings.labels):
        for begin in range(0, len(values), _AT_ONCE):
            digest.update(np.ascontiguousarray(values[begin : begin + _AT_ONCE]).data)
    if recordings.clip is not None:
        digest.update(f"at most {recordings.clip} in ticks of {recordings.ticks_per_frame} a frame".encode())
    return digest.hexdigest()
