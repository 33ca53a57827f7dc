import csv
import dataclasses
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from tamecrop.geometry.policy import policy
from tamecrop.reporting.environment import Environment
from tamecrop.reporting.theme import png
from tamecrop.studies import words
from tamecrop.studies.cells import Cell, Key, Provenance, Summary, summarize
from tamecrop.studies.charts import accuracy_figure, center_figure, loss_figure, overlap_words
from tamecrop.studies.compare import HOW_TO_READ, report_html
from tamecrop.studies.grid import table_csv

POLICIES = ["rc:scale=0.8", "gcc:scale=0.8,alpha=2"]
HERE = Environment("<b>a CPU</b>", 2, 2, "Linux", "3.11", {"torch": "2.6"}, None)
PNG = b"\x89PNG\r\n\x1a\n"


RECIPE = {"probe": "frozen", "training": {"epochs": 2}}


def cell(policy: str, seed: int, accuracy: float) -> Cell:
    return Cell(
        policy=policy,
        protocol="compare",
        seed=seed,
        data="scenes",
        linear_accuracy=accuracy,
        knn_accuracy=accuracy / 2,
        validation_accuracy=accuracy,
        losses=(5.0, 4.5),
        seconds=60.0,
        compile_seconds=0.0,
        precision="32-true",
        images_per_second=900.0,
        train_images=100,
        test_images=50,
        classes=10,
        environment=HERE,
        provenance=Provenance(1, "ab" * 32, RECIPE),
    )


def study(accuracies: dict[str, list[float]]) -> Summary:
    cells = [
        cell(policy, seed, value)
        for policy, values in accuracies.items()
        for seed, value in enumerate(values)
    ]
    return summarize(cells, [Key(each.policy, "compare", each.seed) for each in cells])


CLEAR = study({POLICIES[0]: [0.50, 0.52, 0.54], POLICIES[1]: [0.40, 0.42, 0.45]})
NOISE = study({POLICIES[0]: [0.50, 0.52, 0.54], POLICIES[1]: [0.52, 0.50, 0.55]})
SINGLE = study({POLICIES[0]: [0.50], POLICIES[1]: [0.60]})


