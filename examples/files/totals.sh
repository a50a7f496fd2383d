#!/bin/sh
# Adds up the orders of each country, most first.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 orders.csv" >&2
    exit 2
fi
tail -n +2 "$1" | awk -F, '{ eur[$4] += $NF } END { for (c in eur) print c, eur[c] }' |
    sort -k2 -rn
