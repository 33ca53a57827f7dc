"""`tamecrop explore` in a browser without a screen, where gradio, selenium and chromium are."""

import importlib.util
import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tamecrop as tc
from browsers import open_browser
from tamecrop.audit.explore import judge, open_album
from tamecrop.cli import main
from tamecrop.cli.commands.explore import COMMAND

DATA = "scenes:objects=2,count=200"
TEXTS = ("rrc:scale=0.2..1", "gcc:scale=0.4,sigma=0.2165")


def test_wrong_use_is_one_line_before_any_server(capsys):
    assert main(["explore", "scenes:count=60", "--policies", "rrc", "gcc", "rc"]) == 2
    assert "`policies` must be one or two, got 3" in capsys.readouterr().err
    assert main(["explore", "scenes:count=60", "--policies", "rcr"]) == 2
    assert "unknown crop policy 'rcr'" in capsys.readouterr().err


def test_without_gradio_it_is_one_line(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "tamecrop.cli.explorer", raising=False)
    assert main(["explore", "scenes:count=60"]) == 2
    line = "gradio is not installed: pip install 'tamecrop[explore]'"
    assert line in capsys.readouterr().err
    assert COMMAND.summary.startswith("move a crop policy")


@pytest.fixture(scope="module")
def album():
    return open_album(DATA)


@pytest.fixture(scope="module")
def address():
    """Of the page that the command serves, which Ctrl-C ends."""
    if importlib.util.find_spec("gradio") is None:
        pytest.skip("needs the explore extra")
    words = [sys.executable, "-m", "tamecrop", "explore", DATA, "--policies", *TEXTS]
    # A shell's background job has it that Ctrl-C is ignored, and so have its children.
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    served = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, preexec_fn=heard)
    try:
        lines = iter(served.stdout.readline, "")
        yield next(line for line in lines if line.startswith("http")).split()[0]
        served.send_signal(signal.SIGINT)
        assert served.wait(60) == 130
    finally:
        served.kill()
        served.communicate()


@pytest.fixture(scope="module")
def browser():
    with open_browser("--window-size=1300,1200") as found:
        yield found


READY = """return document.querySelectorAll('#pictures .tc-panel').length == 2
    && document.querySelector('#A-text :is(input, textarea)') != null
    && document.querySelector('input[type=file]') != null"""


@pytest.fixture
def opened(browser, address):
    """The page as it is when it has been opened."""
    browser.get(address)
    wait(browser, READY)
    return browser


def wait(browser, script: str) -> None:
    """Until a script says so."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 60).until(lambda found: found.execute_script(script))


def put(browser, place: str, value: str) -> None:
    """Type into a field as a person does, and press Enter."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    field = browser.find_element(By.CSS_SELECTOR, place)
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(value, Keys.ENTER)


def read_text(browser, letter: str) -> str:
    return browser.execute_script(
        f"return document.querySelector('#{letter}-text :is(input, textarea)').value"
    )


def test_a_slider_changes_text_picture_and_numbers(opened, album):
    put(opened, "#A-scale_low input[type=number]", "0.5")
    wait(
        opened,
        "return document.querySelector('#A-text :is(input, textarea)').value != 'rrc:scale=0.2..1'",
    )
    assert read_text(opened, "A") == "rrc:scale=0.5..1"
    expected = f"{judge(tc.plan('rrc:scale=0.5..1'), album.shapes).iou:.4f}"
    wait(
        opened,
        f"return document.querySelector('#pictures .tc-panel').dataset.iou == '{expected}'",
    )
    second = "document.querySelectorAll('#pictures h3')[1].innerText"
    assert TEXTS[1] in opened.execute_script(f"return {second}")


def test_nothing_that_was_shown_stays_in_the_browser(opened):
    for value in ("0.5", "0.6"):
        put(opened, "#A-scale_low input[type=number]", value)
        typed = "document.querySelector('#pictures h3').innerText"
        wait(opened, f"return {typed}.includes('scale={value}')")
    kept = opened.execute_script(
        "return JSON.stringify(localStorage) + JSON.stringify(sessionStorage)"
    )
    assert "tc-panel" not in kept, kept[:200]
    assert "rrc" not in kept, kept[:200]


