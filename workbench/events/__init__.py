"""Recordings of event cameras: where they come from, what is done to them, and how they become ticks and frames.

recordings        labelled event streams, binned exactly into frames and ticks
dataset           training and test recordings under one name
loading           `load`: data sets by name, from folders, from tonic and from memory
formats/          files of event cameras, one room per format
sources/          the data sets, folders and arrays that recordings are collected from
storage/          what is kept of recordings between two calls, and how it is read, cut and transformed
remote_files      files behind a URL, copied while they are read
augmentation      batches of recordings changed at random, for training
transforms/       crops, flips, denoising and other changes of one recording
camera/           an emulated event camera: images in, events out
event_batch       events of several recordings side by side
event_arrays      structured arrays (x, y, t, p) and flat indexes into a sensor
binning           events in bins of time, and what a clip leaves out
exact_integers    numbers of events as integers, exactly or not at all
pieced_column     events that lie in pieces of several files
recording_words   what recordings say of themselves
recording_checks  what recordings must fulfil
windowing         long recordings cut into windows
online_binning    ticks of a recording too long to hold
"""

from workbench.events import formats, transforms
from workbench.events.augmentation import AugmentedBatch, augment, require_augmentation, take_transforms
from workbench.events.camera.camera import Camera
from workbench.events.dataset import Dataset
from workbench.events.event_arrays import EVENTS, Events
from workbench.events.formats.hdf5 import refuse_superblock
from workbench.events.loading import load
from workbench.events.online_binning import stream_ticks
from workbench.events.pieced_column import PiecedColumn
from workbench.events.recordings import Recordings
from workbench.events.transforms import CutOut, Downsample, Drop, RandomFlip, Rotate, Scale, Shift
from workbench.events.transforms.base import EventTransform

__all__ = [
    "refuse_superblock",
    "EVENTS",
    "Shift",
    "Scale",
    "Rotate",
    "RandomFlip",
    "Drop",
    "Downsample",
    "CutOut",
    "AugmentedBatch",
    "Camera",
    "Dataset",
    "EventTransform",
    "Events",
    "PiecedColumn",
    "Recordings",
    "augment",
    "formats",
    "load",
    "require_augmentation",
    "stream_ticks",
    "take_transforms",
    "transforms",
]
