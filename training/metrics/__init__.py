"""How near a picture is to its truth: in decibels, in structure, at depth edges, and over time.

All metrics take scene-linear images and compare what :func:`display` makes of them, so that a number here means what
a person sees on a standard monitor.
"""

from training.metrics.edges import DEPTH_STEP, EDGE_RADIUS, depth_edges, edge_band, edge_band_psnr
from training.metrics.pictures import SquaredError, decibels, display, paired, psnr, squared_error
from training.metrics.seams import seam_figure
from training.metrics.similarity import ssim, ssim_of_display
from training.metrics.temporal import TemporalError, temporal_error

__all__ = [
    "DEPTH_STEP",
    "EDGE_RADIUS",
    "SquaredError",
    "TemporalError",
    "decibels",
    "depth_edges",
    "display",
    "edge_band",
    "edge_band_psnr",
    "paired",
    "psnr",
    "seam_figure",
    "squared_error",
    "ssim",
    "ssim_of_display",
    "temporal_error",
]
