"""Sets of clips with known depth of field: how they lie on the disk, how they are made, and how they are read."""

from training.data.clips import MANIFEST, Asset, Clip, ClipSet, Focusing, Manifest, Matte

__all__ = ["MANIFEST", "Asset", "Clip", "ClipSet", "Focusing", "Manifest", "Matte"]
