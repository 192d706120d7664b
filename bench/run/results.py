"""The raw results of a run: what each round of each row gave for each server."""

import json

from figures import median


class Results:
    """Records, in the order in which they were measured.

    A record holds `table`, `row`, `contender` and `round`, and either `result`, the line of JSON of
    the load program, and `took`, the seconds that it cost with all around it, or `error`, what was
    said instead. `about` tells where and how: machine, commit, command, date, rounds.
    """

    def __init__(self, about, records=()):
        self.about = dict(about)
        self.records = list(records)

    def add(self, table, row, contender, number, *, result=None, error=None, took=0.0):
        record = {"table": table, "row": row, "contender": contender, "round": number}
        record.update({"result": result, "took": round(took, 3)} if error is None
                      else {"error": error})
        self.records.append(record)

    def values(self, table, row, contender, metric):
        """{round: value in the unit of `metric`} of the rounds that were measured."""
        return {record["round"]: record["result"][metric.field] * metric.factor
                for record in self._of(table, row, contender)
                if metric.field in record.get("result", {})}

    def load_share(self, table, row, contender):
        """How much of the time the load program was busy, the median; 0 where it does not tell."""
        shares = [record["result"]["generator_share"]
                  for record in self._of(table, row, contender)
                  if "generator_share" in record.get("result", {})]
        return median(shares) if shares else 0.0

    def has_failed(self, table, row, contender):
        """True where there were rounds, and none of them was good."""
        records = self._of(table, row, contender)
        return bool(records) and all("error" in record for record in records)

    def errors(self):
        return [record for record in self.records if "error" in record]

    def rows_of(self, table):
        """The keys of the rows that a table has records of."""
        return {record["row"] for record in self.records if record["table"] == table}

    def contenders_of(self, table):
        return {record["contender"] for record in self.records if record["table"] == table}

    def _of(self, table, row, contender):
        return [record for record in self.records
                if (record["table"], record["row"], record["contender"]) == (table, row, contender)]

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"about": self.about, "records": self.records}, file, indent=1)
            file.write("\n")

    @classmethod
    def read(cls, path):
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        return cls(content["about"], content["records"])
