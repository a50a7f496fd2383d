"""The programs behind every figure in the README: ``make bench``, or one: its module's name."""
