"""What is related to what: read from either end, changed on both, and cleared when a record goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from klaviyo_mcp.sandbox.contract.contract import Contract
from klaviyo_mcp.sandbox.errors import KlaviyoError, not_found
from klaviyo_mcp.sandbox.state.store import GROUPS, Record, Store, ids_of

_HELD_BY_TARGET: Mapping[tuple[str, str], str] = {
    **{("tag", f"{type_}s"): "tags" for type_ in ("campaign", "flow", "list", "segment")},
    ("catalog-category", "items"): "categories",
    ("tag-group", "tags"): "tag-group",
}
"""Relationships that a request changes from one end while the record at the other holds the link."""

_UNDECLARED: Mapping[tuple[str, str], str] = {
    ("catalog-item", "categories"): "catalog-category",
    ("form", "form-versions"): "form-version",
    ("form-version", "form"): "form",
    ("coupon", "coupon-codes"): "coupon-code",
    ("metric", "metric-properties"): "metric-property",
}
"""Relationships that have paths but do not appear in the resource's own schema."""

_PARTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "campaign": (("campaign-messages", "campaign-message"),),
    "flow": (("flow-actions", "flow-action"),),
    "flow-action": (("flow-messages", "flow-message"),),
    "catalog-item": (("variants", "catalog-variant"),),
    "coupon": (("coupon-codes", "coupon-code"),),
    "tag-group": (("tags", "tag"),),
    "form": (("form-versions", "form-version"),),
    "profile": (("push-tokens", "push-token"),),
}
"""What goes when its whole is deleted."""


class Relations:
    """Relationships over a store, as a contract names them."""

    def __init__(self, store: Store, contract: Contract) -> None:
        self.store = store
        self.contract = contract

    def target(self, type_: str, name: str) -> str:
        """The type that a relationship leads to."""
        return _UNDECLARED.get((type_, name)) or self.contract.resource_type(type_).target(name)

    def ids(self, record: Record, name: str, target: str | None = None) -> list[str]:
        """The ids a relationship leads to; of a group's profiles, in the order of joining."""
        if name == "profiles" and record.type in GROUPS:
            return list(self.store.members(record.type, record.id))
        if name in ("lists", "segments") and record.type == "profile":
            return self.store.groups(name[:-1], record.id)
        if name in record.links:
            return ids_of(record.links[name])
        target = target or self.target(record.type, name)
        return list(dict.fromkeys(self._inverse(record, name, target)))

    def _inverse(self, record: Record, name: str, target: str) -> Iterator[str]:
        held_as = _HELD_BY_TARGET.get((record.type, name))
        for link, sources in self.store.sources(record.id, target).items():
            if link == held_as if held_as else self.target(target, link) == record.type:
                yield from sources

    def records(self, record: Record, name: str, target: str | None = None) -> list[Record]:
        target = target or self.target(record.type, name)
        found = (self.store.get(target, id_) for id_ in self.ids(record, name, target))
        return [one for one in found if one is not None]

    def require(self, type_: str, ids: Iterable[str], pointer: str = "/data") -> None:
        """Refuse (404) an id of which there is no record."""
        for id_ in ids:
            if self.store.get(type_, id_) is None:
                raise not_found(type_, id_, pointer)

    def change(self, record: Record, name: str, method: str, target: str, ids: list[str]) -> None:
        """Add (POST), take away (DELETE) or replace (PATCH) what a relationship leads to."""
        if method == "DELETE":
            ids = [id_ for id_ in ids if self.store.get(target, id_)]
        self.require(target, ids)
        if name == "profiles" and record.type in GROUPS:
            self._change_members(record, method, ids)
        elif (record.type, name) in _HELD_BY_TARGET:
            self._change_far(record, name, method, target, ids)
        else:
            self._change_near(record, name, method, ids)

    def _change_members(self, group: Record, method: str, ids: list[str]) -> None:
        for id_ in ids:
            if method == "DELETE":
                self.store.leave(group.type, group.id, id_)
            else:
                self.store.join(group.type, group.id, id_)

    def _change_near(self, record: Record, name: str, method: str, ids: list[str]) -> None:
        if not self._many(record.type, name):
            self.store.link(record, name, ids[0] if ids and method != "DELETE" else None)
            return
        self.store.link(record, name, _changed(self.ids(record, name), method, ids))

    def _change_far(self, record: Record, name: str, method: str, target: str, ids: list[str]) -> None:
        far = _HELD_BY_TARGET[record.type, name]
        before = set(self.ids(record, name, target))
        after = _changed(list(before), method, ids)
        for id_ in before.symmetric_difference(after):
            other = self.store.get(target, id_)
            if other is not None:
                one_method = "POST" if id_ in after else "DELETE"
                self.store.link(other, far, _changed(ids_of(other.links.get(far)), one_method, [record.id]))
        if name in record.links:
            self.store.link(record, name, after)

    def _many(self, type_: str, name: str) -> bool:
        return self.contract.resource_type(type_).is_to_many(name)

    def delete(self, record: Record) -> None:
        """Take a record out with its parts, and with every link that leads to it."""
        for name, part_type in _PARTS.get(record.type, ()):
            for part in self.records(record, name, part_type):
                self.delete(part)
        for other, name in self.store.naming(record.id):
            if self.target(other.type, name) == record.type:
                held = other.links[name]
                left = None if isinstance(held, str) else [id_ for id_ in held or () if id_ != record.id]
                self.store.link(other, name, left)
        self.store.remove(record.type, record.id)


def _changed(held: list[str], method: str, ids: list[str]) -> list[str]:
    if method == "PATCH":
        return list(dict.fromkeys(ids))
    if method == "DELETE":
        return [id_ for id_ in held if id_ not in ids]
    return list(dict.fromkeys([*held, *ids]))


def needed(record: Record | None, type_: str, id_: str) -> Record:
    """The record, or Klaviyo's 404."""
    if record is None:
        raise not_found(type_, id_)
    return record


def conflict(detail: str, pointer: str = "/data") -> KlaviyoError:
    return KlaviyoError(409, "conflict", "Conflict.", detail, pointer)
