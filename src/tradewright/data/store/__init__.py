"""Keeps market data: series of bars with two times, in memory, in Parquet files, or in a database.

Entry points: `ParquetStore`, `MemoryStore`, `open_store`, `default_folder`. The port is
`tradewright.domain.series.Store`; its exam `tradewright.testing.check_store`.

Names are loaded when they are first asked for.
"""
