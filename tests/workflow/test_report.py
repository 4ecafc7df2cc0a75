"""The report as a reader opens it: a file on disk, in a browser without a network."""

import re
import shutil

import pandas as pd
import pytest
from conftest import small_config, snakemake_in, write_yaml

MARKUP = "</script><script>alert(1)</script>"
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Report of a table with a target column, a file and a `where` that hold markup."""
    folder = tmp_path_factory.mktemp("report")
    for name in ("a$b$", "b<img src=x onerror=alert(2) "):
        table = pd.DataFrame({"x": [1.0, 2.0, 4.0, 3.0], "y": [0.5, 0.1, 0.9, 0.2], MARKUP: [1.0, 0.5, 2.5, 1.5]})
        table.to_csv(folder / f"{name}.csv", index=False)
    matrix = {"source": "table", "path": ["a$b$.csv", "b<img src=x onerror=alert(2) .csv"], "target": MARKUP}
    flow = {"solver": {"method": "flow"}, "time": {"horizon": 20.0, "samples": 80, "spacing": "log", "first": 0.01}}
    config = small_config(matrix=matrix, initialization={"kind": "gaussian", "scale": [0.1, 1.0]}, **flow)
    where = {"target": MARKUP, "scale": 1.0}
    config["figures"]["panels"]["where"] = {"path": matrix["path"][0]}
    config["figures"] |= {
        "files": {"kind": "reconstruction", "experiment": "small", "columns": "path", "where": where},
        "measured": {"kind": "rates", "experiment": "small"},
    }
    finished = snakemake_in(folder, "report", "--configfile", write_yaml(config, folder / "my.yaml"))
    assert finished.returncode == 0, finished.stderr
    return folder


def test_captions_are_whole(report):
    log = (report / "logs" / "report.log").read_text()
    assert not re.search("ERROR|WARNING/", log), log


def test_text_of_a_config_or_table_is_never_markup(report):
    texts = [path.read_text() for path in report.rglob("results/**/*") if path.suffix in (".html", ".md", ".svg")]
    assert len(texts) == 6
    for text in texts:
        assert not re.search(r"<(script>\s*alert|img src=x)", text)
    (table,) = (report / "results" / "summaries").glob("*.html")
    assert "b&lt;img src=x" in table.read_text()


@pytest.fixture
def page(report):
    """Function that opens a file in a browser, and the list of all that it asked for or complained of."""
    if BROWSER is None:
        pytest.skip("no Chromium is installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    seen = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: seen.append(request.url) if request.url.startswith("http") else None)
        page.on("console", lambda message: seen.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
        page.goto((report / "results" / "report.html").as_uri())
        yield page, seen
        browser.close()


def test_the_report_opens_from_disk_with_every_figure_and_a_table_that_sorts(page):
    page, seen = page
    page.get_by_text("5 Numerical experiments").click()
    for name in ("files", "panels"):
        page.get_by_role("row", name=name).get_by_role("link").first.click()
        page.wait_for_function("document.querySelector('img')?.naturalWidth > 0")
    page.get_by_role("row", name="files").get_by_role("link").last.click()
    page.get_by_text("one- and the two-layer model from the same starts").wait_for()
    page.evaluate("app.showCategory('2-4 Convergence rates')")
    page.get_by_role("row", name="small").get_by_role("link").first.click()

    table = page.frame_locator("iframe")
    place = table.locator("th").all_inner_texts().index("measured")
    column = table.locator(f"tbody td:nth-child({place + 1})")
    orders = []
    for _ in range(2):
        table.get_by_role("button", name="measured", exact=True).click()
        page.wait_for_timeout(200)
        orders.append([float(text) for text in column.all_inner_texts() if text])
    assert len(orders[0]) > 10
    assert orders[0] == sorted(orders[0])
    assert orders[1] == sorted(orders[0], reverse=True)
    assert seen == []
