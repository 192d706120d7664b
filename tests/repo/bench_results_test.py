"""scripts/bench: what it makes of measured values, and where it puts that."""

import dataclasses
import math
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "run"))

import choose  # noqa: E402  (after the path is set)
import figures  # noqa: E402
import page  # noqa: E402
import plot  # noqa: E402
import result_tables  # noqa: E402
import rows  # noqa: E402
from plan import Baseline, Contender, Metric, Row, Server, Table  # noqa: E402
from results import Results  # noqa: E402

CPU = Metric("cpu", "CPU of a delivery", "µs")
WAIT = Metric("wait_us", "waiting", "ms", digits=1, factor=1e-3)
OURS = Contender("wspushd", Server.of("wspushd"), "raw")
FLOOR = Contender("floor", Server.of("floor"), "floor")
WS = Contender("ws", Server.of("node"), "floor", is_peer=True)
TABLE = Table("fan-out", "Fan-out", "One to many.", (CPU, WAIT), (
    Row("small", "small", "fan-out", (OURS, FLOOR, WS), baseline=Baseline(contender="floor")),
    Row("big", "big & wide", "fan-out", (OURS, FLOOR), baseline=Baseline(row="small"))))
ABOUT = {"machine": "2 CPUs", "commit": "abc", "command": "scripts/bench", "date": "2026-01-01",
         "rounds": 3, "seconds": 1.5}


def measured(values, table="fan-out"):
    """{(row, contender): [value of each round]} as Results; None is a failed round."""
    results = Results(ABOUT)
    for (row, contender), rounds in values.items():
        for number, value in enumerate(rounds, 1):
            if value is None:
                results.add(table, row, contender, number, error="it broke")
            else:
                results.add(table, row, contender, number,
                            result={"cpu": value, "wait_us": value * 1000})
    return results


SOME = measured({("small", "wspushd"): [3.0, 2.0, 8.0], ("small", "floor"): [2.0, 2.0, 4.0],
                 ("small", "ws"): [6.0, None, None],
                 ("big", "wspushd"): [4.0, 4.0, 8.0], ("big", "floor"): [None, None, None]})


class Figures(unittest.TestCase):
    def test_the_median_is_the_middle_one_or_the_mean_of_two(self):
        self.assertEqual(figures.median([5, 1, 3]), 3)
        self.assertEqual(figures.median([4, 1, 3, 2]), 2.5)
        with self.assertRaises(ValueError):
            figures.median([])

    def test_a_spread_has_the_lowest_and_the_highest(self):
        self.assertEqual(figures.spread([3, 9, 1]), (3, 1, 9))
        self.assertIsNone(figures.spread([]))

    def test_ratios_are_made_of_the_same_round_before_their_median_is_taken(self):
        # The medians are 3 and 2; a slow third round must not make a ratio of 1.5 of that.
        ratios = figures.paired_ratios({1: 3.0, 2: 2.0, 3: 8.0}, {1: 2.0, 2: 2.0, 3: 8.0})
        self.assertEqual(ratios, (1.0, 1.0, 1.5))

    def test_rounds_that_one_of_them_lacks_give_no_ratio(self):
        self.assertEqual(figures.paired_ratios({1: 3.0, 2: 9.0}, {1: 2.0, 3: 1.0}), (1.5, 1.5, 1.5))
        self.assertIsNone(figures.paired_ratios({1: 3.0}, {2: 2.0}))
        self.assertIsNone(figures.paired_ratios({1: 3.0}, {1: 0}))

    def test_figures_stand_with_thousands_apart_and_their_spread(self):
        self.assertEqual(figures.text_of(14232.4, 0), "14,232")
        self.assertEqual(figures.text_of_spread(figures.Spread(2, 1, 3.5), 2), "2.00 (1.00–3.50)")
        self.assertEqual(figures.text_of_spread(figures.Spread(2, 2, 2), 1), "2.0")
        self.assertEqual([figures.digits_for(value, digits)
                          for value, digits in ((1, 2), (0.29, 2), (0, 2), (0.29, 0))], [2, 3, 2, 0])