class Sources(HTMLParser):
    """Collects what a page would load and checks that tags are balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("img", "meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(summary: Summary) -> str:
    return report_html(summary, dict.fromkeys(HOW_TO_READ, PNG))


def test_the_page_loads_nothing_from_elsewhere():
    reader = Sources()
    reader.feed(page(CLEAR))
    assert reader.open == []
    assert len(reader.loaded) == len(HOW_TO_READ)
    assert all(source.startswith("data:image/png;base64,") for source in reader.loaded)
    assert "url(" not in page(CLEAR)


def test_the_page_escapes_what_it_is_given():
    assert "<b>a CPU</b>" not in page(CLEAR)
    assert "&lt;b&gt;a CPU&lt;/b&gt;" in page(CLEAR)


def test_a_missing_figure_is_an_error():
    with pytest.raises(KeyError, match="losses"):
        report_html(CLEAR, {"accuracy": PNG})


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        (CLEAR, "more than seeds explain"),
        (NOISE, "neither a difference nor equality within 0.5 points is shown"),
        (SINGLE, "only more seeds can tell"),
    ],
)
def test_the_verdict_is_honest_about_noise(summary: Summary, said: str):
    sentences = words.verdict(summary)
    assert len(sentences) == 2
    assert said in sentences[1]
    assert said in page(summary)


def test_the_opening_compares_the_best_with_the_second():
    assert (
        "9.7 points above gcc:scale=0.8,alpha=2, more than seeds explain" in words.verdict(CLEAR)[0]
    )
    assert "any of the 2 highest may be the best of these 2" in words.verdict(NOISE)[0]
    assert "on one seed" in words.verdict(SINGLE)[0]


def test_the_page_says_what_its_intervals_rest_on():
    corrected, detectable, pairing = words.basis_notes(NOISE.comparison)
    assert corrected.startswith("The interval holds in 95 % of studies (Student's t")
    assert f"{100 * NOISE.comparison.detectable:.1f} points in 4 of 5 studies" in detectable
    assert f"a correlation of {NOISE.comparison.pairing:.2f}" in pairing
    assert words.basis_notes(SINGLE.comparison) == () == words.basis_notes(None)


def test_an_unfinished_study_says_so():
    partial = dataclasses.replace(SINGLE, complete=False)
    assert "unfinished: 2 cells so far" in words.lead(partial)
    assert "unfinished" not in words.lead(SINGLE)


def test_rows_mark_the_best_and_print_percentages():
    first, second = words.table_rows(CLEAR)
    assert (first.best, second.best) == (True, False)
    assert (first.linear, first.knn, first.seconds) == ("52.0", "26.0", "60")
    assert re.fullmatch("\N{MINUS SIGN}9.7", second.difference)
    assert words.table_rows(SINGLE)[1].interval == "(one seed)"


def test_the_table_holds_fractions():
    rows = list(csv.DictReader(io.StringIO(table_csv(CLEAR))))
    assert [row["policy"] for row in rows] == POLICIES
    assert float(rows[0]["mean"]) == pytest.approx(0.52)
    assert rows[0]["difference"] == ""
    assert float(rows[1]["difference_low"]) < float(rows[1]["difference"])


@pytest.mark.parametrize("summary", [CLEAR, SINGLE])
def test_charts_are_pictures(summary: Summary):
    charts = [accuracy_figure(summary), loss_figure(summary)]
    assert all(png(chart, dpi=50).startswith(PNG) for chart in charts)


def test_the_chart_shows_every_seed():
    drawn = accuracy_figure(CLEAR).axes[0].lines[0].get_xdata()
    assert list(drawn) == [0.50, 0.52, 0.54]


def test_the_center_map_sees_where_centers_are():
    inside, leaving = center_figure([policy("rc:scale=0.8"), policy(POLICIES[1])], (32, 48)).axes
    shares = [(axes.images[0].get_array() > 0).mean() for axes in (inside, leaving)]
    assert shares[0] < 0.05 < 0.3 < shares[1]


def test_overlap_is_worded_from_the_boxes():
    boxes = policy("rc:scale=1").draw((32, 32), index=[0, 1])
    assert overlap_words(boxes, (32, 32)) == "mean IoU 1.00 · content 100 %"
    assert overlap_words(np.add(boxes, [16, 0, 16, 0]), (32, 32)) == "mean IoU 1.00 · content 50 %"
    shifted = np.array([[[-16, 0, 16, 32], [0, 0, 32, 32]]])
    assert overlap_words(shifted, (32, 32)).startswith("mean IoU 0.50"), "of contents, not boxes"


def watched(**changes):
    cells = [dataclasses.replace(cell(POLICIES[n], 0, 0.5), **changes) for n in (0, 1)]
    return summarize(cells, [each.key for each in cells])


@pytest.mark.parametrize("std", [0.0, 0.03])
def test_a_collapsed_run_says_so_on_the_page(std):
    figures = dict.fromkeys(HOW_TO_READ, PNG)
    said = "has collapsed (seed 0): its features are all alike."
    assert said in report_html(watched(feature_std=std), figures)
    assert said not in report_html(watched(feature_std=0.3), figures)
    assert said not in report_html(watched(), figures)  # cells of before know nothing of it


def test_boxes_that_are_the_whole_image_are_said():
    assert any(
        "25.0 % of the boxes" in line for line in words.describe_watch(watched(whole_boxes=0.25))
    )
    assert words.describe_watch(watched()) == ()


def test_training_that_waits_for_views_says_so():
    said = words.describe_watch(watched(waiting=0.31))
    assert said == ("Training waited for views 31.0 % of the time.",)
    assert words.describe_watch(watched(waiting=0.1)) == ()


def test_nearest_neighbors_on_the_way_have_a_panel():
    assert len(loss_figure(watched(online_knn=(None, 0.4))).axes) == 2
    assert len(loss_figure(watched()).axes) == 1


def test_an_epoch_that_takes_longer_shows_its_cost():
    cells = [cell(POLICIES[0], 0, 0.5), cell(POLICIES[1], 0, 0.5)]
    cells[1] = dataclasses.replace(cells[1], images_per_second=450.0)
    rows = words.table_rows(summarize(cells, [each.key for each in cells]))
    assert [row.seconds for row in rows] == ["60", "60 (2.0 x)"]


def test_the_pages_say_what_of_the_data_was_read():
    said = "classes: cat, dog (2); splits: train 36, <i>val</i> 10"
    cells = [dataclasses.replace(each, account=said) for each in CLEAR.cells]
    keys = [Key(each.policy, "compare", each.seed) for each in cells]
    found = summarize(cells, keys)
    assert ("Read", said) in words.facts(found)
    assert "splits: train 36, &lt;i&gt;val" in report_html(found, dict.fromkeys(HOW_TO_READ, PNG))
    assert not any(name == "Read" for name, _ in words.facts(CLEAR)), "older cells do not know"
