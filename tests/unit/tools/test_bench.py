# SPDX-License-Identifier: Apache-2.0
"""The parts of tools/bench that need no service: arithmetic, tables, /proc, options, seeding on SQLite."""

import argparse
import contextlib
import datetime
import http.server
import json
import os
import pathlib
import select
import sqlite3
import subprocess
import sys
import threading

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[3] / "tools"
sys.path.insert(0, str(TOOLS))

from benchmarks import cli  # noqa: E402 - found beside tools/bench only
from benchmarks import figures  # noqa: E402
from benchmarks import http_api  # noqa: E402
from benchmarks import keystone  # noqa: E402
from benchmarks import processes  # noqa: E402
from benchmarks import quotas  # noqa: E402
from benchmarks import seeding  # noqa: E402
from benchmarks import startup  # noqa: E402
from benchmarks import tables  # noqa: E402
from benchmarks import workload  # noqa: E402


def report(label="a", factor=1.0):
    made = figures.Report(label, {"when": "then"})
    made.add("post", "Alone", "POST answered", "ms", 74.4 * factor, p99=90 * factor, n=30)
    made.add("rate", "Eight", "creates", "per s", 5.94 / factor, n=120, failed=1, better=figures.HIGHER)
    made.add("cpu.api", "CPU", "create: api", "ms", 60.0 * factor, n=60, detail=True)
    return made


class TestFigures:
    @pytest.mark.parametrize(("percent", "expected"), [(1, 1), (50, 15), (51, 16), (99, 30), (100, 30)])
    def test_percentile_is_a_seen_value(self, percent, expected):
        assert figures.percentile(list(range(30, 0, -1)), percent) == expected

    @pytest.mark.parametrize(("values", "percent"), [([], 50), ([1], 0), ([1], 101)])
    def test_percentile_refuses(self, values, percent):
        with pytest.raises(ValueError, match="percent"):
            figures.percentile(values, percent)

    def test_key_twice_is_refused(self):
        made = report()
        with pytest.raises(ValueError, match="post"):
            made.add("post", "Alone", "again", "ms", 1)

    def test_latency_in_milliseconds(self):
        made = figures.Report("x")
        made.add_latency("k", "S", "t", [0.010, 0.030, 0.020], failed=2)
        assert made.figures[0].value == pytest.approx(20)
        assert made.figures[0].p99 == pytest.approx(30)
        assert made.failed == 2

    def test_latency_of_nothing_is_a_note(self):
        made = figures.Report("x")
        made.add_latency("k", "S", "t", [], failed=2)
        assert made.figures == []
        assert "2 failed" in made.notes[0]

    def test_json_round_trip(self):
        made = report()
        made.notes.append("a note")
        again = figures.load(made.to_json())
        assert again.figures == made.figures
        assert (again.label, again.about, again.notes) == (made.label, made.about, made.notes)

    def test_join_keeps_what_was_not_measured_again(self):
        made = figures.Report("b", {"when": "now"})
        made.add("post", "Alone", "POST answered", "ms", 1)
        made.add("start", "Start", "api", "s", 1)
        made.join(report())
        assert [(figure.key, figure.value) for figure in made.figures] == [
            ("rate", 5.94), ("cpu.api", 60.0), ("post", 1), ("start", 1)]
        assert made.label == "b"

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 0}', "nonsense"])
    def test_other_files_are_refused(self, text):
        with pytest.raises(figures.NotAReport):
            figures.load(text)


