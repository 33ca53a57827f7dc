"""How long `tamecrop explore` takes from a moved slider to other pictures and numbers.

A browser without a screen moves the least scale of the first policy and waits until the page shows
other numbers; the clock is the browser's own, from the event to the change of the page. Needs what
`make test-hosts HOSTS=explore` installs, so with `PYTHONPATH=src`
`.hosts/explore/bin/python benchmarks/explore.py [DATA ...]` writes
`results/benchmarks/explore.json`.
"""

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

from common import write

DATA = "scenes:objects=2,count=200"
MOVES = 31
POLICIES = ("rrc:scale=0.2..1", "gcc:scale=0.4,sigma=0.2165")
SLIDER = "#A-scale_low input[type=range]"
READY = f"""return document.querySelectorAll('#pictures .tc-panel').length == 2
    && document.querySelector('{SLIDER}') != null"""
MOVE = f"""
const [value, done] = arguments;
const panel = () => document.querySelector('#pictures .tc-panel');
const before = [panel().dataset.iou, panel().innerHTML];
const start = performance.now();
const watcher = new MutationObserver(() => {{
    const now = panel();
    if (now && now.dataset.iou != before[0] && now.innerHTML != before[1]) {{
        watcher.disconnect();
        requestAnimationFrame(() => done(performance.now() - start));
    }}
}});
watcher.observe(document.querySelector('#pictures'),
    {{childList: true, subtree: true, attributes: true, characterData: true}});
const slider = document.querySelector('{SLIDER}');
slider.value = value;
slider.dispatchEvent(new Event('input', {{bubbles: true}}));
"""


def measure(address: str) -> list[float]:
    """Milliseconds of each move, the first one, which warms up, left out."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1300,1200"):
        options.add_argument(word)
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    with webdriver.Chrome(options=options, service=service) as browser:
        browser.set_script_timeout(30)
        browser.get(address)
        WebDriverWait(browser, 60).until(lambda found: found.execute_script(READY))
        took = []
        for move in range(MOVES + 1):
            value = round(0.25 + 0.35 * ((move * 7) % 20) / 20, 4)
            took.append(browser.execute_async_script(MOVE, value))
            time.sleep(0.5)
        return took[1:]


def move_over(data: str) -> dict[str, object]:
    """Serve a page of the data, move its slider, and sum up."""
    words = [sys.executable, "-m", "tamecrop", "explore", data, "--policies", *POLICIES]
    served = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert served.stdout is not None
        lines = iter(served.stdout.readline, "")
        took = measure(next(line.split()[0] for line in lines if line.startswith("http")))
    finally:
        served.kill()
        served.communicate()
    row = {
        "title": f"{Path(data).name}: a slider of the first of {' and '.join(POLICIES)} is moved",
        "moves": MOVES,
        "median_ms": round(statistics.median(took), 1),
        "worst_ms": round(max(took), 1),
        "within_300_ms": sum(each <= 300 for each in took),
    }
    print(row)
    return row


if __name__ == "__main__":
    write("explore", [move_over(data) for data in sys.argv[1:] or [DATA]])
