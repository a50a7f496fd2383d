"""Adds up the orders of each country."""

import csv
import sys
from collections import Counter
from pathlib import Path


def totals(path: Path) -> Counter[str]:
    """Return what each country has ordered, in euros."""
    with path.open(newline="", encoding="utf-8") as file:
        found: Counter[str] = Counter()
        for row in csv.DictReader(file):
            found[row["country"]] += float(row["total_eur"])
    return found


if __name__ == "__main__":
    for country, eur in totals(Path(sys.argv[1])).most_common():
        print(f"{country}  {eur:10.2f}")
