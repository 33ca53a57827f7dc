"""Data decides the recipe when none is named, wherever among the words it stands."""

import pytest
from jsonargparse import ArgumentParser

from tamecrop.cli import app, main, training


def settings(capsys, *words: str) -> list[str]:
    assert main([*words, "--print_config"]) == 0
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("words", "preset"),
    [
        (["compare"], "quick"),
        (["compare", "scenes:count=100"], "quick"),
        (["compare", "cifar10"], "small"),
        (["compare", "photographs/of mine"], "small"),
        (["compare", "--seeds", "3", "cifar10"], "small"),
        (["compare", "--training.epochs=3", "cifar10"], "small"),
        (["compare", "--policies", "rc", "gcc"], "quick"),
        (["compare", "cifar10", "--preset", "paper"], "paper"),
        (["pretrain", "--policy", "rc", "stl10"], "small"),
    ],
)
def test_the_demos_recipe_is_for_the_demos_data(capsys, words: list[str], preset: str):
    assert f"preset: {preset}" in settings(capsys, *words)


@pytest.mark.parametrize(
    ("content", "preset", "images"),
    [("data: cifar10", "small", 50000), ("data: cifar10\npreset: quick", "quick", 2048)],
)
def test_a_config_file_decides_as_words_do(capsys, tmp_path, content, preset, images):
    path = tmp_path / "config.yaml"
    path.write_text(content)
    found = settings(capsys, "compare", "--config", str(path))
    assert {f"preset: {preset}", f"images: {images}", "data: cifar10"} <= set(found)


@pytest.mark.parametrize("command", ["compare", "pretrain"])
def test_options_of_many_values_and_of_none_are_listed(command: str):
    parser = ArgumentParser()
    app.find_command(command).declare(parser, [])
    options = [action for action in parser._actions if action.option_strings[:1]]
    many = {each.option_strings[0] for each in options if each.nargs in ("+", "*")}
    none = {each.option_strings[0] for each in options if each.nargs == 0} - {"-h"}
    assert many <= set(training.TAKE_MANY)
    assert none <= set(training.TAKE_NONE)


def test_what_of_the_data_and_which_colors_are_used_is_said(capsys, tmp_path):
    words = ["pretrain", "scenes:count=67", "--policy", "rc:scale=0.6", "--images", "40"]
    less = ["--training.epochs=1", "--training.warmup_epochs=0", "--training.batch_size=30"]
    assert main([*words, *less, "--out", str(tmp_path / "run")]) == 0
    line = "recipe quick: 40 of 60 train images, color step scenes\n"
    assert line in capsys.readouterr().out
