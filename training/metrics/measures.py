"""All measures in one list: what each is called, which way is better, its formula, its source, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["MEASURES", "Better", "Measure", "Need", "as_markdown"]

Better = Literal["higher", "lower"]

Need = Literal[
    "truth",
    "plate",
    "matte",
    "disparity",
    "windows",
    "OpenCV",
    "RAFT file",
    "LPIPS files",
    "VideoMAE folder",
    "I3D file",
    "ResNeXt file",
]
"""What must be there beside the result: pictures of the clip, where the windows begin, or something installed or given
by the operator."""


@dataclass(frozen=True)
class Measure:
    """One measure, as tables and pages show it.

    Attributes:
        key: for programs; never changes.
        name: heads a column.
        unit: empty for a plain number.
        better: which way.
        best: what a perfect result has.
        digits: after the point, in a table.
        formula: p is the result, g the truth, t the frame; both in display values.
        pooling: how frames become a shot's number; shots become a set's by their mean unless it says otherwise.
        source: where it comes from.
        needs: see :data:`Need`.
    """

    key: str
    name: str
    unit: str
    better: Better
    best: float
    digits: int
    formula: str
    pooling: str
    source: str
    needs: tuple[Need, ...]


MEASURES: Final[dict[str, Measure]] = {
    measure.key: measure
    for measure in (
        Measure(
            "psnr",
            "PSNR",
            "dB",
            "higher",
            float("inf"),
            2,
            "10 log10(1 / MSE)",
            "squared errors of all frames before the logarithm",
            "ITU-T J.340; torchmetrics on a whole video, as Any-to-Bokeh",
            ("truth",),
        ),
        Measure(
            "ssim",
            "SSIM",
            "",
            "higher",
            1.0,
            4,
            "(2 mp mg + C1)(2 spg + C2) / ((mp² + mg² + C1)(sp² + sg² + C2)), 11x11 Gaussian, sigma 1.5",
            "mean over frames",
            "Wang et al., 2004",
            ("truth",),
        ),
        Measure(
            "edge_psnr",
            "edge PSNR",
            "dB",
            "higher",
            float("inf"),
            2,
            "PSNR within 12 px of a depth edge (a step of disparity over 0.02)",
            "squared errors of all frames before the logarithm",
            "ours",
            ("truth", "disparity"),
        ),
        Measure(
            "rm",
            "RM",
            "",
            "lower",
            0.0,
            5,
            "mean abs((p[t+1] - p[t]) - (g[t+1] - g[t]))",
            "mean over all pairs of frames",
            "Any-to-Bokeh, whose program takes only the first two pairs (`RELEASED_PAIRS`)",
            ("truth",),
        ),
        Measure(
            "temporal_root",
            "TC root",
            "",
            "lower",
            0.0,
            5,
            "sqrt(mean ((p[t+1] - p[t]) - (g[t+1] - g[t]))²)",
            "mean over all pairs of frames",
            "ours, after what is told of BokehCrafter's equation 8",
            ("truth",),
        ),
        Measure(
            "flow_dis",
            "FD (DIS)",
            "px",
            "lower",
            0.0,
            4,
            "mean abs(F(p[t-1], p[t]) - F(g[t-1], g[t])), F by DIS",
            "mean over all pairs of frames",
            "Any-to-Bokeh's FD with F of Kroeger et al., 2016, as a stand-in",
            ("truth", "OpenCV"),
        ),
        Measure(
            "flow_raft",
            "FD (RAFT)",
            "px",
            "lower",
            0.0,
            4,
            "mean abs(F(p[t-1], p[t]) - F(g[t-1], g[t])), F by RAFT",
            "mean over all pairs of frames",
            "Any-to-Bokeh; RAFT: Teed and Deng, 2020",
            ("truth", "RAFT file"),
        ),
        Measure(
            "lpips",
            "LPIPS",
            "",
            "lower",
            0.0,
            4,
            "sum over layers of mean w · (f(p)/abs(f(p)) - f(g)/abs(f(g)))²",
            "mean over frames",
            "Zhang et al., 2018, version 0.1",
            ("truth", "LPIPS files"),
        ),
        Measure(
            "vepi",
            "VEPI",
            "",
            "higher",
            1.0,
            4,
            "Pearson's r of the Sobel gradients' sizes, p against the plate, in the matte in focus dilated by 5x5",
            "mean over frames",
            "the program released with Any-to-Bokeh",
            ("plate", "matte"),
        ),
        Measure(
            "vepi_smoothness",
            "VEPI smoothness",
            "",
            "higher",
            1.0,
            4,
            "max(0, 1 - s), s the standard deviation of VEPI's changes from frame to frame",
            "one number for a shot",
            "the program released with Any-to-Bokeh",
            ("plate", "matte"),
        ),
        Measure(
            "seam",
            "seam figure",
            "",
            "lower",
            1.0,
            3,
            "mean abs(p[t] - p[t-1]) where a window begins, over the same elsewhere",
            "one number for a shot",
            "ours",
            ("windows",),
        ),
        Measure(
            "fvd",
            "FVD (VideoMAE)",
            "",
            "lower",
            0.0,
            3,
            "abs(m1 - m2)² + tr(C1 + C2 - 2 (C1 C2)^½) of features of 16 frames",
            "one number for a set, over all blocks of all shots",
            "Unterthiner et al., 2018; VideoMAE: Tong et al., 2022; Ge et al., 2024",
            ("truth", "VideoMAE folder"),
        ),
        Measure(
            "vfid_i3d",
            "VFID (I3D)",
            "",
            "lower",
            0.0,
            3,
            "the same of I3D features of 10 frames, mean over time",
            "one number for a set, over all blocks of all shots",
            "Wang et al., 2018 (vid2vid); I3D: Carreira and Zisserman, 2017",
            ("truth", "I3D file"),
        ),
        Measure(
            "vfid_resnext",
            "VFID (ResNeXt)",
            "",
            "lower",
            0.0,
            3,
            "the same of ResNeXt-101 features of 10 frames",
            "one number for a set, over all blocks of all shots",
            "Wang et al., 2018 (vid2vid); ResNeXt: Hara et al., 2018",
            ("truth", "ResNeXt file"),
        ),
    )
}
"""Every measure by its key, in the order in which tables show them."""


def as_markdown() -> str:
    """The list as the table of ``docs/metrics.md``."""
    lines = ["| measure | key | unit | better | formula | over frames | source | needs |", "|" + "---|" * 8]
    for m in MEASURES.values():
        best = f"{m.best:g}" if m.best != float("inf") else "infinite"
        cells = (m.name, f"`{m.key}`", m.unit or "-", f"{m.better} (perfect: {best})", m.formula, m.pooling, m.source)
        lines.append("| " + " | ".join((*cells, ", ".join(m.needs))) + " |")
    return "\n".join(lines) + "\n"
