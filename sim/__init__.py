"""Deterministic simulation: every worker in one process on a seeded virtual clock.

Just another composition root: the production handlers, workers and lanes run unchanged over the fakes that
pass the contract suites, with faults at every awaited side effect. One integer replays a world exactly.
"""
