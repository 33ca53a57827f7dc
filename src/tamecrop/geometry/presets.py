"""The named policies and view plans, each with its source and what differs from it."""

from collections.abc import Mapping
from dataclasses import dataclass

Setting = str | float | tuple[float, float]

SIGMA = 0.2165
"""The paper's alpha 1.5 at 32 px as a fraction of the side, `sqrt(1.5 / 32)`."""


@dataclass(frozen=True)
class Preset:
    """A named policy.

    Args:
        settings: the settings that differ from those of `crop`.
        source: where it was published.
        note: what it is, and what differs from the source.
        when: when to take it.
        tried: settings at which `recommend` tries it unless policies are named.
    """

    settings: Mapping[str, Setting]
    source: str
    note: str
    when: str
    tried: tuple[str, ...] = ("",)


_GCC = "Hassan, Wasil, Houben, arXiv:2504.19824"
_AREAS = ("scale=0.08..1", "scale=0.2..1")
_A = ("a=0.1", "a=0.6")
_SIGMA_02 = tuple(f"scale={scale},sigma=0.2" for scale in (0.2, 0.4, 0.8))
_GAUSSIAN: dict[str, Setting] = {"center": "gaussian", "sigma": SIGMA}
_MULTI: dict[str, Setting] = {**_GAUSSIAN, "mean": (0.25, 0.75), "pair": "shared"}

PRESETS: dict[str, Preset] = {
    "crop": Preset(
        {},
        "-",
        "the bare composition: state the parts yourself",
        "for a policy that has no name yet",
        (
            "extent=random,center=gaussian,sigma=0.2,border=clamp",
            "extent=random,center=gaussian,sigma=0.3,border=clamp",
            "extent=random,center=gaussian,sigma=0.2,border=truncate",
        ),
    ),
    "rc": Preset(
        {},
        _GCC,
        "RandomCrop: fixed area, uniform where it fits, no resize",
        "as the baseline of fixed crops, and where resizing would destroy what matters",
        ("scale=0.2", "scale=0.4", "scale=0.6"),
    ),
    "rc_pad": Preset(
        {"center": "padded"},
        "the control that the paper lacks",
        "RandomCrop on a canvas padded by `padding` of the side; the rim is fill",
        "to tell what Gaussian centers do from what fill does",
        ("scale=0.4,padding=0.125", "scale=1,padding=0.125"),
    ),
    "rrc": Preset(
        {"extent": "random"},
        "Inception crop; torchvision's RandomResizedCrop",
        "equal in distribution to torchvision; scale (0.2, 1) is MoCo v2's, SimCLR's is 0.08..1",
        "first, on photographs: what published recipes were tuned with",
        (*_AREAS, "scale=0.14..1", "scale=0.4..1"),
    ),
    "gcc": Preset(
        _GAUSSIAN,
        _GCC,
        "Gaussian-centered crop; the published numbers come from border=recenter,rounding=faithful",
        "when objects sit in the middle, and for small images of one object",
        _SIGMA_02,
    ),
    "cgcc": Preset(
        {**_GAUSSIAN, "border": "clamp"},
        _GCC,
        "corrected GCC: the box is pushed inside",
        "as gcc, when views must hold no fill",
        _SIGMA_02,
    ),
    "mgcc": Preset(
        _MULTI,
        _GCC,
        "multi-object GCC: the mean is drawn once per image and shared by its views",
        "when an image shows several objects",
        _SIGMA_02[1:],
    ),
    "cmgcc": Preset(
        {**_MULTI, "border": "clamp"},
        _GCC,
        "multi-object GCC, pushed inside",
        "as mgcc, when views must hold no fill",
        _SIGMA_02[1:],
    ),
    "simccrop": Preset(
        {"extent": "random", "center": "beta", "a": 0.1, "box": (0.25, 0.75)},
        "Peng et al., ContrastiveCrop, CVPR 2022",
        "Beta center in a fixed central box, RandomResizedCrop's extent",
        "for less overlap than rrc at the same areas, without an encoder's boxes",
        _A,
    ),
    "ccrop": Preset(
        {"extent": "random", "center": "beta"},
        "Peng et al., ContrastiveCrop, CVPR 2022",
        "Beta center in the given box, the whole image where none is given; box=encoder finds the "
        "boxes while it trains, as published; the authors' a is 0.6 on ImageNet, 0.1 on small sets",
        "when objects have no annotation and the encoder can find them; with boxes, from the start",
        _A,
    ),
    "jointcrop": Preset(
        {"extent": "joint"},
        "JointCrop(0), AAAI 2025",
        "one draw decides the areas of both views; two views only. Where no try fits, on long "
        "images, it takes the largest box of legal ratio as rrc does; the authors' code takes the "
        "whole image",
        "for pairs of different scale: one view near, one far",
        (*_AREAS, "scale=0.4..1"),
    ),
    "object": Preset(
        {"extent": "random", "region": "object"},
        "Mishra et al., Object-Aware Cropping, 2022",
        "RandomResizedCrop inside the object box for one view, inside a wider one for the other; "
        "of a mask the box around it, as published",
        "on scenes of many objects whose boxes are known",
        _AREAS,
    ),
    "cast": Preset(
        {
            "extent": "random",
            "center": "gaussian",
            "sigma": 0.25,
            "mean": "given",
            "border": "truncate",
            "pair": "covers",
        },
        "Selvaraju et al., CAST, CVPR 2021",
        "RandomResizedCrop's extent around the object, redrawn until it shows a fifth of it: of "
        "its mask where that is known, else of its box; the width of the Gaussian is ours",
        "when every view must show a part of the annotated object",
        _AREAS,
    ),
    "emp": Preset(
        {"extent": "random", "scale": (0.25, 0.25), "ratio": (1.0, 1.0)},
        "Tong et al., EMP-SSL, 2023",
        "square patches of a quarter of the image; a plan takes many, such as 20x emp @32",
        "with the method emp_ssl, and few epochs",
        ("scale=0.25..0.25", "scale=0.5..0.5"),
    ),
}


@dataclass(frozen=True)
class PlanPreset:
    """A named view plan.

    Args:
        text: what the name stands for.
        source: where it was published.
        note: what it is, and what differs from the source.
        when: when to take it.
    """

    text: str
    source: str
    note: str
    when: str


_SWAV, _DINO = "Caron et al., SwAV, NeurIPS 2020", "Caron et al., DINO, ICCV 2021"
_SMALL = "for images of 32 px; small views of the same ratio of sides, and of larger areas"

PLANS: dict[str, PlanPreset] = {
    "swav": PlanPreset(
        "2x rrc:scale=0.14..1 @224 + 6x rrc:scale=0.05..0.14 @96",
        _SWAV,
        "multi-crop: two large views and six small ones",
        "with the method swav, on photographs",
    ),
    "dino": PlanPreset(
        "2x rrc:scale=0.4..1 @224 + 6x rrc:scale=0.05..0.4 @96",
        _DINO,
        "multi-crop: two global views and six local ones; the published runs have up to ten",
        "with the method dino, on photographs",
    ),
    "swav32": PlanPreset(
        "2x rrc:scale=0.14..1 @32 + 6x rrc:scale=0.3..0.75 @18",
        _SWAV,
        f"multi-crop {_SMALL}",
        "with the method swav, on images of 32 px",
    ),
    "dino32": PlanPreset(
        "2x rrc:scale=0.4..1 @32 + 6x rrc:scale=0.3..0.75 @18",
        _DINO,
        f"multi-crop {_SMALL}",
        "with the method dino, on images of 32 px",
    ),
}
