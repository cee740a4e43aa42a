"""The options of the any-to-bokeh renderer, as the shot document has them.

A field that is None follows the profile; ``engine.runtime.behaviour`` says what each profile means, and why.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from engine.shot.part import DocumentPart

__all__ = ["AnyToBokehOptions"]

DEVICES: Final = r"^(auto|cpu|mps|coreml|directml|openvino|(cuda|tensorrt)(:\d{1,2})?)$"


class AnyToBokehOptions(DocumentPart):
    """How the any-to-bokeh renderer runs."""

    weights: str | None = Field(
        None,
        description="Folder of the weights: unet/ and vae/, and a Stable Video Diffusion folder in it or beside it.",
    )
    image_encoder: str | None = Field(
        None, description="Stable Video Diffusion folder, when it lies elsewhere; its image_encoder/ is used."
    )
    profile: Literal["released", "paper"] = Field(
        "released",
        description="released does what the published program does, paper what the paper says; "
        "each difference is an option of its own.",
    )
    mpi_masks: Literal["off", "threshold"] | None = Field(
        None, description="Whether attention sees the depth planes of the multi-plane image; by profile when not given."
    )
    mask_exponent: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None = Field(
        None, description="Exponent of the focal disparity in the planes' borders; by profile when not given."
    )
    clip_input: Literal["plain", "normalised"] | None = Field(
        None, description="Whether the image encoder gets normalised colours; by profile when not given."
    )
    fps_id: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        None, description="Frame rate that the network is told; by profile when not given."
    )
    strength_embedding: Literal["half", "training", "exact"] | None = Field(
        None, description="Precision of the phases that tell the network K; by profile when not given."
    )
    strength_values: Literal["whole", "as-is"] = Field(
        "whole",
        description="Tell the network whole numbers of K, which it was trained on, with the defocus map scaled so that "
        "each radius stays; or K as it is.",
    )
    overlap: Annotated[int, Field(ge=1, le=16)] = Field(
        4, description="Frames that two windows of the network share; a window has twice as many."
    )
    ramp: Literal["released", "centred"] | None = Field(
        None, description="How weight passes from a window to the next; by profile when not given."
    )
    blend: Literal["latents", "frames"] = Field(
        "latents", description="What is blended where windows overlap: latents before decoding, or decoded frames."
    )
    decode_window: Annotated[int, Field(ge=1, le=64)] = Field(8, description="Frames that are decoded together.")
    decode_overlap: Annotated[int, Field(ge=0, le=32)] = Field(
        1, description="Frames that two decoded windows share; 0 leaves a seam at each border."
    )
    posterior: Literal["mode", "sample"] = Field(
        "mode", description="Latents of the plate: the most likely ones, or drawn at random by the seed."
    )
    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(0, description="Seed of the random latents.")
    size: Annotated[str, Field(pattern=r"^[1-9]\d{1,4}x[1-9]\d{1,4}$")] | None = Field(
        None, description="Size whose area the network works at, like 1024x576; that of the weights when not given."
    )
    exposure: Annotated[float, Field(ge=-20, le=20, allow_inf_nan=False)] | None = Field(
        None, description="Stops from the plate's light to the network's white; measured over the shot when not given."
    )
    detail: bool = Field(True, description="Use the plate's own pixels where it is in focus.")
    runtime: Literal["auto", "torch", "onnx"] = Field(
        "auto", description="What runs the network: by the kind of the weights' folder when auto."
    )
    device: Annotated[str, Field(pattern=DEVICES)] = Field(
        "auto",
        description="Where the network runs: auto, tensorrt, cuda, cuda:1, mps, coreml, directml, openvino, cpu.",
    )
    precision: Literal["auto", "fp32", "fp16", "bf16"] = Field(
        "auto", description="Precision of the network; auto is fp16 on a GPU and fp32 on the CPU."
    )
    compile: bool = Field(False, description="Compile the network first: minutes at the start, faster frames after.")
