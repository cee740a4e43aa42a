"""How near a picture is to its truth: in decibels, in structure, at depth edges, over time, and to a network's eye.

All metrics take scene-linear images and compare what :func:`display` makes of them, so that a number here means what
a person sees on a standard monitor. :data:`MEASURES` lists them with formula and source; those that need weights or
OpenCV are in :mod:`training.metrics.networks`.
"""

from training.metrics.blemishes import FLICKERS, Flicker, Speckle, flicker, speckle
from training.metrics.edges import (
    DEPTH_STEP,
    EDGE_BINS,
    EDGE_RADIUS,
    EdgeDistanceError,
    depth_edges,
    edge_band,
    edge_band_psnr,
    edge_distance,
    psnr_by_edge_distance,
)
from training.metrics.flow import Flow, FlowDifference, flow_difference
from training.metrics.frechet import BlockNetwork, Moments, add_shot, frechet_distance
from training.metrics.measures import MEASURES, Measure, as_markdown
from training.metrics.pictures import SquaredError, decibels, display, paired, psnr, squared_error
from training.metrics.preservation import EdgePreservation, edge_preservation
from training.metrics.seams import seam_figure
from training.metrics.similarity import ssim, ssim_of_display
from training.metrics.temporal import RELEASED_PAIRS, TemporalError, temporal_error, temporal_root

__all__ = [
    "DEPTH_STEP",
    "EDGE_BINS",
    "EDGE_RADIUS",
    "FLICKERS",
    "MEASURES",
    "RELEASED_PAIRS",
    "BlockNetwork",
    "EdgeDistanceError",
    "EdgePreservation",
    "Flicker",
    "Flow",
    "FlowDifference",
    "Measure",
    "Moments",
    "Speckle",
    "SquaredError",
    "TemporalError",
    "add_shot",
    "as_markdown",
    "decibels",
    "depth_edges",
    "display",
    "edge_band",
    "edge_band_psnr",
    "edge_distance",
    "edge_preservation",
    "flicker",
    "flow_difference",
    "frechet_distance",
    "paired",
    "psnr",
    "psnr_by_edge_distance",
    "seam_figure",
    "speckle",
    "squared_error",
    "ssim",
    "ssim_of_display",
    "temporal_error",
    "temporal_root",
]
