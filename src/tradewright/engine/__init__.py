"""Runs things: backtest, sweep, verification of results; later walk-forward, session loop, journal and replay.

Entry points: `tradewright.engine.backtest.backtest`, `tradewright.engine.sweep.sweep`,
`tradewright.engine.verify.verify`; what comes out is `tradewright.engine.result.Result` and
`tradewright.engine.sweep.SweepResult`. The package imports nothing from the application: what it needs from above
(the layered configuration, the report) is looked up in `tradewright.engine.hooks`.
"""
