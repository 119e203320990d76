"""Simulated frames in HDF5 files: the training layout, in parallel, and resumable after any end."""

from xgeom_core.simulate.shards.layout import CONVENTION, GEOM, LABELS, TRUTH, label_row
from xgeom_core.simulate.shards.plan import FrameSet, Shard, plan_shards
from xgeom_core.simulate.shards.writing import write_shards, write_training_file

__all__ = [
    "CONVENTION",
    "GEOM",
    "LABELS",
    "TRUTH",
    "FrameSet",
    "Shard",
    "label_row",
    "plan_shards",
    "write_shards",
    "write_training_file",
]
