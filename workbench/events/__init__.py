"""Event-camera recordings: values, data sets by name, and an emulated event camera."""

from workbench.events.camera import Camera
from workbench.events.datasets import load
from workbench.events.recordings import Dataset, Recordings

__all__ = ["Camera", "Dataset", "Recordings", "load"]
