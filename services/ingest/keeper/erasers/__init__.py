"""The places where something of a person may be, and what takes it out of each.

Each eraser finds what is left and cleans it, one conditional write an item; one that died begins again where it
was. What stays of a person is ids, facts and times; nothing they said. `places.py` names every place there is.
"""
