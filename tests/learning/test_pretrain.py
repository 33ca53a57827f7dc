"""The loop: it learns, it resumes bit for bit, it stops when told, and refuses what it must."""

import hashlib
import json
import re
import shutil
from dataclasses import replace

import pytest
import torch

import tamecrop as tc
from tamecrop.cli import main
from tamecrop.data.images import ImageSet
from tamecrop.data.sources import load
from tamecrop.geometry.plans import plan
from tamecrop.learning import checkpoint, curves as run_curves, processes
from tamecrop.learning.checkpoint import Checkpoint, CheckpointError, latest
from tamecrop.learning.config import Pretraining
from tamecrop.learning.pretrain import check_training, pretrain
from tamecrop.learning.run_folder import read_run
from tamecrop.learning.watching import Hooks, Interrupted, StopFlag

CONFIG = Pretraining(
    backbone="resnet10w16",
    optimizer="adam",
    learning_rate=3e-3,
    epochs=3,
    warmup_epochs=1,
    batch_size=32,
    photometric="scenes",
    save_every=1,
)
LAW = tc.policy("rc:scale=0.6")


@pytest.fixture(scope="module")
def scenes():
    return load("scenes:count=150")


@pytest.fixture(scope="module")
def straight(scenes, tmp_path_factory):
    return pretrain(scenes, LAW, CONFIG, tmp_path_factory.mktemp("straight"))


def stopping_after(steps):
    flag = StopFlag()

    def watch(progress):
        flag.raised = progress.step >= steps

    return Hooks(stepped=watch, stop=flag)


def same(one, two):
    tensors = zip(
        one.backbone.state_dict().values(), two.backbone.state_dict().values(), strict=True
    )
    return torch.equal(one.losses, two.losses) and all(torch.equal(a, b) for a, b in tensors)


def test_the_loss_falls_and_every_step_is_written_once(scenes, tmp_path):
    easy = replace(CONFIG, photometric="none", epochs=5)
    run = pretrain(scenes, LAW, easy, tmp_path)
    assert run.epoch_losses[-1] < 0.7 * run.epoch_losses[0]
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(5 * run.steps_per_epoch))
    assert [row["loss"] for row in rows] == run.losses.tolist()
    assert (tmp_path / "metrics.csv").read_text().count("\n") == len(rows) + 1


