"""The page of `explore` without a browser: its text, its figures, what it embeds."""

import contextlib
import importlib
import importlib.util
import re
import shlex
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from PIL import Image

import tamecrop as tc
from tamecrop.audit.explore import PUBLISHED, judge, open_album, render
from tamecrop.audit.measures.geometry import measure_drawn
from tamecrop.audit.measures.objects import measure_objects
from tamecrop.audit.measures.view_pairs import pair_views
from tamecrop.audit.recommend import CANDIDATES
from tamecrop.geometry.borders import BORDERS
from tamecrop.geometry.knobs import (
    CONTROLS,
    HOSTS,
    PATTERNS,
    find_line,
    find_visible,
    from_values,
    list_used,
    read_knobs,
    to_values,
    write_lines,
    write_plan,
)
from tamecrop.geometry.presets import PLANS, PRESETS

TEXTS = [
    *PRESETS,
    *PLANS,
    *CANDIDATES,
    "2of4x rrc:scale=0.3..0.9 @48x32",
    "gcc:alpha=1.5,border=recenter,rounding=faithful",
    "gcc:sigma=0.3,pair=iou,iou=0.1..0.3",
    "mgcc:pair=shared+iou,iou=0.1..0.3",
    "crop:extent=random,center=gaussian,sigma=0.2,border=clamp",
    "ccrop:box=encoder",
    "1x rrc @32 + 1x gcc @32",
]


@pytest.mark.parametrize("text", dict.fromkeys(TEXTS))
def test_a_text_comes_back_from_its_knobs_and_from_its_controls(text: str):
    whole = str(tc.plan(text))
    assert write_plan(read_knobs(text)) == whole
    assert write_plan(from_values(to_values(read_knobs(text)))) == whole


def test_a_knob_that_was_moved_gives_another_text():
    moved = replace(read_knobs("gcc"), border="reflect")
    assert write_plan(moved) == "gcc:scale=0.4,sigma=0.2165,border=reflect"
    wrong = replace(read_knobs("gcc"), others="alpha=2")
    assert write_plan(wrong) == "gcc:scale=0.4,alpha=2"


fractions = st.integers(1, 100).map(lambda whole: whole / 100)


@given(
    st.sampled_from([name for name in PUBLISHED if tc.policy(name).needs_views is None]),
    st.tuples(fractions, fractions).map(lambda ends: (min(ends), max(ends))),
    fractions,
    st.sampled_from([*BORDERS]),
    st.sampled_from(PATTERNS),
)
def test_what_any_knobs_write_is_a_plan_that_gives_the_same_knobs(
    preset, scale, sigma, border, pattern
):
    knobs = read_knobs(pattern.replace("POLICY", preset))
    moved = replace(knobs, scale=scale, sigma=sigma, border=border)
    text = write_plan(moved)
    assert str(tc.plan(text)) == text
    again = read_knobs(text)
    assert write_plan(again) == text
    assert (again.preset, again.border) in ((preset, border), ("crop", border))


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        (replace(read_knobs("rrc"), scale=(0.9, 0.2)), r"`scale` must satisfy"),
        (replace(read_knobs("rrc"), pattern="2x rrc"), "must hold the word POLICY"),
        (replace(read_knobs("rrc"), preset="rcr"), "unknown crop policy 'rcr'"),
        (replace(read_knobs("rrc"), pair="iuo"), "unknown pair 'iuo'"),
        (replace(read_knobs("rrc"), others="sigma=0.1"), "`sigma` has no meaning"),
    ],
)
def test_knobs_that_contradict_each_other_are_refused(knobs, message: str):
    with pytest.raises(ValueError, match=message):
        write_plan(knobs)


def test_a_policy_that_moves_is_refused():
    with pytest.raises(ValueError, match="of one epoch, got rrc:scale="):
        read_knobs("rrc:scale=0.5..1->0.2..1,over=9")


def test_knobs_without_a_meaning_are_hidden():
    assert list_used("gcc") == ("scale", "sigma", "border", "pair")
    hidden = {name for name, shown in find_visible("rc").items() if not shown}
    assert hidden == {"scale_high", "sigma", "ratio_low", "ratio_high", "band_low", "band_high"}
    assert all(find_visible("simccrop:pair=iou")[name] for name in ("band_low", "scale_high"))
    assert set(find_visible("rc")) == set(CONTROLS)


@pytest.mark.parametrize(
    "text", ["gcc:scale=0.4", "2x rrc @48x32", "mgcc", "dino32", "2of4x rrc @9"]
)
def test_every_line_runs(text: str):
    lines = write_lines(text)
    given_ = {"tamecrop": tc, "sizes": (48, 64), "index": [3]}
    image = torch.zeros(3, 48, 64, dtype=torch.uint8)
    for host, line in lines.items():
        if host == "command line":
            words = shlex.split(line)
            assert [str(tc.plan(word)) for word in words[4:]][1] == str(tc.plan(text))
            continue
        if host in ("Albumentations", "Kornia"):
            module = re.fullmatch(r"(tamecrop\.[\w.]+)\.Crop\(.*\)", line)[1]
            if importlib.util.find_spec(host.lower()) is None:
                continue
            importlib.import_module(module)
        made = eval(line, given_)
        if host == "Python, boxes of a batch":
            assert [len(boxes[0]) for boxes in made] == [g.views for g in tc.plan(text).groups]
        elif host.startswith("torchvision"):
            assert made(image) is not None
    assert set(lines) <= set(HOSTS)


