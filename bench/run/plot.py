"""Results as a plot: a group of lanes for each row, a dot for each contender, its range a line.

SVG that is its own page: it brings a background, and turns dark where the reader's system is.
"""

import math
from xml.sax.saxutils import escape

from figures import digits_for, spread, text_of
from result_tables import columns_of, rows_of

WIDTH = 860
LEFT = 210
RIGHT = 90
TOP = 70
LANE = 15
GAP = 12
BOTTOM = 46
# Above this, from the least to the greatest, little ones could not be told apart from nothing.
LINEAR_RATIO_MAX = 15

# Each of these has its colour in every plot; other names get those that are left.
KNOWN = ("wspushd", "floor", "nchan", "ws", "Beast", "NATS", "Mosquitto")
LIGHT = ("#0b5fd0", "#57606a", "#b35900", "#1a7f37", "#8250df", "#bf3989", "#8a6d00", "#117a8b")
DARK = ("#6cb0ff", "#a0a8b2", "#f0a35e", "#57c86f", "#c297ff", "#f779b6", "#d9b93f", "#5fc9d8")


class Scale:
    """From values to x. Logarithmic, or linear from 0."""

    def __init__(self, values, left, right):
        positive = [value for value in values if value > 0] or [1.0]
        low, high = min(positive), max(positive)
        self.is_logarithmic = high / low > LINEAR_RATIO_MAX
        self._left, self._right = left, right
        if self.is_logarithmic:
            self._low, self._high = low / 1.25, high * 1.25
        else:
            self._low, self._high = 0.0, high * 1.05

    def x(self, value):
        if self.is_logarithmic:
            share = math.log(max(value, self._low) / self._low) / math.log(self._high / self._low)
        else:
            share = value / self._high
        return self._left + share * (self._right - self._left)

    def ticks(self):
        """Round values, some five to ten of them."""
        if self.is_logarithmic:
            decades = range(math.floor(math.log10(self._low)), math.ceil(math.log10(self._high)) + 1)
            steps = (1, 2, 5) if len(decades) <= 4 else (1,)
            ticks = [step * 10.0 ** decade for decade in decades for step in steps]
            return [tick for tick in ticks if self._low <= tick <= self._high]
        step = 10 ** math.floor(math.log10(self._high / 2))
        step *= next(each for each in (1, 2, 5) if self._high / (each * step) <= 8)
        return [index * step for index in range(int(self._high / step) + 1)]


def tick_text(value):
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.6f}".rstrip("0").rstrip(".")


def colours_of(names):
    """{name: index of its colour}, for as many names as there are colours."""
    free = [index for index in range(len(LIGHT))
            if index >= len(KNOWN) or KNOWN[index] not in names]
    return {name: KNOWN.index(name) if name in KNOWN else free.pop(0)
            for name in names[:len(LIGHT)]}


def style(indices):
    def colours(palette, text, faint, back):
        rules = [f"text{{fill:{text}}} .back{{fill:{back}}} .grid{{stroke:{faint}}}"]
        rules += [f".c{index}{{fill:{palette[index]};stroke:{palette[index]}}}"
                  for index in sorted(indices)]
        return " ".join(rules)

    return ("<style>text{font:12px system-ui,sans-serif} .title{font-size:15px;font-weight:600} "
            ".value{font-size:11px} .grid{stroke-width:1} .range{stroke-width:2} "
            + colours(LIGHT, "#1f2328", "#d8dee4", "#ffffff")
            + " @media (prefers-color-scheme:dark){"
            + colours(DARK, "#e6edf3", "#343b44", "#0d1117") + "}</style>")


def text(x, y, content, kind="", anchor="start"):
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{attribute} text-anchor="{anchor}">{escape(content)}</text>'


def legend(colours):
    parts, x = [], float(LEFT)
    for name, index in colours.items():
        parts.append(f'<circle class="c{index}" cx="{x + 5:.1f}" cy="{TOP - 26}" r="4.5"/>')
        parts.append(text(x + 14, TOP - 22, name))
        x += 30 + 7.2 * len(name)
    return parts


def svg_of(table, results):
    """The plot of the table's first metric; None where there is nothing to show."""
    metric = table.metrics[0]
    colours = colours_of(columns_of(table, results))
    groups = []
    for row in rows_of(table, results):
        lanes = []
        for name, index in colours.items():
            values = list(results.values(table.key, row.key, name, metric).values())
            if values:
                lanes.append((index, name, spread(values)))
        if lanes:
            groups.append((row.label, lanes))
    if not groups:
        return None
    scale = Scale([value for _, lanes in groups for _, _, each in lanes for value in each],
                  LEFT, WIDTH - RIGHT)
    height = TOP + sum(len(lanes) * LANE + GAP for _, lanes in groups) + BOTTOM
    bottom = height - BOTTOM
    unit = f"{metric.name}, {metric.unit}"
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
             f'width="{WIDTH}" height="{height}" role="img">',
             f"<title>{escape(table.title)}: {escape(unit)}</title>", style(colours.values()),
             f'<rect class="back" width="{WIDTH}" height="{height}" rx="6"/>',
             text(16, 26, table.title, "title"), *legend(colours)]
    for tick in scale.ticks():
        x = scale.x(tick)
        parts += [f'<line class="grid" x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}"/>',
                  text(x, bottom + 16, tick_text(tick), anchor="middle")]
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, height - 10,
                      unit + (" (logarithmic)" if scale.is_logarithmic else "")
                      + (", less is better" if metric.is_less_better else ", more is better"),
                      anchor="middle"))
    y = float(TOP)
    for label, lanes in groups:
        if y > TOP:
            parts.append(f'<line class="grid" x1="16" y1="{y - GAP / 2:.1f}" '
                         f'x2="{WIDTH - 16}" y2="{y - GAP / 2:.1f}"/>')
        parts.append(text(LEFT - 12, y + len(lanes) * LANE / 2 + 4, label, anchor="end"))
        for index, name, values in lanes:
            middle = y + LANE / 2
            low, at, high = (scale.x(each) for each in (values.low, values.median, values.high))
            shown = text_of(values.median, digits_for(values.median, metric.digits))
            parts += [f'<g><title>{escape(f"{name}: {shown} {metric.unit}")}</title>',
                      f'<line class="range c{index}" x1="{low:.1f}" y1="{middle:.1f}" '
                      f'x2="{high:.1f}" y2="{middle:.1f}"/>',
                      f'<circle class="c{index}" cx="{at:.1f}" cy="{middle:.1f}" r="4.5"/>',
                      text(max(high, at) + 9, middle + 4, shown, "value"), "</g>"]
            y += LANE
        y += GAP
    return "\n".join([*parts, "</svg>", ""])
