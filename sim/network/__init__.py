"""Graphs of links: where they come from, and the ways through them."""
