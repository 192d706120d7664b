"""scripts/check_layers.py finds what it is there to find: faults planted in a small tree."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

import check_layers  # noqa: E402  (after the path is set)


class Layers(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        self.write("src/base/json.cpp", "#include <simdjson.h>\n\n#include <string>\n")
        self.write("src/hub/hub.cpp", '#include "hub/hub.hpp"\n#include "base/check.hpp"\n'
                                      '#include "wspush/engine/engine.hpp"\n')
        self.write("include/wspush/hub/member.hpp", '#include "wspush/base/bytes.hpp"\n')

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def assert_faults(self, *expected):
        faults = check_layers.check(self.root)
        self.assertEqual(len(faults), len(expected), faults)
        for fault, start in zip(faults, expected):
            self.assertTrue(fault.startswith(start), fault)

    def test_what_follows_the_order_has_no_fault(self):
        self.assert_faults()

    def test_a_module_that_another_may_not_know(self):
        self.write("src/http/status.cpp", '#include "http/status.hpp"\n#include "net/address.hpp"\n')
        self.assert_faults("src/http/status.cpp:2: http may not know net/address.hpp")

    def test_a_module_above(self):
        self.write("src/hub/fan_out.cpp", '#  include "server/reactor.hpp"\n')
        self.assert_faults("src/hub/fan_out.cpp:1: hub may not know server/reactor.hpp")

    def test_a_contract_of_somebody_else(self):
        self.write("src/websocket/masking.cpp", '#include "wspush/door/session.hpp"\n')
        self.assert_faults("src/websocket/masking.cpp:1: websocket may not know the contract")

    def test_a_header_beyond_those_that_a_module_takes_from_a_contract(self):
        self.write("src/net/member_sender.cpp", '#include "wspush/hub/member.hpp"\n'
                                                '#include "wspush/hub/topic_name.hpp"\n')
        self.assert_faults("src/net/member_sender.cpp:2: net may not know wspush/hub/topic_name")

    def test_a_library_outside_of_its_module(self):
        self.write("src/door/session.cpp", "#include <yaml-cpp/yaml.h>\n#include <vector>\n")
        self.write("src/hub/home.hpp", "#include <gtest/gtest.h>\n")
        self.assert_faults("src/door/session.cpp:1: <yaml-cpp/yaml.h> belongs to config, not to",
                           "src/hub/home.hpp:1: <gtest/gtest.h> belongs to tests")

    def test_a_contract_that_knows_a_module_or_a_library(self):
        self.write("include/wspush/hub/topic.hpp", '#include "hub/hub.hpp"\n#include <fmt/core.h>\n')
        self.assert_faults("include/wspush/hub/topic.hpp:1:", "include/wspush/hub/topic.hpp:2:")

    def test_an_include_without_its_module(self):
        self.write("src/hub/home.cpp", '#include "topic.hpp"\n')
        self.assert_faults('src/hub/home.cpp:1: "topic.hpp": our headers are included by their path')

    def test_a_module_that_is_not_listed(self):
        self.write("src/misc/misc.cpp", "")
        self.assert_faults("src/misc: a module that")

    def test_a_cycle_in_the_table(self):
        self.addCleanup(check_layers.MODULES.__setitem__, "hub", check_layers.MODULES["hub"])
        check_layers.MODULES["hub"] = {"server"}
        self.assertTrue(any("cycle" in fault for fault in check_layers.check(self.root)))


if __name__ == "__main__":
    unittest.main()
