"""R27: our own source makes no call that could execute what a file says, and lifts no guard."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "tamecrop"
FORBIDDEN = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
CALLS = {"eval", "exec", "compile", "__import__"}
UNSAFE = {
    "os": {"system", "popen"},
    "torch": {"load"},
    "yaml": {"load", "unsafe_load", "full_load", "load_all"},
}


ALLOWED = {("opening.py", "MAX_IMAGE_PIXELS")}
"""Pillow's limit is lifted while a file is decoded under the limit that a person asked for; R22
and K3 test that one, and that Pillow's is put back."""


def unsafe(source):
    """Unsafe calls and settings in a file of Python, by line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name.split(".")[0] for alias in node.names]
            module = getattr(node, "module", None) or ""
            found += [(node.lineno, name) for name in [*names, module] if name in FORBIDDEN]
        if isinstance(node, ast.Call):
            found += [(node.lineno, what) for what in _call(node)]
        if isinstance(node, ast.Assign):
            targets = [each.attr for each in node.targets if isinstance(each, ast.Attribute)]
            harmful = {"MAX_IMAGE_PIXELS", "LOAD_TRUNCATED_IMAGES"} & set(targets)
            found += [(node.lineno, name) for name in harmful]
    return found


def _call(node):
    called = node.func
    if isinstance(called, ast.Name) and called.id in CALLS:
        yield called.id
    owner = getattr(getattr(called, "value", None), "id", None)
    if isinstance(called, ast.Attribute) and called.attr in UNSAFE.get(owner, ()):
        yield f"{owner}.{called.attr}"
    for word in node.keywords:
        harmful = {"allow_pickle": True, "shell": True, "weights_only": False}
        if word.arg in harmful and getattr(word.value, "value", None) is harmful[word.arg]:
            yield f"{word.arg}={word.value.value}"


def test_our_source_makes_no_unsafe_call(record):
    files = sorted(SOURCE.rglob("*.py"))
    found = [(path.name, *each) for path in files for each in unsafe(path.read_text())]
    kept = [each for each in found if (each[0], each[2]) not in ALLOWED]
    assert kept == []
    record("R27.source", f"{len(files)} files, no unsafe call", n=len(files), unsafe=0)


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "torch.load(path)",
        "torch.load(path, weights_only=True)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.unsafe_load(text)",
        "eval(text)",
        "exec(text)",
        "os.system(line)",
        "subprocess.run(line, shell=True)",
        "Image.MAX_IMAGE_PIXELS = None",
        "ImageFile.LOAD_TRUNCATED_IMAGES = True",
    ],
)
def test_an_unsafe_call_is_seen(line):
    assert unsafe(line)
    assert not unsafe("np.load(path, allow_pickle=False)\nyaml.safe_load(text)\nmodel.eval()")
