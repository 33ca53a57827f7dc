"""`make test-hosts` names what hangs, ends it, and goes on with the others."""

import sys
import time
from pathlib import Path

import pytest

from hosts import environments
from hosts.environments import Clock

HANGS = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(600)
"""


@pytest.fixture
def hosts(tmp_path, monkeypatch):
    """Three hosts, of which the second hangs and the last one's tests fail; where they are."""

    def run(name, place, clock):
        place.mkdir()
        code = {"hangs": HANGS, "passes": "", "fails": "raise SystemExit(1)"}[name]
        done = clock.run([sys.executable, "-c", code, tmp_path / "pid"], "tests")
        return done == 0, "words"

    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path)
    monkeypatch.setitem(environments.LIMITS, "tests", 5)
    known = ["passes", "hangs", "fails"]
    monkeypatch.setitem(environments.KINDS, "hosts", (lambda: known, run, ""))
    return tmp_path


def run_main(monkeypatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["environments.py", "hosts", *words])
    environments.main()


def is_gone(process: int) -> bool:
    """Whether a process ends within ten seconds."""
    status = Path(f"/proc/{process}/status")
    for _ in range(100):
        if not status.exists() or "State:\tZ" in status.read_text():
            return True
        time.sleep(0.1)
    return False


def test_what_hangs_is_ended_and_named_and_others_run(hosts, monkeypatch, capfd):
    with pytest.raises(SystemExit, match="failed: hangs, fails"):
        run_main(monkeypatch, "--discard")
    said = capfd.readouterr().out.splitlines()[-3:]
    assert said == [
        "passes: passed, words",
        "hangs: FAILED, tests: not done after 5 s, ended",
        "fails: FAILED, words",
    ]
    assert is_gone(int((hosts / "pid").read_text())), "its processes are ended too"
    assert [path.name for path in hosts.iterdir()] == ["pid"], "no environment is left"


def test_environments_are_kept_unless_they_are_discarded(hosts, monkeypatch):
    run_main(monkeypatch, "passes")
    assert (hosts / "passes").is_dir()


def test_what_is_left_when_the_time_is_over_has_failed(hosts, monkeypatch, capfd):
    with pytest.raises(SystemExit, match="failed: passes"):
        run_main(monkeypatch, "passes", "--minutes", "0")
    assert "passes: FAILED, not run: the time of all is over" in capfd.readouterr().out


def test_an_installation_that_fails_is_a_failure_of_its_host(hosts, monkeypatch, capfd):
    def run(name, place, clock):
        clock.install(Path(sys.executable), "--no-index", "no-such-package-as-this")

    monkeypatch.setitem(environments.KINDS, "hosts", (lambda: ["one"], run, ""))
    with pytest.raises(SystemExit, match="failed: one"):
        run_main(monkeypatch)
    assert "'pip', 'install', '--quiet', '--no-index'" in capfd.readouterr().out


def test_a_test_that_hangs_is_named(tmp_path):
    test = tmp_path / "test_it.py"
    test.write_text("import time\ndef test_that_hangs():\n    time.sleep(3)\n")
    words = [each.replace(str(environments.ONE_TEST), "1") for each in environments.PYTEST]
    with (tmp_path / "said").open("w") as said:
        Clock().run([sys.executable, *words, test], "tests", cwd=tmp_path, stderr=said)
    assert "in test_that_hangs" in (tmp_path / "said").read_text()
