"""Results as tables of Markdown."""

from figures import digits_for, median, paired_ratios, spread, text_of, text_of_spread

FAILED = "failed"
# From this share of the time on the load program was the slower half: the server could do more.
LOAD_IS_FULL = 0.95
RATIO_DIGITS = 2


def ratios(results, table, row, contender, metric):
    """The spread of its ratios to what it is compared with; None where that is itself or nothing."""
    if row.baseline is None:
        return None
    base_row = row.baseline.row or row.key
    base_contender = row.baseline.contender or contender
    if (base_row, base_contender) == (row.key, contender):
        return None
    return paired_ratios(results.values(table.key, row.key, contender, metric),
                         results.values(table.key, base_row, base_contender, metric))


def columns_of(table, results):
    """The contenders that the results have, in the order of the table."""
    measured = results.contenders_of(table.key)
    return [name for name in table.contender_names() if name in measured]


def rows_of(table, results):
    measured = results.rows_of(table.key)
    return [row for row in table.rows if row.key in measured]


def line(cells):
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def head(cells):
    return [line(cells), line(["---"] * len(cells))]


def full_table(table, results, metric):
    """Medians with their spread; our ratios in a column, those of the others behind their figure."""
    names = columns_of(table, results)
    rows = rows_of(table, results)
    has_ratio = any(ratios(results, table, row, names[0], metric) for row in rows)
    lines = head(["", names[0], *(["ratio"] if has_ratio else []), *names[1:]])
    for row in rows:
        cells = [row.label]
        for name in names:
            values = list(results.values(table.key, row.key, name, metric).values())
            ratio = ratios(results, table, row, name, metric)
            if values:
                measured = spread(values)
                cell = text_of_spread(measured, digits_for(measured.median, metric.digits))
            else:
                cell = FAILED if results.has_failed(table.key, row.key, name) else ""
            if name == names[0]:
                cells.append(f"**{cell}**" if cell else "")
                if has_ratio:
                    cells.append(f"**{text_of_spread(ratio, RATIO_DIGITS)}**" if ratio else "")
            else:
                cells.append(f"{cell} ×{text_of(ratio.median, RATIO_DIGITS)}" if ratio else cell)
        lines.append(line(cells))
    return lines


def short_table(table, results, metric):
    """Medians alone, ours with its ratio; no line for a row, and none at all, where nobody has it.

    A pace that was the load program's is marked: the server's is that or more.
    """
    names = columns_of(table, results)
    lines = head(["", *names])
    is_empty = True
    for row in rows_of(table, results):
        cells, has_any = [row.label], False
        for name in names:
            values = results.values(table.key, row.key, name, metric)
            has_any = has_any or bool(values)
            middle = median(values.values()) if values else 0
            cell = text_of(middle, digits_for(middle, metric.digits)) if values else ""
            if values and metric.is_pace and \
                    results.load_share(table.key, row.key, name) >= LOAD_IS_FULL:
                cell = f"≥ {cell}"
            ratio = ratios(results, table, row, name, metric) if name == names[0] else None
            cells.append(f"{cell} ×{text_of(ratio.median, RATIO_DIGITS)}" if ratio else cell)
        if has_any:
            is_empty = False
            lines.append(line(cells))
    return [] if is_empty else lines


def metric_table(table, results):
    """One contender; a column for each metric, the first with its spread and its ratio."""
    name = columns_of(table, results)[0]
    rows = rows_of(table, results)
    metrics = [each for each in table.metrics
               if any(results.values(table.key, row.key, name, each) for row in rows)]
    has_ratio = any(ratios(results, table, row, name, metrics[0]) for row in rows)
    heads = [f"{each.name}, {each.unit}" if each.unit else each.name for each in metrics]
    lines = head(["", heads[0], *(["ratio"] if has_ratio else []), *heads[1:]])
    for row in rows:
        cells = [row.label]
        for each in metrics:
            values = list(results.values(table.key, row.key, name, each).values())
            if values:
                measured = spread(values)
                digits = digits_for(measured.median, each.digits)
                cell = text_of_spread(measured, digits) if each is metrics[0] else \
                    text_of(measured.median, digits)
            else:
                cell = FAILED if results.has_failed(table.key, row.key, name) else ""
            cells.append(cell)
            if each is metrics[0] and has_ratio:
                ratio = ratios(results, table, row, name, each)
                cells.append(text_of_spread(ratio, RATIO_DIGITS) if ratio else "")
        lines.append(line(cells))
    return lines


def caption(metric):
    better = "less" if metric.is_less_better else "more"
    return f"{metric.name[0].upper()}{metric.name[1:]}, {metric.unit} ({better} is better):"


def tables_of(table, results):
    """All figures of a table, as lines; those behind the first metric are folded away."""
    if not columns_of(table, results):
        return ["Nothing of it was measured."]
    if table.is_by_metric:
        return metric_table(table, results)
    first, *others = table.metrics
    lines = [caption(first), "", *full_table(table, results, first)]
    folded, named = [], []
    for metric in others:
        made = short_table(table, results, metric)
        if made:
            named.append(metric.name)
            folded += ["", caption(metric), "", *made]
    if folded:
        names = ", ".join(named)
        lines += ["", f"<details><summary>Also: {names}</summary>", *folded, "", "</details>"]
    return lines
