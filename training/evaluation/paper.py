"""What the paper's tables say, as the paper's own: their test set, their machine, their programs of the measures."""

from __future__ import annotations

from typing import Final

from training.benchmark.table import Rows

__all__ = ["PAPER_NOTE", "PAPER_ROWS"]

PAPER_ROWS: Final[Rows] = (
    ("method", "FD px", "RM", "VFID-I", "FVD", "SSIM", "PSNR dB", "s/frame"),
    ("Any-to-Bokeh", "0.431", "0.007", "1.479", "9.005", "0.974", "38.90", "0.363"),
    ("without training of the VAE", "-", "-", "-", "-", "-", "32.25", "-"),
)
"""Of Any-to-Bokeh (arXiv 2505.21593), those rows whose numbers we have; ``-`` is what we have not."""

PAPER_NOTE: Final = (
    "Quoted from the paper (arXiv 2505.21593), not measured here: another test set, of 200 clips at 1024x576, a GPU "
    "that it does not name, and measures as its own program takes them (FD by RAFT, RM over the first two pairs of "
    "frames only, VFID with red and blue exchanged). Nothing in this block can be put beside the measured tables."
)
