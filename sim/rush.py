"""Many at once: newcomers who cannot wait, people who change their names, agents in a hurry."""

import asyncio
from dataclasses import replace
from random import Random

from sim.desks import Desks
from sim.outside import Outside
from twin.core.mint import Mint
from twin.core.model import seeded
from twin.core.people import person

NEWCOMERS, AT_ONCE = 20, 2
GAP_S = 1.5  # most between two messages of one: about as long as it takes to make out who they are
FIRST = 100  # number of the first newcomer: nobody the world began with
NAMES = 4
FLURRY = 60  # more than Meta lets go to one person at once
SHORT, TIMES = 5, 5  # replies in a row, and how often


async def newcomers(outside: Outside, rng: Random, seconds: float) -> None:
    """People write for the first time, several messages each at the same moment."""
    mint = Mint(seeded("newcomers", rng.random()))
    for number in range(NEWCOMERS):
        await asyncio.sleep(rng.uniform(0, seconds / NEWCOMERS))
        who = person(FIRST + number, mint)
        outside.driver.act(outside.driver.world.add_customer(who))
        for part in range(AT_ONCE):
            outside.says(who.id, type="text", text=f"hola {number}, {part}")
            await asyncio.sleep(rng.uniform(0, GAP_S))


async def renamed(outside: Outside, rng: Random, seconds: float) -> None:
    """People who have written call themselves otherwise, and write once more."""
    world = outside.driver.world
    for number in range(NAMES):
        await asyncio.sleep(rng.uniform(seconds / NAMES / 2, seconds / NAMES))
        who = world.customers[rng.choice(sorted(outside.wamids) or outside.customers)]
        outside.driver.act(world.add_customer(replace(who, name=f"Otro nombre {number}")))
        outside.says(who.id, type="text", text=f"me llamo de otro modo {number}")


async def flurry(desks: Desks, rng: Random, seconds: float) -> None:
    """An agent sends one person more than may go at once."""
    await asyncio.sleep(rng.uniform(seconds / 3, seconds))
    await desks.flurry(FLURRY)


async def hurry(desks: Desks, rng: Random, seconds: float) -> None:
    """Again and again several replies in a row to one person."""
    for _ in range(TIMES):
        await asyncio.sleep(rng.uniform(0, seconds / TIMES))
        await desks.flurry(SHORT)
