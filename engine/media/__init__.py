"""Image sequences and movies in and out, and their colour."""

from __future__ import annotations

from engine.media.depth import DepthImage, DepthReader
from engine.media.description import ChannelDescription, Description, PartDescription, describe
from engine.media.fitting import fit_depth
from engine.media.matte import MatteImage, MatteReader, fit_matte
from engine.media.overwriting import check_output
from engine.media.plate import PlateImage, PlateInfo, PlateReader, read_weights
from engine.media.writer import FrameWriter, check_settings, open_writer, plan_writer

__all__ = [
    "ChannelDescription",
    "DepthImage",
    "DepthReader",
    "Description",
    "FrameWriter",
    "MatteImage",
    "MatteReader",
    "PartDescription",
    "PlateImage",
    "PlateInfo",
    "PlateReader",
    "check_output",
    "check_settings",
    "describe",
    "fit_depth",
    "fit_matte",
    "open_writer",
    "plan_writer",
    "read_weights",
]
