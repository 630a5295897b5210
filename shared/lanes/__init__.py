"""Owed work in order: a lane is the unfinished deliveries of one destination and one conversation.

`Lanes.run` moves one lane; whatever learns of work (a queue message, a due item) calls it and is deleted only
after it returned. The rules were modelled before they were written (CONTRACTS s.2); the tests plant the
model's bugs and watch the properties fail.
"""
