"""The northbound database that is supposed: what the commands of ``ovn-rules nbctl`` change when nothing is written.

Beside ``cli/northbound.py``, which works on a server. Columns that no rule reads (``external_ids``, ``up``, ``log``)
aren't known here: a command that has to look at one is refused, and setting one changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovn_rules.cli.northbound import Row
from ovn_rules.cli.verbs.supposed import made_up_uuid

if TYPE_CHECKING:
    from ovn_rules.cli.verbs.supposed import SupposedRows, Values

DATABASE = "nb"


class SupposedNorthbound:
    """The view that commands have of the database; see ``nbctl_commands.View``.

    Args:
        rows: read and changed.
    """

    def __init__(self, rows: SupposedRows) -> None:
        self._rows = rows

    def find(self, table: str, **values: Any) -> list[Row]:
        """The rows whose columns have these values."""
        return [_row(table, found) for found in self._rows.rows(f"{DATABASE}.{table}", values)]

    def insert(self, table: str, **values: Any) -> Row:
        """Adds a row."""
        place = f"{DATABASE}.{table}"
        return _row(table, self._rows.insert(place, made_up_uuid(self._rows, place), values))

    def set(self, row: Row, column: str, value: Any) -> None:
        """Changes a column."""
        row.values[column] = value
        self._rows.set(f"{DATABASE}.{row.table}", row.uuid, column, value)

    def set_key(self, row: Row, column: str, key: str, value: str | None) -> None:
        """Changes one key of a map column; None takes it out."""
        self._rows.column(f"{DATABASE}.{row.table}", column)
        if column in row.values:
            pairs = {k: v for k, v in row[column] if k != key} | ({} if value is None else {key: value})
            self.set(row, column, tuple(sorted(pairs.items())))

    def delete(self, row: Row) -> None:
        """Deletes a row."""
        self._rows.delete(f"{DATABASE}.{row.table}", row.uuid)


def _row(table: str, values: Values) -> Row:
    return Row(table, values["_uuid"], values)