class TestTables:
    @pytest.mark.parametrize(("value", "text"), [
        (None, ""), (0, "0"), (0.0123, "0.0123"), (0.999, "0.999"), (0.9996, "1.00"), (9.998, "10.0"),
        (12.34, "12.3"), (99.96, "100"), (1234.6, "1230"), (-3.456, "-3.46")])
    def test_number(self, value, text):
        assert tables.number(value) == text

    def test_text_is_aligned_and_short(self):
        lines = tables.render(report(), "text").splitlines()
        assert [line for line in lines if "create: api" in line] == []
        post = next(line for line in lines if line.startswith("POST answered"))
        assert post.split() == ["POST", "answered", "74.4", "90.0", "ms", "30"]
        rate = next(line for line in lines if line.startswith("creates"))
        assert rate.endswith("120 (1 failed)")
        assert post.index("74.4") + 4 == rate.index("5.94") + 4 == lines[0].index("value") + 5

    def test_details(self):
        assert "create: api" in tables.render(report(), "text", details=True)

    def test_rst_cells_keep_to_their_columns(self):
        lines = tables.render(report(), "rst", details=True).splitlines()
        rules = [line for line in lines if line.startswith("=")]
        assert len(rules) == 3
        assert len(set(rules)) == 1
        gaps = [column for column, letter in enumerate(rules[0]) if letter == " "]
        for line in lines:
            assert all(line[gap:gap + 1] in ("", " ") for gap in gaps), line
        assert any(line == "**Alone**" for line in lines)

    def test_json_has_all(self):
        assert len(json.loads(tables.render(report(), "json"))["figures"]) == 3

    def test_times_better_knows_the_direction(self):
        low, high = report().figures[0], report().figures[1]
        assert tables.times_better(low, 100, 25) == 4
        assert tables.times_better(high, 5, 30) == 6
        assert tables.times_better(low, 0, 1) is None
        assert tables.times_better(low, None, 1) is None

    def test_compare(self):
        second = report("b", 0.5)
        second.add("only", "More", "extra", "ms", 1)
        lines = tables.compare(report(), second).splitlines()
        rows = {line[:20].strip(): line.split()[-1] for line in lines if "ms" in line or "per s" in line}
        assert rows["POST answered"] == rows["POST answered, p99"] == rows["creates"] == "2.00x"
        assert "Only in b: More: extra." in lines


STAT = ("4242 (a (b) c) S 17 4242 4242 0 -1 4194560 1000 2000 3 4 250 50 30 20 20 0 9 0 777 1000 200 "
        "18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0")


class TestProcesses:
    def test_stat_with_parentheses_in_the_name(self):
        assert processes.parse_stat(STAT) == processes.Stat(pid=4242, parent=17, ticks=350, started=777)

    def test_pss(self):
        text = "55d-7ff ---p 00000000 00:00 0 [rollup]\nRss:     2000 kB\nPss:     1500 kB\nPss_Dirty: 3 kB\n"
        assert processes.parse_pss(text) == 1500 * 1024

    def test_no_pss(self):
        with pytest.raises(ValueError, match="Pss"):
            processes.parse_pss("Rss: 1 kB\n")

    def test_busy_leaves_idle_and_waiting_out(self):
        assert processes.parse_busy("cpu  100 1 50 90000 800 7 3 2 4 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n") == 163
        assert processes.busy_seconds() > 0

    def test_tree(self):
        parents = {1: 0, 10: 1, 11: 10, 12: 11, 20: 1, 21: 20}
        stats = {pid: processes.Stat(pid, parent, 0, 0) for pid, parent in parents.items()}
        assert processes.tree(stats, [10]) == {10, 11, 12}
        assert processes.tree(stats, [11, 20, 99]) == {11, 12, 20, 21}

    def test_group(self, tmp_path):
        (tmp_path / "api.pid").write_text("12\n")
        assert processes.parse_group(f"api=@{tmp_path}/api.pid,34") == ("api", (12, 34))

    @pytest.mark.parametrize("text", ["api", "api=", "=1", "api=x", "api=1,,2", "api=-1", "api=@/nowhere/x"])
    def test_group_refused(self, text):
        with pytest.raises(ValueError, match="."):
            processes.parse_group(text)

    def test_meter_keeps_the_time_of_a_child_that_ended(self):
        meter = processes.Meter({"me": [os.getpid()]})
        before = meter.cpu()["me"]
        busy = "import time\nwhile time.process_time() < .08: pass"
        subprocess.run([sys.executable, "-S", "-c", busy], check=True)
        assert meter.cpu()["me"] - before >= 0.06
        assert meter.memory()["me"] > 1024 * 1024

    def test_meter_needs_its_processes(self):
        gone = subprocess.Popen([sys.executable, "-S", "-c", ""])
        gone.wait()
        with pytest.raises(processes.NoSuchProcess, match="api"):
            processes.Meter({"api": [gone.pid]})