class RawResults(unittest.TestCase):
    def test_values_come_in_the_unit_of_the_metric(self):
        self.assertEqual(SOME.values("fan-out", "small", "wspushd", WAIT), {1: 3.0, 2: 2.0, 3: 8.0})

    def test_failed_rounds_are_no_values(self):
        self.assertEqual(SOME.values("fan-out", "small", "ws", CPU), {1: 6.0})
        self.assertFalse(SOME.has_failed("fan-out", "small", "ws"))
        self.assertTrue(SOME.has_failed("fan-out", "big", "floor"))
        self.assertFalse(SOME.has_failed("fan-out", "big", "ws"))
        self.assertEqual(len(SOME.errors()), 5)

    def test_they_are_the_same_after_a_file(self):
        with tempfile.TemporaryDirectory() as directory:
            path = f"{directory}/raw.json"
            SOME.write(path)
            again = Results.read(path)
        self.assertEqual((again.about, again.records), (SOME.about, SOME.records))


class Tables(unittest.TestCase):
    def test_the_first_metric_has_spreads_and_ratios_of_rounds(self):
        self.assertEqual(result_tables.full_table(TABLE, SOME, CPU), [
            "| | wspushd | ratio | floor | ws |",
            "| --- | --- | --- | --- | --- |",
            "| small | **3.00 (2.00–8.00)** | **1.50 (1.00–2.00)** | 2.00 (2.00–4.00) "
            "| 6.00 ×3.00 |",
            "| big & wide | **4.00 (4.00–8.00)** | **1.33 (1.00–2.00)** | failed | |"])

    def test_the_others_have_medians(self):
        self.assertEqual(result_tables.short_table(TABLE, SOME, WAIT), [
            "| | wspushd | floor | ws |", "| --- | --- | --- | --- |",
            "| small | 3.0 ×1.50 | 2.0 | 6.0 |", "| big & wide | 4.0 ×1.33 | | |"])

    def test_a_row_without_the_metric_has_no_line_of_it(self):
        results = measured({("small", "wspushd"): [1.0], ("big", "wspushd"): [2.0]})
        results.add("fan-out", "big", "wspushd", 2, result={"cpu": 2.0, "only": 7})
        only = Metric("only", "only", "s", digits=0)
        self.assertEqual(result_tables.short_table(TABLE, results, only)[2:],
                         ["| big & wide | 7 |"])

    def test_a_pace_that_the_load_program_set_is_marked(self):
        pace = Metric("pace", "messages", "1/s", digits=0, is_pace=True)
        results = Results(ABOUT)
        for contender, share in (("wspushd", 0.97), ("floor", 0.8)):
            for number in (1, 2):
                results.add("fan-out", "small", contender, number,
                            result={"cpu": 1.0, "pace": 100, "generator_share": share})
        self.assertEqual(result_tables.short_table(TABLE, results, pace)[-1],
                         "| small | ≥ 100 ×1.00 | 100 |")

    def test_a_metric_that_nobody_has_is_left_out(self):
        nothing = Metric("absent", "absent", "s")
        self.assertEqual(result_tables.short_table(TABLE, SOME, nothing), [])

    def test_all_but_the_first_are_folded_away(self):
        lines = result_tables.tables_of(dataclasses.replace(
            TABLE, metrics=(CPU, Metric("absent", "absent", "s"), WAIT)), SOME)
        self.assertEqual(lines[0], "CPU of a delivery, µs (less is better):")
        self.assertLess(lines.index("<details><summary>Also: waiting</summary>"),
                        lines.index("Waiting, ms (less is better):"))
        self.assertEqual(lines[-1], "</details>")

    def test_nothing_measured_is_told(self):
        self.assertEqual(result_tables.tables_of(TABLE, Results(ABOUT)),
                         ["Nothing of it was measured."])

    def test_of_one_contender_may_have_the_metrics_as_columns(self):
        table = Table("fan-out", "T", "", (CPU, Metric("absent", "absent", ""), WAIT), TABLE.rows,
                      is_by_metric=True)
        results = measured({("small", "wspushd"): [3.0, 2.0, 8.0], ("big", "wspushd"): [4.0]})
        self.assertEqual(result_tables.tables_of(table, results), [
            "| | CPU of a delivery, µs | ratio | waiting, ms |",
            "| --- | --- | --- | --- |",
            "| small | 3.00 (2.00–8.00) | | 3.0 |",
            "| big & wide | 4.00 | 1.33 | 4.0 |"])
        failed = measured({("small", "wspushd"): [1.0], ("big", "wspushd"): [None]})
        self.assertIn("| big & wide | failed | failed |",
                      result_tables.tables_of(table, failed))

    def test_columns_of_contenders_that_did_not_take_part_are_left_out(self):
        results = measured({("small", "wspushd"): [1.0]})
        self.assertEqual(result_tables.full_table(TABLE, results, CPU),
                         ["| | wspushd |", "| --- | --- |", "| small | **1.00** |"])


