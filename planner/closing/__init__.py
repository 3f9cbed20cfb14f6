"""Closing a month: actuals against the plan, how right plans were, licence reports, the next plan."""
