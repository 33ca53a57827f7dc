"""Parameters that no law can have: refused when the law is made, by name and value."""

import numpy as np
import pytest

import tamecrop as tc

BAD = [
    ("rc:scale=0", "scale"),
    ("rc:scale=-0.1", "scale"),
    ("rc:scale=1.3", "scale"),
    ("rc:scale=nan", "scale"),
    ("rc:scale=inf", "scale"),
    ("rc:scale=half", "scale"),
    ("rc:scale=", "scale"),
    ("rc:scale=0.2..0.5", "scale"),
    ("rrc:scale=0.9..0.2", "scale"),
    ("rrc:scale=0..1", "scale"),
    ("rrc:scale=0.2..1.5", "scale"),
    ("rrc:ratio=2..1", "ratio"),
    ("rrc:ratio=0..1", "ratio"),
    ("rrc:ratio=-1..1", "ratio"),
    ("gcc:sigma=0", "sigma"),
    ("gcc:sigma=-1", "sigma"),
    ("gcc:sigma=nan", "sigma"),
    ("gcc:alpha=0", "alpha"),
    ("gcc:alpha=-2", "alpha"),
    ("gcc:alpha=inf", "alpha"),
    ("gcc:alpha=1,sigma=0.2", "alpha|sigma"),
    ("gcc:border=wrap", "border"),
    ("gcc:border=clmp", "clamp"),
    ("gcc:rounding=floor", "rounding"),
    ("gcc:pair=iou,iou=0.5..0.2", "iou"),
    ("gcc:pair=iou,iou=0.5..2", "iou"),
    ("gcc:pair=iou,tries=0", "tries"),
    ("mgcc:mean=0.8..0.2", "mean"),
    ("mgcc:mean=-1..2", "mean"),
    ("rc_pad:padding=0", "padding"),
    ("rc_pad:padding=-0.5", "padding"),
    ("rrc:center=beta,a=0", "a"),
    ("rrc:center=beta,a=-1", "a"),
    ("rrc:center=beta,box=0.9..0.1", "box"),
    ("gcc:sgima=0.2", "did you mean 'sigma'"),
    ("gc:scale=0.4", "did you mean 'gcc'"),
    ("gcc:scale", "scale"),
    ("gcc:scale=0.4,scale=0.5", "scale"),
    ("rc:sigma=0.2", "sigma"),
    ("", "policy|unknown"),
]


@pytest.mark.parametrize(("law", "said"), BAD)
def test_a_bad_law_is_refused_by_name(law, said):
    with pytest.raises(ValueError, match=said):
        tc.policy(law)


@pytest.mark.parametrize("law", [None, 3, ["rc"]])
def test_what_is_no_law_is_refused(law):
    with pytest.raises(TypeError, match="`policy` must be a text or a Policy"):
        tc.policy(law)


@pytest.mark.parametrize(
    ("sizes", "more", "said"),
    [
        ((0, 32), {}, "at least one pixel"),
        ((-3, 32), {}, "at least one pixel"),
        ((32.5, 32), {}, "integers"),
        ((32, 32, 3), {}, "shape"),
        ((32, 32), {"views": 0}, "views"),
        ((32, 32), {"seed": 0.5}, "seed"),
        ((32, 32), {"index": [[1]]}, "index"),
        (np.array([[32, 32]] * 3), {"index": [1, 2]}, "index"),
        ((32, 32), {"object_boxes": [[0, 0, 1]]}, "object_boxes"),
        (
            (32, 32),
            {"index": [1, 2], "object_boxes": [[0.1, 0, 1, 1], [np.nan] * 4]},
            "must be pixels, got fractions",
        ),
    ],
)
def test_images_that_no_law_can_crop_are_refused(sizes, more, said):
    with pytest.raises(ValueError, match=said):
        tc.policy("rc").draw(sizes, **more)


def test_the_box_of_one_image_may_lie_inside_its_first_pixel():
    boxes = tc.policy("rc").draw((32, 32), object_boxes=[[0, 0, 0.5, 0.5]], index=[3])
    assert boxes.shape == (1, 2, 4)


def test_a_box_below_one_pixel_is_refused_by_the_papers_rounding():
    with pytest.raises(ValueError, match="pixel"):
        tc.policy("rc:scale=0.001,rounding=faithful").draw((8, 8), index=[0])
