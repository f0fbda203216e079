"""A process that collects rarely ends without a word."""

import subprocess
import sys

SCRIPT = """
import duckdb
from infrastructure.garbage import collect_rarely

with duckdb.connect() as connection:
    connection.execute("select 1").fetchall()
collect_rarely()
"""


def test_nothing_is_said_at_the_end_of_a_process_that_has_read_a_table() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("", "")
