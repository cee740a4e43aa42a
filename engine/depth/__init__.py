"""Depth: what the channel's values mean, the shot's limits, edges, and the focal point read from it."""

from engine.depth.conditioning import EdgePlan, EdgeQuality, EdgeSurvey, condition, conditioned, cut_by_matte, reach_of
from engine.depth.conventions import DepthLimits, Disparity, to_disparity
from engine.depth.edges import clean_edges
from engine.depth.focus import focus_curve, frame_of, sample_disparity
from engine.depth.limits import DepthSurvey, find_limits

__all__ = [
    "DepthLimits",
    "DepthSurvey",
    "Disparity",
    "EdgePlan",
    "EdgeQuality",
    "EdgeSurvey",
    "clean_edges",
    "condition",
    "conditioned",
    "cut_by_matte",
    "find_limits",
    "focus_curve",
    "frame_of",
    "reach_of",
    "sample_disparity",
    "to_disparity",
]
