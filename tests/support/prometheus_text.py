"""Reads the Prometheus text format (and OpenMetrics) and refuses what a scraper would refuse."""

import re

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_VALUE = r"[+-]?(?:[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+\.)|[+-]?Inf|NaN"
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? ({_VALUE})(?: [0-9.]+)?\Z")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|\Z)')
_TYPES = ("counter", "gauge", "histogram", "summary", "untyped", "unknown", "info", "stateset")


class Metrics:
    """Samples by name, and the TYPE of each family."""

    def __init__(self):
        self.types = {}
        self.helps = {}
        self.samples = []  # (name, labels, value)

    def total(self, name, **labels):
        return sum(value for sample, having, value in self.samples
                   if sample == name and labels.items() <= having.items())

    def family_of(self, sample):
        """The family that a sample belongs to, None when there is no TYPE for it."""
        if sample in self.types:
            return sample
        for suffix in ("_total", "_bucket", "_sum", "_count", "_created", "_info"):
            if sample.endswith(suffix) and sample[:-len(suffix)] in self.types:
                return sample[:-len(suffix)]
        return None


def parse_metrics(text, open_metrics=False):
    """The Metrics of a page; AssertionError with the line for whatever is not in the format."""
    metrics, seen, families, last_family = Metrics(), set(), set(), None
    assert text.endswith("\n"), "the last line has no end"
    lines = text.split("\n")[:-1]
    if open_metrics:
        assert lines and lines[-1] == "# EOF", "no # EOF at the end"
        lines.pop()
    for number, line in enumerate(lines, 1):
        where = f"line {number}: {line!r}"
        comment = re.match(rf"# (HELP|TYPE|UNIT) ({_NAME}) (.*)\Z", line)
        if comment:
            kind, name, rest = comment.groups()
            table = {"HELP": metrics.helps, "TYPE": metrics.types}.get(kind, {})
            assert name not in table, f"twice, {where}"
            assert kind != "TYPE" or rest in _TYPES, where
            table[name] = rest
            continue
        if line == "" or line.startswith("#"):
            assert not open_metrics, f"no place for it in OpenMetrics, {where}"
            continue
        sample = _SAMPLE.match(line)
        assert sample, where
        labels, at = {}, 0
        body = sample[2] or ""
        while at < len(body):
            label = _LABEL.match(body, at)
            assert label and label[1] not in labels, where
            labels[label[1]] = label[2]
            at = label.end()
        key = (sample[1], tuple(sorted(labels.items())))
        assert key not in seen, f"the same sample twice, {where}"
        seen.add(key)
        metrics.samples.append((sample[1], labels, float(sample[3])))
        family = metrics.family_of(sample[1])
        assert family is not None, f"no TYPE before {where}"
        assert family in metrics.helps, f"no HELP before {where}"
        if family != last_family:
            assert family not in families, f"a family in two places, {where}"
        families.add(family)
        last_family = family
        if metrics.types[family] == "counter":
            assert float(sample[3]) >= 0, f"a negative counter, {where}"
            assert sample[1].endswith(("_total", "_created")), f"a counter without _total, {where}"
    return metrics
