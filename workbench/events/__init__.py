"""Event-camera recordings: values, data sets by name, and an emulated event camera."""

from workbench.events.camera import Camera
from workbench.events.datasets import Dataset
from workbench.events.loading import load
from workbench.events.recordings import Recordings

__all__ = ["Camera", "Dataset", "Recordings", "load"]
