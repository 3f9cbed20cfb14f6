"""The `planner` command."""

from __future__ import annotations

from router.command_line import run_command
from router.errors import RouterError

from .errors import PlannerError
from .lazy import LazyGroup

__all__ = ["main", "planner"]

planner = LazyGroup(
    "planner",
    commands_at={
        "breakeven": ("planner.commands.breakeven:breakeven",
                      "Where the money goes, what would save it, from which volume own GPUs pay."),
        "scenarios": ("planner.commands.scenarios:scenarios", "The shipped scenarios side by side."),
        "price": ("planner.commands.price:price", "The exact price of a hosted image on a day."),
        "prices": ("planner.commands.prices:prices", "Age, confirmation and second opinions of the price tables."),
        "throughput": ("planner.commands.throughput:throughput", "Seconds per image on a GPU, with an interval."),
        "measure": ("planner.commands.measure:measure",
                    "Seconds and joules per image of a pipeline here or a running server."),
        "backtest": ("planner.commands.backtest:backtest_command",
                     "Whether the intervals of a forecast hold on a trace of yours."),
        "size": ("planner.commands.size:size", "The smallest fleet for a promise, or what a fleet can promise."),
        "mix": ("planner.commands.mix:mix", "Own cards, hosted overflow or both: the cheapest, and what decides it."),
        "plan": ("planner.commands.plan:plan", "What a scenario costs month by month, and how sure that is."),
        "approve": ("planner.commands.approve:approve", "Approve a plan's folder, if nothing of it has changed."),
        "freeze": ("planner.commands.approve:freeze", "Freeze an approved plan."),
        "diff": ("planner.commands.diff:diff", "From one scenario's plan to another's, in steps that add up."),
        "replay": ("planner.commands.replay:replay", "Past traffic through the router's own rules, under a policy."),
        "actuals": ("planner.commands.actuals:actuals", "What a month of the router's books came to, and who pays."),
        "reconcile": ("planner.commands.reconcile:reconcile", "Vendors' statements of a month against the books."),
        "close": ("planner.commands.close:close", "A month closed: everything finance takes away, in one folder."),
        "accuracy": ("planner.commands.accuracy:accuracy", "How right the plans of the past were."),
        "export": ("planner.commands.export:export", "A month of the books: FOCUS, accruals, licence report."),
        "demand": ("planner.commands.demand:demand", "What traffic is like, from a trace or a bill of it."),
        "models": ("planner.commands.lists:models", "Models: licence, sizes, text, architecture."),
        "gpus": ("planner.commands.lists:gpus", "GPUs: memory, rates, rents."),
        "grids": ("planner.commands.lists:grids", "Grids: grams of CO2e for a kilowatt-hour."),
        "engines": ("planner.commands.lists:engines", "Engines and precisions the measurements know."),
        "claims": ("planner.commands.claims:claims", "The article's claims with our verdicts and evidence."),
    },
    help="Which images should GPT Image 2 make, which a hosted Flux 2, which our own GPUs, and what does that cost?",
)


def main() -> None:
    """Run `planner`: exit 0 on an answer, 2 on a question that cannot be answered, with one line on stderr."""
    run_command(planner, "planner", refusals=(RouterError, PlannerError))
