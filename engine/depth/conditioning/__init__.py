"""Conditioning of depth by the plate: edges become edges, at the plate's own place, and stay still over time."""

from engine.depth.conditioning.frame import condition
from engine.depth.conditioning.matte import cut_by_matte
from engine.depth.conditioning.plan import EdgePlan
from engine.depth.conditioning.quality import EdgeQuality, EdgeSurvey
from engine.depth.conditioning.steady import conditioned, reach_of

__all__ = ["EdgePlan", "EdgeQuality", "EdgeSurvey", "condition", "conditioned", "cut_by_matte", "reach_of"]
