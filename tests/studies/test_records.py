import dataclasses
import json
from pathlib import Path

import pytest

from tamecrop.reporting.environment import Environment, commit, environment
from tamecrop.reporting.jsonfiles import read_json, write_atomic, write_json
from tamecrop.studies.records import FORMAT, Cell, Loss, Summary, policy_records

HERE = Environment("a processor", 2, 2, "Linux", "3.11", {"torch": "2.6"}, None)
CELL = Cell(
    policy="rc:scale=0.8",
    seed=0,
    linear_accuracy=0.5,
    knn_accuracy=0.25,
    seconds=12.5,
    images_per_second=900.0,
    epochs=2,
    train_images=100,
    test_images=50,
    probe="frozen",
    losses=(Loss(0, 5.0), Loss(1, 4.5)),
    environment=HERE,
)


def summary(cells: tuple[Cell, ...]) -> Summary:
    policies = policy_records(cells, ["rc:scale=0.8", "cgcc:scale=0.8"])
    return Summary(FORMAT, "scenes", "ab12", 10, {"epochs": 2}, (0, 1), False, cells, policies)


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
        ({"epochs": True}, "`Cell.epochs` must be of type int, got True"),
        ({"losses": [{"epoch": 0}]}, r"`Cell.losses\[0\]` must have the field `loss`"),
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
    with pytest.raises(ValueError, match="`format` must be 1, got 2"):
        dataclasses.replace(summary(()), format=2)


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
    first, second = summary((CELL, late, other)).policies
    assert (first.n, first.mean, first.difference) == (2, pytest.approx(0.3), None)
    assert second.difference is not None
    assert second.difference.mean == pytest.approx(0.1)
    assert second.spread is None


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
