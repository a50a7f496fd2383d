"""The verbs: a stage takes records and returns a record; no stage imports another."""
