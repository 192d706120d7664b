"""docs/performance.md: what was measured goes between its markers, what people wrote stays."""

import os

import plot
import result_tables

PLOTS = "plots"


class MarkerFault(Exception):
    """The page has no place for a table."""


def marks(key):
    return f"<!-- measured: {key} -->", f"<!-- end of {key} -->"


def replaced(page, key, lines):
    """The page with those lines between the markers of `key`. Raises MarkerFault."""
    begin, end = marks(key)
    before, found, rest = page.partition(begin + "\n")
    _, found_too, after = rest.partition(end + "\n")
    if not found or not found_too:
        raise MarkerFault(f"the page has no {begin} with a {end} behind it")
    return "".join([before, begin, "\n", *(line + "\n" for line in lines), end, "\n", after])


def absent_peers(table, results):
    """Names of the peers that the table's rows have and the results do not."""
    measured = results.contenders_of(table.key)
    return list(dict.fromkeys(each.name for row in table.rows for each in row.contenders
                              if each.is_peer and each.name not in measured))


def section(table, results):
    """Heading, words, plot and figures of one table, as lines."""
    about = results.about
    absent = absent_peers(table, results)
    without = f" Without {', '.join(absent)}: not measured in this run." if absent else ""
    return ["", f"## {table.title}", "", table.text, "",
            f"![{table.title}]({PLOTS}/{table.key}.svg)", "",
            *result_tables.tables_of(table, results), "",
            f"{about['date']}, commit {about['commit']}, `{about['command']}`: "
            f"{about['rounds']} rounds of {about['seconds']:g} s; {about['machine']}.{without}", ""]


def write(path, tables, results):
    """Puts each table that the results have all rows of onto the page, and its plot beside it.

    Returns the keys of those that were left out.
    """
    with open(path, encoding="utf-8") as file:
        text = file.read()
    plots = os.path.join(os.path.dirname(path), PLOTS)
    os.makedirs(plots, exist_ok=True)
    left_out = []
    for table in tables:
        picture = plot.svg_of(table, results)
        if picture is None or {row.key for row in table.rows} != results.rows_of(table.key):
            left_out.append(table.key)
            continue
        with open(os.path.join(plots, f"{table.key}.svg"), "w", encoding="utf-8") as file:
            file.write(picture)
        text = replaced(text, table.key, section(table, results))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return left_out
