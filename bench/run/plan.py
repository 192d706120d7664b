"""The words in which it is written down what is measured: see rows.py for what that is."""

from dataclasses import dataclass, field

OURS = "wspushd"
FLOOR = "floor"


@dataclass(frozen=True)
class Metric:
    """One figure of a result: a field of the load program's JSON, in the unit that we show."""

    field: str
    name: str           # what it is, without its unit
    unit: str
    digits: int = 2     # behind the point, in tables
    factor: float = 1   # from the unit of the field to `unit`
    is_less_better: bool = True
    is_pace: bool = False  # more would come where the load program was not the slower half


@dataclass(frozen=True)
class Server:
    """A server to start: its kind, a key of servers.KINDS, and what it is told."""

    kind: str
    settings: tuple = ()  # of (name, value)

    @classmethod
    def of(cls, kind, **settings):
        return cls(kind, tuple(sorted(settings.items())))


@dataclass(frozen=True)
class Contender:
    """Who takes part in a row, and how the load program speaks to it."""

    name: str
    server: Server
    dialect: str
    load: tuple = ()  # of (option, value); value None: an option without one
    is_peer: bool = False


@dataclass(frozen=True)
class Baseline:
    """What a contender is compared with: the one of that name, or itself, in that row or the same."""

    contender: str | None = None
    row: str | None = None


@dataclass(frozen=True)
class Row:
    key: str
    label: str
    scenario: str
    contenders: tuple
    load: tuple = ()              # as in Contender
    baseline: Baseline | None = None
    seconds: float = 1.0          # of a round, in units of --seconds
    warm_up: float = 0.25         # s
    rounds_max: int = 99
    peer_rounds_max: int = 3      # they differ by factors, not by percents
    group: str = ""               # rows of one group take turns, round by round
    has_new_server_each_round: bool = False
    load_gives_way: bool = False  # to servers that share its CPU

    def number(self, option, default=0):
        return next((value for name, value in self.load if name == option), default)


@dataclass(frozen=True)
class Table:
    key: str
    title: str
    text: str                     # below the title: what the rows are
    metrics: tuple                # the first is plotted and shown with its spread
    rows: tuple = field(default_factory=tuple)
    is_by_metric: bool = False    # one contender alone: the metrics are the columns

    def groups(self):
        """Lists of rows that take turns."""
        grouped = {}
        for row in self.rows:
            grouped.setdefault(row.group or row.key, []).append(row)
        return list(grouped.values())

    def contender_names(self):
        """Of all rows, in the order in which they are named first."""
        return list(dict.fromkeys(each.name for row in self.rows for each in row.contenders))
