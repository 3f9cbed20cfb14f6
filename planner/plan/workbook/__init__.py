"""The workbook that finance can change: live formulas over the plan's inputs, the model's results as cached values."""
