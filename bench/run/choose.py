"""Which part of all rows is measured."""

import dataclasses
import fnmatch

from plan import FLOOR, OURS


def matches(table, row, patterns):
    """`fan-out` is a table, `echo/64*` rows of it; `*` and `?` as in a shell."""
    name = f"{table.key}/{row.key}"
    return any(fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(table.key, pattern)
               for pattern in patterns)


def chosen(tables, patterns=(), with_peers=True, is_available=lambda server: True):
    """The tables with the rows that match, and the contenders that can take part.

    A row that others of its group are compared with comes along. Rows and tables with nobody of
    ours left are left out.
    """
    made = []
    for table in tables:
        wanted = [row for row in table.rows if not patterns or matches(table, row, patterns)]
        needed = {row.baseline.row for row in wanted if row.baseline and row.baseline.row}
        rows = []
        for row in table.rows:
            if row not in wanted and row.key not in needed:
                continue
            contenders = tuple(each for each in row.contenders
                               if (with_peers or not each.is_peer) and is_available(each.server))
            if any(not each.is_peer for each in contenders):
                rows.append(dataclasses.replace(row, contenders=contenders))
        if rows:
            made.append(dataclasses.replace(table, rows=tuple(rows)))
    return made


def noise(tables):
    """The floor against itself: in each row that has a floor, a second one in our place.

    How far from 1 those ratios get is what the machine does to a ratio by itself.
    """
    made = []
    for table in tables:
        rows = []
        for row in table.rows:
            floors = [each for each in row.contenders if each.name == FLOOR]
            if floors and row.baseline is not None and row.baseline.contender == FLOOR:
                second = dataclasses.replace(
                    floors[0], name=OURS,
                    server=dataclasses.replace(floors[0].server,
                                               settings=(*floors[0].server.settings,
                                                         ("number", 2))))
                rows.append(dataclasses.replace(row, contenders=(second, floors[0])))
        if rows:
            made.append(dataclasses.replace(table, rows=tuple(rows)))
    return made