def test_a_typed_text_moves_the_controls_and_comes_back(opened):
    typed = "2x cgcc:scale=0.3,sigma=0.1 @32"
    put(opened, "#A-text :is(input, textarea)", typed)
    wait(opened, "return document.querySelector('#A-preset input').value == 'cgcc'")
    assert read_text(opened, "A") == str(tc.plan(typed))
    wait(opened, "return document.querySelector('#A-sigma input[type=number]').value == '0.1'")
    wait(opened, f"return document.querySelector('#pictures h3').innerText.includes('{typed}')")
    assert opened.execute_script("return document.querySelector('#A-ratio_low')") is None


def test_what_cannot_be_is_said_and_the_page_stays(opened):
    put(opened, "#A-text :is(input, textarea)", "rrc:scale=7")
    wait(opened, "return document.querySelector('#message').innerText.includes('must satisfy')")
    shown = opened.execute_script("return document.querySelector('#pictures h3').innerText")
    assert TEXTS[0] in shown


def upload(browser, path: Path) -> None:
    from selenium.webdriver.common.by import By

    browser.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(path))


def test_a_bad_file_gets_a_message_and_a_good_one_is_shown(opened, tmp_path):
    bad = tmp_path / "broken.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n nothing more")
    upload(opened, bad)
    wait(opened, "return document.querySelector('#message').innerText.includes('broken.png')")
    said = opened.execute_script("return document.querySelector('#message').innerText")
    assert "gradio" not in said, "a path of the server"
    opened.refresh()
    wait(opened, READY)
    Image.fromarray(np.full((30, 50, 3), 200, np.uint8)).save(tmp_path / "own.png")
    upload(opened, tmp_path / "own.png")
    wait(
        opened,
        "return document.querySelector('#pictures image').getAttribute('width') == '50'",
    )


def test_it_speaks_with_this_machine_alone_and_fits_a_phone(opened):
    loaded = "performance.getEntriesByType('resource')"
    hosts = set(opened.execute_script(f"return {loaded}.map(each => new URL(each.name).host)"))
    assert all(host.startswith("127.0.0.1:") for host in hosts if host), hosts
    size = {"width": 400, "height": 900, "deviceScaleFactor": 1, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    opened.refresh()
    wait(opened, READY)
    wide = opened.execute_script("return document.documentElement.scrollWidth")
    name = "document.querySelector('#title code')"
    opened.execute_script(f"{name}.textContent = 'long_name_of_data'.repeat(5)")
    cut_off = opened.execute_script(f"return {name}.scrollWidth - {name}.clientWidth")
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert wide <= 400
    assert cut_off <= 0


def fetch(address: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(address) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_a_path_outside_the_data_cannot_be_read(address, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("not for you")
    for place in (secret, Path(__file__), Path("/etc/hostname")):
        for route in ("gradio_api/file=", "file="):
            code, content = fetch(f"{address}{route}{place}")
            assert code in (403, 404), (route, place)
            assert b"not for you" not in content
    assert fetch(address)[0] == 200


def test_a_forged_upload_is_refused(address, tmp_path):
    """The event of the upload gets a path of the server that nobody has uploaded."""
    Image.fromarray(np.full((31, 57, 3), 200, np.uint8)).save(tmp_path / "secret.png")
    events = json.loads(fetch(f"{address}config")[1])["dependencies"]
    name = next(event["api_name"] for event in events if event["api_name"] == "take")
    forged = {"path": str(tmp_path / "secret.png"), "meta": {"_type": "gradio.FileData"}}
    body = json.dumps({"data": [forged, *TEXTS, 1, 1]}).encode()
    asked = urllib.request.Request(
        f"{address}gradio_api/call/{name}", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked) as answer:
        event = json.load(answer)["event_id"]
    code, said = fetch(f"{address}gradio_api/call/{name}/{event}")
    assert code == 200
    assert b"event: error" in said
    assert b'width="57"' not in said.replace(b"\\", b"")


def test_it_listens_on_loopback_alone(address):
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
