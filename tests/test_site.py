"""The pages in a real browser with no network, against what is recorded."""

import csv
import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import report.page
import report.site
from report import picture
from report.machines import by_machine, foremost
from report.page import page
from report.site import finish, main
from report.site.regressions import agree
from report.steps import Step
from report.text import LEGEND
from report.views import VIEWS
from report.views.conformance import Conformance
from report.views.deficient import Deficient
from report.views.fastest import Fastest
from report.views.times import Times

ROOT = Path(__file__).parent.parent
BROWSER = picture.browser()
needs_browser = pytest.mark.skipif(not BROWSER, reason="no Chromium here")
MACHINES = by_machine()
LATEST = foremost(MACHINES)


def test_the_page_opens_on_the_machine_that_the_documents_speak_of() -> None:
    data = page_of(False).partition('id="data">')[2].partition("</script>")[0]
    assert next(iter(json.loads(data)["machines"])) == LATEST
    assert '"machines": {}' in page({}, in_site=False)  # before anything is recorded


@functools.cache
def page_of(in_site: bool) -> str:
    """The page on all that is recorded, which takes two seconds to write, once for all tests."""
    return page(MACHINES, in_site=in_site)


@pytest.fixture(scope="module")
def single_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "four-ways.html"
    path.write_text(page_of(False))
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The whole site as make html writes it, served on this machine only."""
    html = tmp_path_factory.mktemp("asv") / "html"
    configuration = html.parent / "asv.conf.json"
    text = (ROOT / "asv.conf.json").read_text()
    text = text.replace('"repo": "."', f'"repo": "{ROOT}"').replace(
        '"results_dir": "results"', f'"results_dir": "{ROOT / "results"}"'
    )
    configuration.write_text(text.replace('".asv/html"', f'"{html}"'))
    publish = [sys.executable, "-m", "asv", "--config", str(configuration), "publish"]
    subprocess.run(publish, check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report.site, "page", lambda _, *, in_site: page_of(in_site))
        said = finish(html)
    assert any("npm" in line for line in said) == (shutil.which("npm") is None)
    handler = functools.partial(Quiet, directory=str(html))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A tab that fails the test on an error of a script, on a warning, on a request elsewhere."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    wrong: list[str] = []

    def route(route: Any) -> None:
        address = route.request.url
        if address.startswith(("file:", "data:", "blob:", "http://127.0.0.1:")):
            route.continue_()
        else:
            wrong.append(f"request to {address}")
            route.abort()

    context.route("**/*", route)
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))

    def heard(said: Any) -> None:
        # asv asks for the graph of a benchmark on every machine with every set of versions, and
        # draws those that there are.
        is_of_another_set = "404" in said.text and "/graphs/" in said.location["url"]
        if said.type in ("error", "warning") and not is_of_another_set:
            wrong.append(said.text)

    page.on("console", heard)
    yield page
    context.close()
    assert wrong == []


def opened(tab: Any, path: Path, hash: str = "") -> Any:
    tab.goto(path.as_uri() + hash)
    tab.wait_for_selector("body[data-ready=yes]")
    return tab


def downloaded(tab: Any, section: str, button: str) -> str:
    with tab.expect_download() as download:
        tab.click(f"#{section} button:text-is('{button}')")
    return str(Path(download.value.path()).read_text())


def test_without_npm_the_references_stay_and_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = "https://example.org/jquery-3.3.1.min.js"
    bars = '<script src="https://example.org/jquery.flot.orderBars.js" integrity="x"></script>'
    html = tmp_path / "html"
    html.mkdir()
    (html / "index.html").write_text(f'<script src="{elsewhere}" integrity="y"></script>{bars}')
    (html / "regressions.json").write_text('{"regressions": []}')
    (html / "regressions.xml").write_text("<feed/>")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(report.site, "page", lambda _, *, in_site: page_of(in_site))
    assert finish(html) == ["npm is not here: asv's own pages load their scripts from the network"]
    text = (html / "index.html").read_text()
    assert f'src="{elsewhere}" integrity="y"' in text
    assert '<script src="order_bars.js">' in text


def test_the_command_wants_a_site_that_asv_has_published(tmp_path: Path, capsys: Any) -> None:
    assert main([str(tmp_path)]) == 2
    assert "usage: python -m report.site" in capsys.readouterr().err


@needs_browser
def test_every_chart_is_drawn_from_what_is_recorded(tab: Any, single_file: Path) -> None:
    opened(tab, single_file)
    for section in VIEWS:
        rows = section.rows(MACHINES[LATEST])
        assert tab.locator(f"#{section.id} svg").count() == bool(rows), section.title
        if not rows:
            assert "Not recorded on this machine; it is on" in tab.inner_text(
                f"#{section.id} .chart"
            )
        assert tab.inner_text(f"#{section.id} h2") == section.title
        if commits := {row["commit"] for row in rows if "commit" in row}:
            assert any(commit in tab.inner_text(f"#{section.id} .commit") for commit in commits)


@needs_browser
def test_downloads_hold_the_figures(tab: Any, single_file: Path) -> None:
    opened(tab, single_file)
    recorded = {
        (row["way"], row["n"], row["p"]): row["seconds"] for row in Times().rows(MACHINES[LATEST])
    }
    table = list(csv.DictReader(downloaded(tab, "times", "CSV").splitlines()))
    found = {(r["way"], int(r["n"]), int(r["p"])): float(r["seconds"]) for r in table}
    assert found == recorded
    assert downloaded(tab, "times", "SVG").startswith("<svg")


@needs_browser
def test_what_is_wrong_is_shown_as_wrong(tab: Any, single_file: Path) -> None:
    opened(tab, single_file)
    rows = Deficient().rows(MACHINES[LATEST])
    wrong = sum(row["verdict"] == "wrong" for row in rows if row["X"] == "2000 x 50")
    shown = tab.locator("#deficient svg text:text-is('WRONG')").count()
    assert shown == wrong > 0
    assert tab.is_hidden("#failed")


@needs_browser
def test_a_click_on_a_wrong_answer_shows_its_witness(tab: Any, single_file: Path) -> None:
    machine, rows = next(
        (name, rows) for name in MACHINES if (rows := Conformance().rows(MACHINES[name]))
    )
    drawn = [
        row
        for row in rows
        if row["threshold"] == Conformance.choose["threshold"]
        and row["versions"] == rows[0]["versions"]
    ]
    opened(tab, single_file, f"#machine={machine}")
    assert tab.is_hidden("#conformance .detail")
    number = next(k for k, row in enumerate(drawn) if row["verdict"] == "wrong" and row["detail"])
    cell = tab.locator("#conformance svg .mark-rect path").nth(number)
    cell.scroll_into_view_if_needed()
    box = cell.bounding_box()
    tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert tab.inner_text("#conformance .detail").strip() == drawn[number]["detail"].strip()


@needs_browser
def test_a_failure_is_named_after_the_answers(
    tab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "gradient.Gradient.track_time: at 1 of 14 (0123abcd)"
    monkeypatch.setattr(report.page, "failures", lambda _: {"wrong": [line]})
    (tmp_path / "page.html").write_text(page(MACHINES, in_site=False))
    opened(tab, tmp_path / "page.html")
    assert tab.inner_text("#failures") == f"wrong: {line}"
    top = "document.getElementById('{}').getBoundingClientRect().y"
    assert tab.evaluate(top.format("failed")) > tab.evaluate(top.format("fastest"))


@needs_browser
def test_noise_that_hides_everything_is_said_at_the_top(
    tab: Any, tmp_path: Path, single_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(tab, single_file)
    assert tab.is_hidden("#noisy")
    monkeypatch.setattr(report.page, "too_noisy", lambda _: "NOISY: by 79 %")
    (tmp_path / "page.html").write_text(page(MACHINES, in_site=False))
    opened(tab, tmp_path / "page.html")
    assert tab.inner_text("#noisy") == "NOISY: by 79 %"
    top = "document.getElementById('{}').getBoundingClientRect().y"
    assert tab.evaluate(top.format("noisy")) < tab.evaluate(top.format("fastest"))


@needs_browser
def test_figures_of_too_few_processes_are_marked(tab: Any, single_file: Path) -> None:
    """In the map by a sign, which a line below every chart explains; in the CSV by a word."""
    opened(tab, single_file)
    unsure = [row for row in Fastest().rows(MACHINES[LATEST]) if row["unsure"]]
    if unsure:
        assert tab.locator("#fastest svg text:has-text('x?')").count() > 0
        assert LEGEND in tab.inner_text("#fastest .commit")
    table = list(csv.DictReader(downloaded(tab, "times", "CSV").splitlines()))
    assert all("process" in row["spread"] for row in table)


def test_asv_lists_no_regression_that_is_no_step_of_ours(tmp_path: Path) -> None:
    """One of two that asv lists is a step; on another machine it is none."""
    old, new, *_ = MACHINES[LATEST]
    step = Step("roofline.A.track_time", ("F", "8 MiB"), old, new, 1.5)
    better = Step("roofline.A.track_speedup", ("F", "8 MiB"), old, new, 0.7)
    names = ["roofline.A.track_time('F', '8 MiB')", "roofline.A.track_speedup('F', '8 MiB')"]
    listed = [
        [name, f"graphs/machine-{machine}/os-Linux/x.json", {}, 0, 2.0, 1.0, [[1, 2, 1.0, 2.0]]]
        for name in names
        for machine in (LATEST, "another")
    ]
    (tmp_path / "regressions.json").write_text(json.dumps({"regressions": listed}))
    entries = "".join(f"<entry><title>50.00% {name}</title></entry>" for name in names)
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>all</title>{entries}</feed>'
    (tmp_path / "regressions.xml").write_text(feed)
    with pytest.MonkeyPatch.context() as patch:
        found = SimpleNamespace(steps=[step, better])
        patch.setattr(report.site.regressions, "changes", lambda _: found)
        agree(tmp_path, {LATEST: MACHINES[LATEST]})
    assert json.loads((tmp_path / "regressions.json").read_text()) == {"regressions": listed[:1]}
    said = (tmp_path / "regressions.xml").read_text()
    assert names[0] in said
    assert names[1] not in said


@needs_browser
def test_a_choice_changes_the_chart_and_the_address_keeps_it(tab: Any, single_file: Path) -> None:
    opened(tab, single_file)
    tab.select_option("select[name='fastest.among']", "all ways")
    cells = tab.locator("#fastest svg text:text-is('scipy')")
    cells.nth(5).wait_for()  # one of them is the legend
    address = tab.evaluate("location.hash")
    tab.goto("about:blank")
    opened(tab, single_file, address)
    assert tab.input_value("select[name='fastest.among']") == "all ways"
    assert cells.count() > 5


@needs_browser
def test_a_permanent_link_brings_back_machine_choice_and_place(tab: Any, single_file: Path) -> None:
    opened(tab, single_file)
    other = next(name for name in MACHINES if "26-model-2" in name)
    tab.select_option("#machine", other)
    tab.wait_for_function("document.querySelector('#facts').textContent.includes('26 model 2')")
    tab.select_option("select[name='roofline.threads']", "1")
    tab.wait_for_selector("#roofline a.permanent")
    link = tab.get_attribute("#roofline a.permanent", "href")
    tab.goto("about:blank")
    opened(tab, single_file, link)
    assert tab.input_value("#machine") == other
    assert tab.input_value("select[name='roofline.threads']") == "1"
    assert abs(tab.evaluate("document.getElementById('roofline').getBoundingClientRect().y")) < 50
    assert "Not recorded on this machine" in tab.inner_text("#convergence")


@needs_browser
@pytest.mark.parametrize("width", [1400, 800, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_page(
    tab: Any, single_file: Path, width: int, scheme: str
) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme=scheme)
    opened(tab, single_file)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@needs_browser
@pytest.mark.skipif(shutil.which("npm") is None, reason="no npm: the scripts come by network")
def test_every_tab_of_the_site_opens_without_a_network(tab: Any, site: str) -> None:
    tab.goto(f"{site}/four-ways.html")
    tab.wait_for_selector("body[data-ready=yes]")
    tab.click("text=Benchmark list")
    tab.wait_for_selector("#summarylist-body table")
    tab.click("text=Regressions")
    tab.wait_for_selector("#regressions-body table, #regressions-body p")
    tab.click("text=Benchmark grid")
    tab.wait_for_selector("#summarygrid-display >> text=Gradient.track_speedup_over_numpy")
    tab.click("text=Four ways")
    tab.wait_for_selector("body[data-ready=yes]")


@needs_browser
@pytest.mark.skipif(shutil.which("npm") is None, reason="no npm: the scripts come by network")
def test_bars_of_several_series_stand_side_by_side(tab: Any, site: str) -> None:
    """Where x is a name, asv's own plugin for bars computes NaN and draws none."""
    chosen = "x-axis=way&n=100&n=1000&p=4"
    tab.goto(f"{site}/#gradient.Gradient.track_speedup_over_numpy?{chosen}")
    tab.wait_for_selector("#main-graph canvas")
    tab.wait_for_function(
        "(() => { const plot = $('#main-graph').data('plot');"
        " return plot && plot.getData().length > 1; })()"
    )
    places = tab.evaluate(
        "$('#main-graph').data('plot').getData().map(series => series.datapoints.points[0])"
    )
    assert len(set(places)) == len(places) > 1
    assert all(place == place for place in json.loads(json.dumps(places)))


@pytest.mark.slow
def test_a_shallow_clone_without_main_is_published(tmp_path: Path) -> None:
    """At a detached HEAD, as many services check a project out; what is missing is said."""
    clone = tmp_path / "clone"

    def run(*command: str) -> str:
        environment = os.environ | {"PYTHONPATH": str(clone)}
        done = subprocess.run(
            command, cwd=clone, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{ROOT}", str(clone)], check=True)
    run("git", "checkout", "-q", "--detach")
    for branch in run("git", "for-each-ref", "--format=%(refname:short)", "refs/heads").split():
        run("git", "branch", "-qD", branch)
    run(sys.executable, "-m", "asv", "publish")
    said = run(sys.executable, "-m", "report.site", ".asv/html")
    assert "git fetch --unshallow" in said
    assert "Four ways" in (clone / ".asv" / "four-ways.html").read_text()
