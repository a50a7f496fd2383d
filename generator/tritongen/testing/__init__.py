"""What tests of specs share, shipped for people who add parts."""
