"""The interchangeable things, one file each, one line in their table."""
