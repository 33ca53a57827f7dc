import dataclasses
import json
from pathlib import Path

import pytest

from tamecrop.reporting.environment import Environment, commit, environment
from tamecrop.reporting.jsonfiles import read_json, write_atomic, write_json
from tamecrop.studies import store
from tamecrop.studies.cells import Cell, Key, Provenance, Summary, accuracies, summarize
from tamecrop.version import NUMBERS

HERE = Environment("a CPU", 2, 1, "Linux", "3.11", {"torch": "2.6"}, None)
RECIPE = {"images": None, "probe": "frozen", "training": {"epochs": 2, "learning_rate": 0.1}}
CELL = Cell(
    policy="rc:scale=0.8",
    protocol="compare",
    seed=0,
    data="scenes",
    linear_accuracy=0.5,
    knn_accuracy=0.25,
    validation_accuracy=None,
    losses=(5.0, 4.5),
    seconds=12.5,
    compile_seconds=0.0,
    precision="32-true",
    images_per_second=900.0,
    train_images=100,
    test_images=50,
    classes=10,
    environment=HERE,
    provenance=Provenance(NUMBERS, "ab12", RECIPE),
)
POLICIES = ("rc:scale=0.8", "cgcc:scale=0.8")
KEYS = [Key(policy, "compare", seed) for seed in (0, 1) for policy in POLICIES]


def summary(cells: tuple[Cell, ...]) -> Summary:
    return summarize(cells, KEYS)


def corrupted(**changes: object) -> str:
    fields = {**dataclasses.asdict(CELL), **changes}
    return json.dumps({key: value for key, value in fields.items() if value != "gone"})


def test_a_summary_round_trips(tmp_path: Path):
    study = summary((CELL, dataclasses.replace(CELL, policy="cgcc:scale=0.8", seed=0)))
    write_json(tmp_path / "summary.json", study)
    assert read_json(Summary, tmp_path / "summary.json") == study
    assert [file.name for file in tmp_path.iterdir()] == ["summary.json"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"linear_accuracy": 50.1}, "`linear_accuracy` must satisfy 0 <= linear_accuracy <= 1"),
        ({"knn_accuracy": -0.1}, "`knn_accuracy` must satisfy"),
        ({"seconds": -1.0}, "`seconds` must satisfy"),
        ({"seed": "gone"}, "must have the field `seed`"),
        ({"sed": 3}, "no field `sed`; did you mean `seed`"),
        ({"seed": 1.5}, "`Cell.seed` must be of type int, got 1.5"),
        ({"classes": True}, "`Cell.classes` must be of type int, got True"),
        ({"losses": [1.0, "2"]}, r"`Cell.losses\[1\]` must be of type float, got '2'"),
        ({"losses": "12"}, "`Cell.losses` must be a list, got '12'"),
        ({"provenance": {"numbers": 1}}, "`Cell.provenance` must have the field `fingerprint`"),
        ({"validation_accuracy": 3.0}, "`validation_accuracy` must satisfy"),
        ({"environment": 3}, "`Cell.environment` must be an object, got 3"),
    ],
)
def test_a_wrong_cell_is_refused_by_name(tmp_path: Path, changes: dict, message: str):
    path = tmp_path / "cell.json"
    path.write_text(corrupted(**changes))
    with pytest.raises(ValueError, match=message) as caught:
        read_json(Cell, path)
    assert str(path) in str(caught.value)


def test_an_untouched_cell_is_accepted(tmp_path: Path):
    path = tmp_path / "cell.json"
    path.write_text(corrupted())
    assert read_json(Cell, path) == CELL


def test_half_a_file_is_refused(tmp_path: Path):
    path = tmp_path / "cell.json"
    path.write_text(corrupted()[:100])
    with pytest.raises(ValueError, match=r"cell\.json"):
        read_json(Cell, path)