class Plots(unittest.TestCase):
    def test_are_well_formed_and_show_each_median_once(self):
        picture = ElementTree.fromstring(plot.svg_of(TABLE, SOME))
        namespace = "{http://www.w3.org/2000/svg}"
        texts = [element.text for element in picture.iter(f"{namespace}text")]
        for shown in ("3.00", "2.00", "6.00", "4.00", "small", "big & wide", "wspushd", "floor"):
            self.assertIn(shown, texts)
        self.assertTrue(any("µs" in each and "less is better" in each for each in texts))
        self.assertEqual(len(list(picture.iter(f"{namespace}g"))), 4)

    def test_keep_everything_inside_of_the_picture(self):
        picture = ElementTree.fromstring(plot.svg_of(TABLE, SOME))
        width, height = (float(picture.get(each)) for each in ("width", "height"))
        for element in picture.iter("{http://www.w3.org/2000/svg}circle"):
            self.assertTrue(0 < float(element.get("cx")) < width)
            self.assertTrue(0 < float(element.get("cy")) < height)

    def test_a_server_has_the_same_colour_in_every_plot_and_its_own(self):
        first = plot.colours_of(["wspushd", "floor", "ws"])
        second = plot.colours_of(["keep-alive", "ws", "pipelined", "floor"])
        self.assertEqual((first["ws"], first["floor"]), (second["ws"], second["floor"]))
        self.assertEqual(len(set(second.values())), 4)
        self.assertEqual(len(plot.colours_of([str(each) for each in range(20)])), len(plot.LIGHT))

    def test_nothing_measured_makes_no_plot(self):
        self.assertIsNone(plot.svg_of(TABLE, Results(ABOUT)))
        self.assertIsNone(plot.svg_of(TABLE, measured({("small", "wspushd"): [None]})))

    def test_a_wide_range_is_logarithmic_and_a_narrow_one_begins_at_0(self):
        wide = plot.Scale([0.2, 80], 100, 900)
        self.assertTrue(wide.is_logarithmic)
        self.assertAlmostEqual(wide.x(2) - wide.x(0.2), wide.x(20) - wide.x(2))
        narrow = plot.Scale([4, 5], 100, 900)
        self.assertFalse(narrow.is_logarithmic)
        self.assertEqual(narrow.x(0), 100)

    def test_ticks_are_few_and_inside(self):
        for values in ([0.2, 80], [4, 5], [1, 30000], [15000], [0.001, 0.9], [0]):
            with self.subTest(values=values):
                scale = plot.Scale(values, 0, 100)
                ticks = scale.ticks()
                self.assertTrue(2 <= len(ticks) <= 14, ticks)
                self.assertTrue(all(-0.1 <= scale.x(each) <= 100.1 for each in ticks), ticks)
                self.assertTrue(all(math.isfinite(float(plot.tick_text(each).replace(",", "")))
                                    for each in ticks))


