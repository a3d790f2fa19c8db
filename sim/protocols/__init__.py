"""Protocols as pure state machines: a message in, messages out; no clock, no sockets, randomness handed in.

Nothing here knows what carries the messages. A test drives a machine by hand, `sim.registries` runs it over the
simulated network.
"""