def test_a_host_that_cannot_take_a_plan_says_so():
    assert find_line("mgcc", "torchvision").startswith("# takes one view")
    assert find_line("gcc", "torchvision").startswith("tamecrop.transforms.Crop(")


@pytest.fixture(scope="module")
def album():
    return open_album("scenes:objects=2,count=300")


@pytest.mark.parametrize("text", ["rrc", "gcc", "cast", "mgcc"])
def test_the_numbers_are_those_of_the_audit(album, text: str):
    found = judge(tc.plan(text), album.shapes)
    geometry = measure_drawn(pair_views(text), album.shapes, draws=1, placements=False)
    assert found.iou == geometry.pair_iou_mean
    assert found.content == geometry.content_share_mean
    assert found.apart == geometry.pair_iou_zero_share
    assert found.seen == geometry.coverage_map
    assert sum(found.histogram) == found.pairs == geometry.pairs
    assert found.kept == measure_objects(pair_views(text), album.shapes, draws=1).pair_share
    other = judge(tc.plan("rc:scale=0.9"), album.shapes)
    assert other.iou != found.iou


def test_published_policies_are_the_fixed_points(album):
    assert set(album.points) == set(PRESETS) - {"crop"}
    assert album.points["gcc"] == judge(tc.plan("gcc"), album.shapes)


def test_the_page_shows_both_plans_and_needs_no_other_file(album):
    html = render(album, ["rrc:scale=0.3..1", "dino32"])
    assert [f"{letter}:" for letter in "AB"] == re.findall(r"<h3>(\w:)", html)
    assert "2x rrc:scale=0.4..1 @32 + 6x rrc:scale=0.3..0.75 @18" in unescape(html)
    addresses = re.findall(r'(?:href|src)="([^"]{0,30})', html)
    assert len(addresses) == 2 + (2 + 8) + 2
    assert all(address.startswith("data:image/") for address in addresses)
    assert html.count("<img") == len(re.findall(r'alt="[^"]+"', html))
    assert f'data-iou="{judge(tc.plan("dino32"), album.shapes).iou:.4f}"' in html
    assert render(album, ["rrc:scale=0.3..1", "dino32"], draw=1) != html
    assert render(album, ["rrc:scale=0.3..1", "dino32"], image=1) != html


def test_labels_of_the_chart_stay_on_it(album):
    html = render(album, ["rrc", "gcc"])
    labels = re.findall(
        r'<text class="soft" x="([\d.]+)" y="([\d.]+)" text-anchor="\w+">([a-z_]+)<', html
    )
    named = {name for _, _, name in labels}
    assert named == set(PUBLISHED)
    assert all(0 < float(x) < 460 and 0 < float(y) < 300 for x, y, _ in labels)


def test_a_plan_of_one_view_is_refused(album):
    with pytest.raises(ValueError, match="judges pairs of views"):
        render(album, ["1x rrc"])


def write_image(path: Path, size=(40, 30)) -> Path:
    Image.fromarray(np.full((size[1], size[0], 3), 90, np.uint8)).save(path)
    return path


def test_one_image_is_enough(tmp_path):
    alone = open_album(write_image(tmp_path / "<b>one.png"))
    assert (alone.name, alone.count, len(alone.images)) == ("<b>one.png", 1, 1)
    assert not alone.has_objects
    html = render(alone, ["gcc"])
    assert "bring no object boxes" in html
    assert judge(tc.plan("gcc"), alone.shapes).kept is None
    assert str(tmp_path) not in html


def test_an_unreadable_image_is_left_out_and_said(tmp_path):
    good, bad = write_image(tmp_path / "good.png"), tmp_path / "bad.png"
    bad.write_bytes(good.read_bytes()[:60])
    album = open_album([bad, good])
    assert len(album.images) == 1
    assert any("bad.png" in note for note in album.notes)
    with pytest.raises(ValueError, match=r"bad\.png"):
        open_album([bad])


def test_what_is_no_image_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises((ValueError, OSError), match=r"notes\.txt"):
        open_album([tmp_path / "notes.txt"])


@pytest.mark.parametrize("name", PRESETS)
def test_a_number_that_is_moved_hides_no_knob(name):
    values = to_values(read_knobs(name))
    shown, moved = find_visible(name), 0
    for place, value in enumerate(values):
        for other in (0.01, 0.5, 1.0) if isinstance(value, float) else ():
            changed = from_values([*values[:place], other, *values[place + 1 :]])
            with contextlib.suppress(ValueError):  # numbers that contradict each other
                assert find_visible(write_plan(changed)) == shown
                moved += 1
    assert moved > 5
    assert find_visible("gcc") != find_visible("rrc")