class TestOptions:
    def test_rates(self):
        assert cli.parse_rates("1:40,8:120") == ((1, 40), (8, 120))

    @pytest.mark.parametrize("text", ["", "8", "8:", "0:4", "8:4", "1:2,1:3", "a:b"])
    def test_rates_refused(self, text):
        with pytest.raises(argparse.ArgumentTypeError):
            cli.parse_rates(text)

    def test_levels(self):
        assert cli.parse_levels("1000,10,10") == (10, 1000)

    def test_no_auth_needs_an_endpoint(self, capsys):
        assert cli.main(["--no-auth"]) == 2
        assert "--endpoint" in capsys.readouterr().err

    def test_start_needs_healthy(self, capsys):
        assert cli.main(["--start", "x=true"]) == 2
        assert "--healthy" in capsys.readouterr().err

    def test_compare_prints(self, tmp_path, capsys):
        for name, factor in (("a", 1.0), ("b", 0.1)):
            (tmp_path / f"{name}.json").write_text(report(name, factor).to_json())
        assert cli.main(["--compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 0
        assert "10.0x" in capsys.readouterr().out

    @pytest.mark.parametrize("url", ["ftp://x/", "http:///v3", "127.0.0.1:8776", "http://x/v3?y=1", "http://x:y/"])
    def test_url_refused(self, url):
        with pytest.raises(ValueError, match="."):
            http_api.split_endpoint(url)

    def test_project_is_added_once(self):
        assert keystone.with_project("http://x/v3", "p") == "http://x/v3/p"
        assert keystone.with_project("http://x/v3/p/", "p") == "http://x/v3/p"

    def test_catalog(self):
        def entry(kind, url):
            return {"type": kind, "endpoints": [{"interface": "internal", "url": "no", "region_id": "r"},
                                                {"interface": "public", "url": url, "region_id": "r"}]}
        catalog = [entry("image", "i"), entry("volumev3", "old"), entry("block-storage", "new")]
        assert keystone.find_endpoint(catalog) == "new"
        assert keystone.find_endpoint(catalog[:2], "r") == "old"
        assert keystone.find_endpoint(catalog, "elsewhere") is None


class TestStartup:
    def test_command_is_split_without_a_shell(self):
        assert startup.parse_command("api=env A=1 'x y' $HOME") == ("api", ["env", "A=1", "x y", "$HOME"])

    def test_services(self):
        assert startup.parse_services("services:cinder-scheduler,cinder-volume:2") == {
            "cinder-scheduler": 1, "cinder-volume": 2}

    def test_an_old_beat_is_no_sign_of_life(self):
        since = datetime.datetime(2026, 1, 1, 12, 0, 0)
        rows = [{"binary": "v", "state": "up", "updated_at": "2026-01-01T12:00:00.000000"},
                {"binary": "v", "state": "up", "updated_at": "2026-01-01T11:59:59.000000"},
                {"binary": "v", "state": "down", "updated_at": "2026-01-01T12:00:01.000000"},
                {"binary": "v", "state": "up", "updated_at": None}]
        assert startup.services_up(rows, {"v": 1}, since)
        assert not startup.services_up(rows, {"v": 2}, since)

    def test_a_command_that_ends_is_told_with_its_output(self):
        script = "print('no such file')"
        starter = startup.Starter([("api", [sys.executable, "-S", "-c", script])],
                                  ["http://127.0.0.1:1/healthcheck"], settle=0)
        with pytest.raises(startup.NotHealthy, match="api ended.*no such file"):
            starter.measure()


class TestSeeding:
    COLUMNS = [{"name": name, "nullable": name in ("host", "serial")} for name in
               ("id", "created_at", "project_id", "host", "serial", "name")]

    def test_ids_differ_and_are_found_by_their_prefix(self):
        ids = {seeding.row_id(serial) for serial in range(10000)}
        assert len(ids) == 10000
        assert all(one.startswith(seeding.ROW_PREFIX) and len(one) == 36 for one in ids)

    def test_what_is_unique_is_left_out_when_it_may_be_null(self):
        unique = [["id"], ["serial"], ["project_id", "id"]]
        copied = seeding.copied_columns(self.COLUMNS, unique, seeding.Schema())
        assert copied == ["project_id", "host", "name"]

    def test_what_is_unique_and_never_null_refuses(self):
        with pytest.raises(seeding.SeedingRefused, match="name, project_id"):
            seeding.copied_columns(self.COLUMNS, [["project_id", "name"]], seeding.Schema())

    def test_what_the_database_makes_is_left_out(self):
        made = [{"name": "n", "autoincrement": True}, {"name": "c", "computed": {"sqltext": "1"}}]
        copied = seeding.copied_columns([*self.COLUMNS, *made], [["n"]], seeding.Schema())
        assert {"n", "c"}.isdisjoint(copied)

    def test_a_table_without_ids_refuses(self):
        with pytest.raises(seeding.SeedingRefused, match="no column id"):
            seeding.copied_columns(self.COLUMNS[1:], [], seeding.Schema())

    @pytest.mark.parametrize("dialect", ["blockctl", "cinder"])
    def test_fill_and_clear(self, tmp_path, monkeypatch, dialect):
        pytest.importorskip("sqlalchemy")
        monkeypatch.setattr(seeding, "BATCH", 10)
        path = tmp_path / "x.sqlite"
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE volumes (id VARCHAR(36) PRIMARY KEY, created_at DATETIME, "
                             "size INTEGER, deleted BOOLEAN DEFAULT 0, twin VARCHAR(36), UNIQUE (twin))")
            database.execute("INSERT INTO volumes VALUES ('t', '2026-01-01 00:00:10.000000', 7, 0, 'one')")
        seeder = seeding.Seeder(f"sqlite:///{path}", seeding.SCHEMAS[dialect])
        seeder.fill("t", 25)
        seeder.fill("t", 3)
        with contextlib.closing(sqlite3.connect(path)) as database:
            rows = database.execute("SELECT size, twin, created_at FROM volumes WHERE id <> 't' "
                                    "ORDER BY created_at DESC").fetchall()
        assert len(rows) == 28
        assert {row[:2] for row in rows} == {(7, None)}
        assert rows[4][2] == "2026-01-01 00:00:09.000000"  # the template's, less four quarters
        assert seeder.clear() == 28
        with pytest.raises(seeding.SeedingRefused, match="no row other"):
            seeder.fill("other", 1)
        seeder.close()

    def test_a_database_that_is_not_there_refuses(self):
        pytest.importorskip("sqlalchemy")
        with pytest.raises(seeding.SeedingRefused, match="volumes"):
            seeding.Seeder("sqlite://", seeding.Schema())


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers from a table; closes the connection without a word where a client must notice it."""

    protocol_version = "HTTP/1.1"
    table = {}
    seen = []

    def handle_one(self):
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        self.seen.append((self.command, self.path, body))
        status, answer = self.table[self.command, self.path.split("/p/", 1)[1]]
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = True  # though nothing said so: a kept connection that the server gave up

    do_GET = do_PUT = do_POST = do_DELETE = handle_one

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """A client of a server that answers from a table, the table and what it was asked."""
    handler = type("Handler", (Answers,), {"table": {}, "seen": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            endpoint = f"http://127.0.0.1:{running.server_port}/v3/p"
            with contextlib.closing(http_api.Client(endpoint)) as client:
                yield client, handler.table, handler.seen
        finally:
            running.shutdown()
            thread.join()


class TestClient:
    def test_a_connection_the_server_closed_is_made_anew(self, server):
        client, table, seen = server
        table["POST", "volumes"] = 202, {"volume": {"id": "v"}}
        for _ in range(3):
            assert client.need("POST", "volumes", {"volume": {}}).body == {"volume": {"id": "v"}}
            # Until its end of the connection is there to be seen.
            assert select.select([client._local.connection.sock], [], [], 5)[0]
        assert seen == [("POST", "/v3/p/volumes", {"volume": {}})] * 3

    def test_a_refusal_is_told_in_the_words_of_the_server(self, server):
        client, table, _ = server
        table["GET", "volumes/x"] = 404, {"itemNotFound": {"code": 404, "message": "no such volume"}}
        with pytest.raises(http_api.RequestFailed, match="GET volumes/x: 404 no such volume"):
            client.need("GET", "volumes/x")

    def test_no_answer(self):
        with pytest.raises(http_api.RequestFailed, match="refused"):
            http_api.Client("http://127.0.0.1:1/v3/p").request("GET", "volumes")

    def test_pages_are_followed_by_marker(self, server):
        client, table, _ = server
        table["GET", "volumes?status=creating&limit=2"] = 200, {"volumes": [{"id": "a"}, {"id": "b"}]}
        table["GET", "volumes?status=creating&limit=2&marker=b"] = 200, {"volumes": [{"id": "c"}]}
        items = client.items("volumes?status=creating", "volumes", limit=2)
        assert [item["id"] for item in items] == ["a", "b", "c"]

    def test_quota_is_lifted_and_put_back(self, server):
        client, table, seen = server
        before = {"volumes": 10, "gigabytes": 1000, "snapshots": 5}
        table["GET", "os-quota-sets/p"] = 200, {"quota_set": {"id": "p", "backups": 3, **before}}
        table["PUT", "os-quota-sets/p"] = 200, {}
        quotas.restore(client, "p", quotas.lift(client, "p", 100))
        assert [body for method, _, body in seen if method == "PUT"] == [
            {"quota_set": dict.fromkeys(before, -1)}, {"quota_set": before}]

    @pytest.mark.parametrize(("most", "fits"), [(-1, True), (105, True), (104, False)])
    def test_quota_that_cannot_be_lifted_must_do(self, server, most, fits):
        client, table, _ = server
        table["GET", "os-quota-sets/p"] = 403, {}
        absolute = {"maxTotalVolumes": most, "totalVolumesUsed": 5}
        table["GET", "limits"] = 200, {"limits": {"absolute": absolute}}
        if fits:
            assert quotas.lift(client, "p", 100) is None
        else:
            with pytest.raises(quotas.QuotaTooSmall, match="104, 5 are used"):
                quotas.lift(client, "p", 100)


class TestRun:
    def test_stop_and_deadline_end_it(self):
        run = workload.Run(None)
        run.check()
        run.stop.set()
        with pytest.raises(workload.Stopped, match="interrupted"):
            run.pause(60)
        with pytest.raises(workload.Stopped, match="max-seconds"):
            workload.Run(None, max_seconds=-1).check()

    def test_who_waits_is_told_when_the_list_no_longer_has_it(self, server):
        client, table, _ = server
        path = "volumes?status=creating&limit=1000"
        table["GET", path] = 200, {"volumes": [{"id": "slow"}]}
        run = workload.Run(client, timeout=0.3)
        with workload.Watcher(run, workload.VOLUME, "creating") as watcher:
            assert watcher.wait("quick")
            assert not watcher.wait("slow")
            table["GET", path] = 503, {}
            with pytest.raises(http_api.RequestFailed, match="503"):
                watcher.wait("other")
