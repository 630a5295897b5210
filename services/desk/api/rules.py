"""Routes, destinations and settings: everybody may see them; editors write rules, admins settings."""

from fastapi import APIRouter, Response

from services.desk import rules
from services.desk.api.parts import Desk, RuleId
from services.desk.rules import ChangesIn, ChangesSetting, Destination, DestinationIn, Route, RouteIn
from shared.http.access import Admin, Editor, Staff
from shared.http.preconditions import IfMatch, IfNoneMatch, etag, expected

router = APIRouter(prefix="/v1", tags=["rules"])


@router.get("/routes", summary="All routes")
async def routes(_caller: Staff, desk: Desk) -> list[Route]:
    """Routes by id."""
    return [rules.route(item) for item in rules.listed(await desk.rules.all("route"))]


@router.get("/routes/{rule_id}", summary="One route")
async def route(_caller: Staff, desk: Desk, rule_id: RuleId, response: Response) -> Route:
    """A route and, as its ETag, its version."""
    item = await desk.rules.one("route", rule_id)
    response.headers["ETag"] = etag(item["version"])
    return rules.route(item)


@router.put("/routes/{rule_id}", summary="Create or change a route")
async def put_route(
    caller: Editor,
    desk: Desk,
    rule_id: RuleId,
    body: RouteIn,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Route:
    """Write a route over the version read (If-Match), or a new one (If-None-Match: *)."""
    item = await desk.rules.put_route(rule_id, body, caller, expected(if_match, if_none_match))
    response.headers["ETag"] = etag(item["version"])
    return rules.route(item)


@router.get("/destinations", summary="All destinations")
async def destinations(_caller: Staff, desk: Desk) -> list[Destination]:
    """Destinations by id; no secret is ever shown."""
    return [rules.destination(item) for item in rules.listed(await desk.rules.all("destination"))]


@router.get("/destinations/{rule_id}", summary="One destination")
async def destination(_caller: Staff, desk: Desk, rule_id: RuleId, response: Response) -> Destination:
    """A destination and, as its ETag, its version."""
    item = await desk.rules.one("destination", rule_id)
    response.headers["ETag"] = etag(item["version"])
    return rules.destination(item)


@router.put("/destinations/{rule_id}", summary="Create or change a destination")
async def put_destination(
    caller: Editor,
    desk: Desk,
    rule_id: RuleId,
    body: DestinationIn,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Destination:
    """Write a destination; a new secret replaces the old one only together with this version."""
    item = await desk.rules.put_destination(rule_id, body, caller, expected(if_match, if_none_match))
    response.headers["ETag"] = etag(item["version"])
    return rules.destination(item)


@router.get("/settings/changes", summary="What becomes of edited and deleted messages")
async def changes(_caller: Staff, desk: Desk, response: Response) -> ChangesSetting:
    """keep: everything stays to be seen. hide: only admins see what was taken back. erase: nobody does."""
    item = await desk.rules.changes()
    response.headers["ETag"] = etag(item["version"])
    return rules.changes(item)


@router.put("/settings/changes", summary="Say what becomes of edited and deleted messages")
async def put_changes(
    caller: Admin,
    desk: Desk,
    body: ChangesIn,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> ChangesSetting:
    """Write it over the version read (If-Match), or for the first time (If-None-Match: *).

    `erase` takes the content of what is edited or deleted from then on out of the record for good.
    """
    item = await desk.rules.put_changes(body, caller, expected(if_match, if_none_match))
    response.headers["ETag"] = etag(item["version"])
    return rules.changes(item)
