"""Named rules that forecast.

A strategy is one file: a class that says what it wants at each close (`signals`, `weights`, `orders` or `on_bar`),
which sits the exam `tradewright.testing.check_strategy`. The registry knows the built-in ones, those that installed
packages announce under the entry point group ``tradewright.strategies``, and those in a user's file
(``path/to/file.py:name``).
"""