def test_tensorboard_gets_every_step_once_where_it_is_installed(tmp_path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for end in (2, 4):
        curves = {"loss": [4.0, 3.0, 2.0, 1.0][:end], "learning_rate": [0.1] * end}
        run_curves.write_curves(tmp_path, curves, steps_per_epoch=2)
    events = accumulators.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [
        (0, 4.0),
        (1, 3.0),
        (2, 2.0),
        (3, 1.0),
    ]


@pytest.mark.parametrize("steps", [1, 4, 5, 11])
def test_a_stopped_run_ends_with_the_bits_of_one_that_went_through(
    scenes, straight, tmp_path, steps
):
    with pytest.raises(Interrupted, match="continues"):
        pretrain(scenes, LAW, CONFIG, tmp_path, hooks=stopping_after(steps))
    resumed = pretrain(scenes, LAW, CONFIG, tmp_path)
    assert same(resumed, straight)


def test_foreign_use_of_torchs_generator_changes_nothing(scenes, straight, tmp_path):
    torch.manual_seed(99)
    hooks = Hooks(stepped=lambda _: torch.rand(3))
    assert same(pretrain(scenes, LAW, CONFIG, tmp_path, hooks=hooks), straight)


def test_another_seed_gives_other_weights(scenes, straight, tmp_path):
    assert not same(pretrain(scenes, LAW, CONFIG, tmp_path, seed=1), straight)


@pytest.mark.parametrize(
    ("change", "name"),
    [({"learning_rate": 1e-3}, "learning_rate"), ({"epochs": 4}, "epochs")],
)
def test_another_config_is_refused_by_name(scenes, tmp_path, change, name):
    config = replace(CONFIG, epochs=1, warmup_epochs=0)
    pretrain(scenes, LAW, config, tmp_path)
    with pytest.raises(ValueError, match=f"holds another run: `{name}`"):
        pretrain(scenes, LAW, replace(config, **change), tmp_path)
    with pytest.raises(ValueError, match="holds another run: `policy`"):
        pretrain(scenes, tc.policy("rc:scale=0.5"), config, tmp_path)
    with pytest.raises(ValueError, match="holds another run: `seed`"):
        pretrain(scenes, LAW, config, tmp_path, seed=2)


def test_a_finished_run_is_loaded_not_trained_again(scenes, tmp_path):
    config = replace(CONFIG, epochs=1, warmup_epochs=0)
    first = pretrain(scenes, LAW, config, tmp_path)

    def never(progress):
        raise AssertionError(f"trained step {progress.step} again")

    assert same(pretrain(scenes, LAW, config, tmp_path, hooks=Hooks(stepped=never)), first)


def test_a_damaged_checkpoint_is_passed_over_and_said_so(scenes, straight, tmp_path):
    with pytest.raises(Interrupted):
        pretrain(scenes, LAW, CONFIG, tmp_path, hooks=stopping_after(7))
    newest = latest(tmp_path / "checkpoints").path / "train.safetensors"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    said = []
    assert same(pretrain(scenes, LAW, CONFIG, tmp_path, hooks=Hooks(warned=said.append)), straight)
    assert "does not match its checksum" in said[0]


def test_a_run_whose_checkpoints_are_all_damaged_does_not_start_again(scenes, tmp_path):
    with pytest.raises(Interrupted):
        pretrain(scenes, LAW, CONFIG, tmp_path, hooks=stopping_after(7))
    for manifest in tmp_path.glob("checkpoints/*/manifest.json"):
        manifest.write_text("{}")
    with pytest.raises(CheckpointError, match=r"manifest\.json is damaged"):
        pretrain(scenes, LAW, CONFIG, tmp_path)


def test_a_loss_that_is_not_finite_stops_before_a_weight_changes(scenes, tmp_path):
    poisoned = replace(scenes, std=(0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match=r"must be finite: stopped before step 0.*samples \d"):
        pretrain(poisoned, LAW, CONFIG, tmp_path)
    assert latest(tmp_path / "checkpoints").path is None


def test_fewer_images_than_a_batch_are_refused(scenes, tmp_path):
    few = scenes.with_train(scenes.train.subset(range(31)))
    with pytest.raises(ValueError, match=r"`batch_size` must be at most the number .* 31, got 32"):
        pretrain(few, LAW, CONFIG, tmp_path)


@pytest.mark.parametrize(
    ("views", "change", "why"),
    [
        (
            "2x rrc @16 + 2x rrc @2",
            {"backbone": "resnet7w16"},
            "`backbone` resnet7w16 takes no views of 2 x 2 px: ",
        ),
        (
            "2x rrc",
            {"backbone": "resnet7w16", "size": 2},
            "`backbone` resnet7w16 takes no views of 2 x 2 px: ",
        ),
        ("2x rrc @16", {"batch_size": 999}, "`batch_size` must be at most the number of train"),
        (
            "2x ccrop:box=encoder @16",
            {"backbone": "timm:vit_tiny_patch16_224"},
            "`box=encoder` needs a backbone that pools",
        ),
    ],
)
def test_what_would_end_a_training_is_found_before_it(scenes, views, change, why):
    if "timm" in str(change):
        pytest.importorskip("timm")
    with pytest.raises(ValueError, match=re.escape(why)):
        check_training(scenes, tc.plan(views), replace(CONFIG, **change))


def test_a_check_changes_no_random_number(scenes):
    before = torch.get_rng_state()
    check_training(scenes, tc.plan("2x rrc @17"), CONFIG)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_study_is_refused_for_what_its_last_policy_would_end_in(tmp_path, capsys):
    words = ["--training.epochs=2", "--images=200", "--seeds=1", f"--out={tmp_path / 'out'}"]
    policies = ["--policies", "rrc @16", "rrc @2"]
    assert main(["compare", "scenes:count=300", *words, *policies]) == 2
    said = capsys.readouterr()
    assert "takes no views of 2 x 2 px" in said.err
    assert "training" not in said.out


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="compiling needs a C++ compiler")
def test_a_compiled_backbone_trains_as_the_eager_one_from_the_same_weights(scenes, tmp_path):
    exact = replace(
        CONFIG,
        precision="32-true",
        optimizer="sgd",  # Adam's first step makes a full step of the last bit of a gradient
        epochs=1,
        warmup_epochs=0,
    )
    eager = pretrain(scenes, LAW, exact, tmp_path / "eager")
    compiled = pretrain(scenes, LAW, replace(exact, execution="compiled"), tmp_path / "compiled")
    torch.testing.assert_close(compiled.losses[0], eager.losses[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(compiled.losses, eager.losses, atol=0.05, rtol=0)
    assert compiled.compile_seconds > 0 == eager.compile_seconds
    other = pretrain(scenes, LAW, exact, tmp_path / "other", seed=1)
    assert abs(other.losses[0] - eager.losses[0]) > 1e-2


def test_two_processes_may_not_share_a_run(scenes, tmp_path):
    def second(_):
        pretrain(scenes, LAW, CONFIG, tmp_path)

    with pytest.raises(ValueError, match="another process trains"):
        pretrain(scenes, LAW, CONFIG, tmp_path, hooks=Hooks(stepped=second))


def test_boxes_of_the_images_decide_what_is_trained_and_missing_ones_are_told(scenes, tmp_path):
    config = replace(CONFIG, epochs=1, warmup_epochs=0, size=16)
    told = []
    hooks = Hooks(warned=told.append)
    bare = replace(scenes.train, boxes=None)
    runs = [
        pretrain(data, "ccrop", config, tmp_path / str(number), hooks=hooks)
        for number, data in enumerate((scenes, scenes.with_train(bare)))
    ]
    assert not torch.equal(runs[0].losses, runs[1].losses)
    count = len(scenes.train)
    assert [line.partition(",")[0] for line in told] == [
        f"{count} of {count} train images have no object box"
    ]


@pytest.mark.parametrize(
    "views",
    [
        "1x rrc:scale=0.4..1 @16 + 1x rc:scale=0.5",
        "1x rc:scale=0.25 + 1x rrc:scale=0.1..0.4 @12x10",
    ],
)
def test_a_plan_of_two_groups_trains_and_resumes_bit_for_bit(scenes, tmp_path, views):
    config = replace(CONFIG, epochs=2)
    whole = pretrain(scenes, views, config, tmp_path / "whole")
    with pytest.raises(Interrupted):
        pretrain(scenes, plan(views), config, tmp_path / "parts", hooks=stopping_after(3))
    assert same(pretrain(scenes, views, config, tmp_path / "parts"), whole)
    assert read_run(tmp_path / "parts")["policy"] == views


def test_a_text_a_policy_and_a_plan_are_one_run_and_its_size_is_its_own(scenes, tmp_path):
    config = replace(CONFIG, epochs=1, warmup_epochs=0, size=16)
    first = pretrain(scenes, "rc:scale=0.6", config, tmp_path)
    assert same(pretrain(scenes, LAW, config, tmp_path), first)
    assert same(pretrain(scenes, plan(LAW), config, tmp_path), first)
    assert (read_run(tmp_path)["policy"], read_run(tmp_path)["size"]) == ("rc:scale=0.6", 16)
    with pytest.raises(ValueError, match="holds another run: `policy`"):
        pretrain(scenes, "2x rc:scale=0.6 @16", config, tmp_path)


def test_a_method_that_cannot_use_the_views_is_refused_before_anything_is_written(scenes, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(ValueError, match="byol needs two views of an image, got 3"):
        pretrain(scenes, "3x rc:scale=0.6", replace(CONFIG, method="byol"), out)
    with pytest.raises(ValueError, match="did you mean 'simclr'"):
        pretrain(scenes, LAW, replace(CONFIG, method="simclr2"), out)
    assert not out.exists()


def as_format_1(run):
    """Rewrite a run's folder as a version without methods wrote it."""
    new = json.loads((run / "run.json").read_text())
    old = {key.replace("optimizer", "optimiser"): new[key] for key in new if key != "method"}
    old |= {"projector": "linear", "dimension": 128, "temperature": 0.1}
    old["policy"] = old["policy"].replace("center", "centre")
    (run / "run.json").write_text(json.dumps(old))
    for folder in checkpoint.list_saved(run / "checkpoints"):
        found = checkpoint.load(folder)
        train = {
            name.replace("optimizer.", "optimiser.").replace("method.", ""): tensor
            for name, tensor in found.train.items()
        }
        contents = checkpoint._contents(
            Checkpoint(found.weights, train, {**found.state, "run": old})
        )
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        contents["manifest.json"] = json.dumps({"format": 1, "sha256": hashes}).encode()
        for name, content in contents.items():
            (folder / name).write_bytes(content)


def test_r6_a_run_that_an_older_version_began_is_finished_bit_for_bit(scenes, tmp_path):
    config = replace(CONFIG, method="simclr:projector=linear,temperature=0.1", size=16)
    law = "gcc:scale=0.6,alpha=2,border=recenter"
    whole = pretrain(scenes, law, config, tmp_path / "whole")
    with pytest.raises(Interrupted):
        pretrain(scenes, law, config, tmp_path / "old", hooks=stopping_after(5))
    as_format_1(tmp_path / "old")
    assert "recentre" in (tmp_path / "old" / "run.json").read_text()
    with pytest.raises(ValueError, match="holds another run: `method`"):
        pretrain(scenes, law, replace(config, method="simclr"), tmp_path / "old")
    assert same(pretrain(scenes, law, config, tmp_path / "old"), whole)
    assert checkpoint.latest(tmp_path / "old" / "checkpoints").damaged == ()


def test_images_of_two_sizes_need_a_size_for_random_extents(scenes, tmp_path):
    assert isinstance(scenes.train, ImageSet)
    with pytest.raises(ValueError, match="`size` must be given: the boxes of rrc"):
        pretrain(scenes, tc.policy("rrc:scale=0.2..1"), CONFIG, tmp_path)


def test_auto_is_the_precision_that_the_device_computes_in_and_the_run_records_it(
    scenes, tmp_path, monkeypatch
):
    short = replace(CONFIG, epochs=1, warmup_epochs=0)
    assert short.precision == "auto"
    for native, precision in ((True, "bf16-mixed"), (False, "32-true")):
        monkeypatch.setattr(processes, "computes_in_bfloat16", lambda native=native: native)
        pretrain(scenes, LAW, short, tmp_path / precision)
        assert read_run(tmp_path / precision)["precision"] == precision
    with pytest.raises(ValueError, match="`precision` is bf16-mixed there and 32-true here"):
        pretrain(scenes, LAW, short, tmp_path / "bf16-mixed")
    stated = replace(short, precision="bf16-mixed")
    assert processes.settle_precision(stated) is stated