class Page(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.path = pathlib.Path(scratch.name) / "performance.md"
        self.path.write_text("# By hand\n\n<!-- measured: fan-out -->\nold\n"
                             "<!-- end of fan-out -->\n\n## Also by hand\n", encoding="utf-8")

    def test_what_was_measured_replaces_what_stood_there_and_nothing_else(self):
        self.assertEqual(page.write(self.path, [TABLE], SOME), [])
        text = self.path.read_text(encoding="utf-8")
        self.assertTrue(text.startswith("# By hand\n\n<!-- measured: fan-out -->\n\n## Fan-out\n"))
        self.assertTrue(text.endswith("<!-- end of fan-out -->\n\n## Also by hand\n"))
        self.assertNotIn("old", text)
        self.assertIn("(plots/fan-out.svg)", text)
        self.assertIn("2026-01-01, commit abc, `scripts/bench`: 3 rounds of 1.5 s; 2 CPUs.", text)
        self.assertTrue((self.path.parent / "plots" / "fan-out.svg").is_file())
        page.write(self.path, [TABLE], SOME)
        self.assertEqual(self.path.read_text(encoding="utf-8"), text)

    def test_a_table_of_which_rows_are_missing_keeps_its_place_on_the_page(self):
        before = self.path.read_text(encoding="utf-8")
        some = measured({("small", "wspushd"): [1.0]})
        self.assertEqual(page.write(self.path, [TABLE], some), ["fan-out"])
        self.assertEqual(self.path.read_text(encoding="utf-8"), before)

    def test_peers_that_were_not_measured_are_named(self):
        some = measured({(row.key, each.name): [1.0] for row in TABLE.rows
                         for each in row.contenders if not each.is_peer})
        self.assertEqual(page.write(self.path, [TABLE], some), [])
        self.assertIn("; 2 CPUs. Without ws: not measured in this run.\n",
                      self.path.read_text(encoding="utf-8"))

    def test_a_page_without_the_place_is_refused(self):
        with self.assertRaises(page.MarkerFault):
            page.replaced("# By hand\n", "fan-out", ["x"])

    def test_our_page_has_a_place_for_each_table(self):
        path = pathlib.Path(__file__).resolve().parents[2] / "docs" / "performance.md"
        text = path.read_text(encoding="utf-8")
        for table in rows.tables():
            page.replaced(text, table.key, [])


class Choice(unittest.TestCase):
    def test_patterns_name_tables_or_rows(self):
        chosen = choose.chosen(rows.tables(), ["echo/64*", "pings"])
        self.assertEqual([table.key for table in chosen], ["pings"])
        chosen = choose.chosen(rows.tables(), ["echo/65536*", "pings"])
        self.assertEqual([(table.key, len(table.rows)) for table in chosen],
                         [("echo", 3), ("pings", 1)])

    def test_a_row_brings_the_one_that_it_is_compared_with(self):
        table, = choose.chosen(rows.tables(), ["deflate/1000x1024w16-deflate"])
        self.assertEqual([row.key for row in table.rows],
                         ["1000x1024w16-plain", "1000x1024w16-deflate"])

    def test_peers_that_are_not_there_or_not_wanted_are_left_out(self):
        for with_peers, is_available in ((False, lambda server: True),
                                         (True, lambda server: server.kind != "node")):
            table, *_ = choose.chosen([TABLE], (), with_peers, is_available)
            self.assertEqual([[each.name for each in row.contenders] for row in table.rows],
                             [["wspushd", "floor"], ["wspushd", "floor"]])

    def test_noise_is_two_floors_that_are_two_servers(self):
        for table in choose.noise(rows.tables()):
            for row in table.rows:
                second, first = row.contenders
                self.assertEqual((second.server.kind, first.server.kind), ("floor", "floor"))
                self.assertNotEqual(second.server, first.server)
                self.assertEqual(row.baseline.contender, first.name)


class Rows(unittest.TestCase):
    def test_have_names_of_their_own_and_baselines_that_are_there(self):
        tables = rows.tables()
        self.assertEqual(len({table.key for table in tables}), len(tables))
        for table in tables:
            by_key = {row.key: row for row in table.rows}
            self.assertEqual(len(by_key), len(table.rows), table.key)
            for row in table.rows:
                names = [each.name for each in row.contenders]
                self.assertEqual(len(set(names)), len(names))
                if row.baseline is None:
                    continue
                base = by_key[row.baseline.row or row.key]
                self.assertEqual(base.group or base.key, row.group or row.key)
                self.assertIn(row.baseline.contender or names[0],
                              [each.name for each in base.contenders])


if __name__ == "__main__":
    unittest.main()