def test_another_format_is_refused():
    with pytest.raises(ValueError, match="`format` must be 2, got 1"):
        dataclasses.replace(summary(()), format=1)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "summary.json"
    write_atomic(path, b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_policies_are_compared_with_the_first_by_seed():
    other = dataclasses.replace(CELL, policy="cgcc:scale=0.8", linear_accuracy=0.6)
    late = dataclasses.replace(CELL, seed=1, linear_accuracy=0.1)
    found = summary((CELL, late, other))
    first, second = found.arms
    assert (first.n, first.mean, first.difference) == (2, pytest.approx(0.3), None)
    assert second.difference is not None
    assert second.difference.mean == pytest.approx(0.1)
    assert second.spread is None
    assert not found.complete
    assert summarize((CELL, other), KEYS[:2]).complete
    assert [arm.difference for arm in summarize((CELL, other), KEYS[:2], compared=False).arms] == [
        None,
        None,
    ]


def test_arms_under_another_protocol_have_no_difference_to_the_baseline():
    other = dataclasses.replace(CELL, protocol="paper")
    arms = summarize((CELL, other), [CELL.key, other.key]).arms
    assert [arm.difference for arm in arms] == [None, None]
    assert accuracies((CELL, other), CELL.policy, "paper") == {0: 0.5}
    assert accuracies((CELL,), CELL.policy, "compare", name="validation") == {}


def made(**changes) -> Cell:
    """A cell of another seed, its provenance changed."""
    provenance = dataclasses.replace(CELL.provenance, **changes)
    return dataclasses.replace(CELL, seed=1, provenance=provenance)


OTHERS = [
    ({"numbers": NUMBERS + 1}, f"`numbers` is {NUMBERS + 1} there and {NUMBERS} here"),
    ({"fingerprint": "cd"}, "`data` is cd there and ab12 here"),
    (
        {"recipe": {**RECIPE, "training": {"epochs": 2, "learning_rate": 0.2}}},
        r"`recipe\.training\.learning_rate` is 0.2 there and 0.1 here",
    ),
    ({"recipe": {**RECIPE, "images": 7}}, r"`recipe\.images` is 7 there and None here"),
]


@pytest.mark.parametrize(("changes", "said"), OTHERS)
def test_cells_of_another_provenance_are_refused_by_name(changes, said):
    other = made(**changes)
    with pytest.raises(ValueError, match=rf"there holds something else: of rc:scale.*{said}"):
        store.merge([CELL], [other], source="there")
    with pytest.raises(ValueError, match=said):
        store.merge([], [CELL, other], source="there")
    assert len(store.merge([CELL], [other], source="there", across=True)) == 2
    assert len(store.merge([CELL], [dataclasses.replace(other, protocol="x")], source="y")) == 2


def test_settings_are_compared_as_values_and_not_as_they_are_printed():
    """A text `None` is not None, a list read from JSON is the tuple that was written."""
    texts = made(recipe={**RECIPE, "images": "None"})
    with pytest.raises(ValueError, match="images"):
        store.merge([CELL], [texts], source="there")
    tuples = made(recipe={**RECIPE, "size": (3, 4)})
    assert tuples.provenance == made(recipe={**RECIPE, "size": [3, 4]}).provenance


def test_cells_from_elsewhere_are_added_once_and_contradictions_refused(tmp_path: Path):
    store.add(tmp_path, [CELL], source="here")
    store.add(tmp_path, [CELL, made()], source="there")
    assert [cell.seed for cell in store.read(tmp_path)] == [0, 1]
    with pytest.raises(ValueError, match="is there already, with other numbers"):
        store.add(tmp_path, [dataclasses.replace(CELL, knn_accuracy=0.6)], source="there")
    assert store.read(tmp_path)[0] == CELL


def test_a_file_that_is_no_store_is_refused_by_name(tmp_path: Path):
    (tmp_path / "cells.json").write_text("[]")
    with pytest.raises(ValueError, match=r"cells\.json: `Cells` must be an object, got \[\]"):
        store.read(tmp_path)
    (tmp_path / "cells.json").write_text('{"format": 1, "cells": []}')
    with pytest.raises(ValueError, match=r"cells\.json: `format` must be 2, got 1"):
        store.read(tmp_path)
    assert store.read(tmp_path / "nowhere") == ()


def test_a_long_plan_gets_a_folder_of_its_own():
    plans = [f"{views}x rrc:scale=0.2..1 @32 + " * 9 + "1x rc @8" for views in (2, 3)]
    folders = [store.run_folder(Path("out"), Key(plan, "compare", 0)) for plan in plans]
    assert folders[0] != folders[1]
    assert all(len(folder.name) < 200 for folder in folders)
    near = [Key("rc:scale=0.8", "a", 1), Key("rc:scale=0.8", "b", 1), Key("rc:scale=0.8", "a", 11)]
    assert len({store.run_folder(Path("out"), key) for key in near}) == 3


@pytest.mark.parametrize("name", ["paper/cells.json", "compare/scenes_quick.json"])
def test_the_projects_own_results_can_be_read(name):
    path = Path(__file__).parents[2] / "results" / name
    cells = store.read(path) if "paper" in name else read_json(Summary, path).cells
    assert len(cells) >= 9


def test_the_environment_names_versions_and_commit(tmp_path: Path):
    found = environment()
    assert found.cores >= 1
    assert set(found.versions) >= {"tamecrop", "torch", "torchvision"}
    assert commit(tmp_path / "nowhere.py") is None


def test_a_list_of_numbers_takes_one_line_and_texts_are_left_alone(tmp_path):
    @dataclasses.dataclass(frozen=True)
    class Table:
        rows: tuple[tuple[float, ...], ...]
        words: str

    table = Table(((1.5, -2e-9), (3.0, 4.0)), "[ 1,   2 ]")
    write_json(tmp_path / "table.json", table)
    text = (tmp_path / "table.json").read_text()
    assert "[ 1.5, -2e-09 ]" in text
    assert json.loads(text) == {"rows": [[1.5, -2e-9], [3.0, 4.0]], "words": "[ 1,   2 ]"}
