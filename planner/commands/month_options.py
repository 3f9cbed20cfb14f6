"""Options of the commands that read a month of the router's books."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["data_option", "force_option", "ledger_option", "month_option", "out_option", "settings_option"]

month_option = click.option("--month", required=True, metavar="YYYY-MM", help="As in 2026-11, UTC.")
ledger_option = click.option("--ledger", metavar="URL", envvar="BREAKEVEN_LEDGER", show_envvar=True,
                             help="As in sqlite:///breakeven.sqlite; only read. The settings' where left out.")
settings_option = click.option("--settings", type=click.Path(path_type=Path),
                               help="The router.toml of that month: cards of ours, their hours and cost.")
data_option = click.option("--data", type=click.Path(path_type=Path),
                           help="Overlay folder of tables (or BREAKEVEN_DATA).")
out_option = click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
force_option = click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
