"""Rules over what was recorded: `sonde rules backtest`."""
