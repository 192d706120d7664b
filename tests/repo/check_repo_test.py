"""scripts/check_repo.py finds what it is there to find: faults planted in a small tree."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

import check_repo  # noqa: E402  (after the path is set)

CLEAN = {
    "README.md": "# Words\n\nSee [the keys](docs/configuration.md#all-keys) and `src/hub/hub.cpp`.\n",
    "docs/configuration.md": "## All keys\n\n| `echo` | `drain.period` |\n",
    "docs/operations.md": "`wspushd_gaps_total` `queued_bytes`\n",
    "docs/protocol.md": "`not_found` `bad_topic` 1001\n",
    "conf/wspushd.yaml": "# echo: false\ndrain:\n  # period: 10s\n",
    "src/config/CMakeLists.txt": "add(config_keys.cpp)\n",
    "src/config/config_keys.cpp": '    boolean("echo", x),\n    section("drain"),\n'
                                  '    duration("drain.period", x),\n'
                                  '    choice_of("nobody", x),\n',
    "src/hub/CMakeLists.txt": "add(hub.cpp hub.hpp ${contracts}/hub/member.hpp)\n",
    "src/hub/hub.cpp": 'refuse(404, "not_found", "no such path");\n',
    "src/hub/hub.hpp": "",
    "include/wspush/hub/member.hpp": "",
    "src/metrics/CMakeLists.txt": "add(metric_catalog.cpp labels.cpp)\n",
    "src/metrics/metric_catalog.cpp": '{kGaps, "wspushd_gaps_total", ""}\n',
    "src/metrics/labels.cpp": 'return "queued_bytes";\n',
    "src/websocket/CMakeLists.txt": "add(close_code.hpp)\n",
    "src/websocket/close_code.hpp": "kGoingAway = 1001,\n",
    "tests/fuzz/CMakeLists.txt": "add(id_fuzz.cpp)\n",
    "tests/fuzz/id_fuzz.cpp": "",
    "tests/fuzz/corpus/id/a-tab": "a\tb \r",
}


class Repository(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        for path, text in CLEAN.items():
            self.write(path, text)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def append(self, path, text):
        self.write(path, CLEAN[path] + text)

    def assert_fault(self, start):
        faults = check_repo.check(self.root)
        self.assertEqual(len(faults), 1, faults)
        self.assertTrue(faults[0].startswith(start), faults[0])

    def test_a_clean_tree_has_no_fault(self):
        self.assertEqual(check_repo.check(self.root), [])

    def test_blanks(self):
        for text, start in (("a\tb\n", "notes.txt:1: a tab"),
                            ("a \n", "notes.txt:1: a blank at the end"),
                            ("a\r\n", "notes.txt:1: a blank at the end"),
                            ("a", "notes.txt: no line end"),
                            ("a\n\n", "notes.txt: an empty line")):
            self.write("notes.txt", text)
            self.assert_fault(start)

    def test_a_file_of_more_than_a_mebibyte(self):
        self.write("notes.txt", "x\n" * (1 << 19))
        self.assertEqual(check_repo.check(self.root), [])
        self.write("notes.txt", "x\n" * (1 << 19) + "\n")
        self.assertTrue(check_repo.check(self.root)[0].startswith("notes.txt: 1048577 bytes"))

    def test_a_long_source(self):
        self.write("src/hub/hub.hpp", "x\n" * 600)
        self.assertEqual(check_repo.check(self.root), [])
        self.write("src/hub/hub.hpp", "x\n" * 601)
        self.assert_fault("src/hub/hub.hpp: 601 lines")

    def test_a_source_that_is_not_built(self):
        self.write("src/hub/sub.cpp", "")
        self.assert_fault("src/hub/sub.cpp: no CMakeLists.txt names it")

    def test_a_contract_that_no_module_lists(self):
        self.write("include/wspush/hub/rule.hpp", "")
        self.assert_fault("include/wspush/hub/rule.hpp: no CMakeLists.txt names it")

    def test_a_name_that_is_only_the_end_of_another(self):
        self.write("src/hub/CMakeLists.txt", "add(my_hub.cpp hub.hpp hub/member.hpp)\n")
        self.assert_fault("src/hub/hub.cpp: no CMakeLists.txt names it")

    def test_a_fuzz_target_without_inputs_and_the_other_way_round(self):
        self.write("tests/fuzz/CMakeLists.txt", "add(id_fuzz.cpp name_fuzz.cpp)\n")
        self.write("tests/fuzz/name_fuzz.cpp", "")
        self.assert_fault("tests/fuzz/corpus/name: no input")
        self.write("tests/fuzz/corpus/name/one", "x")
        self.assertEqual(check_repo.check(self.root), [])
        self.write("tests/fuzz/corpus/old/one", "x")
        self.assert_fault("tests/fuzz/corpus/old: inputs of no target")

    def test_a_large_corpus(self):
        self.write("tests/fuzz/corpus/id/large", "x" * (64 << 10))
        self.assertEqual(check_repo.check(self.root), [])
        self.write("tests/fuzz/corpus/id/large", "x" * ((64 << 10) + 1))
        self.assert_fault("tests/fuzz/corpus/id/large: 65537 bytes")
        for number in range(16):
            self.write(f"tests/fuzz/corpus/id/large{number or ''}", "x" * (64 << 10))
        self.assert_fault("tests/fuzz/corpus/: 1048")

    def test_a_module_of_tests_with_the_name_of_a_shared_one(self):
        for path in ("tests/support/deflate.py", "tests/support/conftest.py",
                     "tests/integration/conftest.py", "tests/conformance/inflate.py"):
            self.write(path, "")
            self.assertEqual(check_repo.check(self.root), [])
        self.write("tests/conformance/deflate.py", "")
        self.assert_fault("tests/conformance/deflate.py: has the name of a module in")

    def test_links(self):
        for link, start in (("[a](docs/none.md)", "README.md: the link docs/none.md leads nowhere"),
                            ("[a](#wordz)", "README.md: the link #wordz leads to no heading"),
                            ("[a](docs/configuration.md#no)", "README.md: the link docs/conf")):
            self.append("README.md", link + "\n")
            self.assert_fault(start)
        for link in ("[a](https://example.com/x)", "[a](#words)", "`[a](none.md)`"):
            self.append("README.md", link + "\n")
            self.assertEqual(check_repo.check(self.root), [])

    def test_a_file_that_is_named_and_not_there(self):
        self.append("README.md", "`src/hub/gone.cpp`\n")
        self.assert_fault("README.md: `src/hub/gone.cpp` is not there")

    def test_a_key_that_is_not_documented(self):
        self.append("src/config/config_keys.cpp", '    boolean("demo", x),\n')
        self.assertEqual(len(check_repo.check(self.root)), 2)  # in the reference, in the manual
        self.append("docs/configuration.md", "`demo`\n")
        self.assert_fault("conf/wspushd.yaml: the key demo is missing")

    def test_a_metric_or_a_label_that_is_not_documented(self):
        self.append("src/metrics/metric_catalog.cpp", '"wspushd_pings_total"\n')
        self.assert_fault("docs/operations.md: the metric wspushd_pings_total")
        self.append("docs/operations.md", "`wspushd_pings_total`\n")
        self.append("src/metrics/labels.cpp", 'return "memory";\n')
        self.assert_fault("docs/operations.md: the label value memory")

    def test_an_error_code_that_is_not_documented(self):
        for line in ('error_response(429, "rate_limited", x);', 'x.code = "rate_limited";',
                     'case CommandError::kRateLimited:\n      return "rate_limited";'):
            self.write("src/hub/hub.cpp", line + "\n")
            self.assert_fault("docs/protocol.md: the error code rate_limited")
        self.write("src/hub/hub.cpp", "")
        self.append("src/websocket/close_code.hpp", "kTooSlow = 4008,\n")
        self.assert_fault("docs/protocol.md: the close code 4008")


if __name__ == "__main__":
    unittest.main()
