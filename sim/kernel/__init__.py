"""The data plane: tables, events, draws, processors, calls, servers. Compiled by Numba, or plain Python on request."""
