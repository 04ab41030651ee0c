"""Relationships between records, read from either end, changed at both, and cleared when a record is deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from klaviyo_mcp.sandbox.contract.contract import Contract
from klaviyo_mcp.sandbox.errors import not_found
from klaviyo_mcp.sandbox.state.store import GROUPS, Record, Store, linked_ids

_STORED_ON_TARGET: Mapping[tuple[str, str], str] = {
    **{("tag", f"{type_}s"): "tags" for type_ in ("campaign", "flow", "list", "segment")},
    ("catalog-category", "items"): "categories",
    ("tag-group", "tags"): "tag-group",
}
"""Relationships that requests change from one end while the record at the other end holds the link (its name)."""

_UNDECLARED_TARGETS: Mapping[tuple[str, str], str] = {
    ("catalog-item", "categories"): "catalog-category",
    ("form", "form-versions"): "form-version",
    ("form-version", "form"): "form",
    ("coupon", "coupon-codes"): "coupon-code",
    ("metric", "metric-properties"): "metric-property",
}
"""Relationships that have paths of their own but stand in no resource's schema."""

_OWNED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "campaign": (("campaign-messages", "campaign-message"),),
    "flow": (("flow-actions", "flow-action"),),
    "flow-action": (("flow-messages", "flow-message"),),
    "catalog-item": (("variants", "catalog-variant"),),
    "coupon": (("coupon-codes", "coupon-code"),),
    "tag-group": (("tags", "tag"),),
    "form": (("form-versions", "form-version"),),
    "profile": (("push-tokens", "push-token"),),
}
"""Relationships whose records are deleted together with the record that they belong to."""


class Relationships:
    """The relationships of a store's records, as a contract names them."""

    def __init__(self, store: Store, contract: Contract) -> None:
        self.store = store
        self.contract = contract

    def target(self, type_: str, name: str) -> str:
        """The type that a relationship leads to."""
        return _UNDECLARED_TARGETS.get((type_, name)) or self.contract.resource_type(type_).target(name)

    def ids(self, record: Record, name: str, target: str | None = None) -> list[str]:
        """The ids that a relationship leads to; those of a group's profiles in the order of joining."""
        if name == "profiles" and record.type in GROUPS:
            return list(self.store.members(record.type, record.id))
        if name in ("lists", "segments") and record.type == "profile":
            return self.store.groups(name.removesuffix("s"), record.id)
        if name in record.links:
            return linked_ids(record.links[name])
        target = target or self.target(record.type, name)
        return list(dict.fromkeys(self._inverse_ids(record, name, target)))

    def _inverse_ids(self, record: Record, name: str, target: str) -> Iterator[str]:
        """The records of the target type whose links lead to this record."""
        stored_as = _STORED_ON_TARGET.get((record.type, name))
        for link, ids in self.store.referring_ids(record.id, target).items():
            if link == stored_as if stored_as else self.target(target, link) == record.type:
                yield from ids

    def records(self, record: Record, name: str, target: str | None = None) -> list[Record]:
        """The stored records that a relationship leads to."""
        target = target or self.target(record.type, name)
        related = (self.store.get(target, id_) for id_ in self.ids(record, name, target))
        return [one for one in related if one is not None]

    def require(self, type_: str, ids: Iterable[str], pointer: str = "/data") -> None:
        """Raise KlaviyoError (404) for an id that no record of the type has."""
        for id_ in ids:
            if self.store.get(type_, id_) is None:
                raise not_found(type_, id_, pointer)

    def change(self, record: Record, name: str, method: str, target: str, ids: list[str]) -> None:
        """Add to (POST), remove from (DELETE) or replace (PATCH) what a relationship leads to."""
        if method == "DELETE":
            ids = [id_ for id_ in ids if self.store.get(target, id_)]
        self.require(target, ids)
        if name == "profiles" and record.type in GROUPS:
            self._change_members(record, method, ids)
        elif (record.type, name) in _STORED_ON_TARGET:
            self._change_on_targets(record, name, method, target, ids)
        elif self.contract.resource_type(record.type).is_to_many(name):
            self.store.link(record, name, _changed(self.ids(record, name), method, ids))
        else:
            self.store.link(record, name, ids[0] if ids and method != "DELETE" else None)

    def _change_members(self, group: Record, method: str, ids: list[str]) -> None:
        for id_ in ids:
            if method == "DELETE":
                self.store.leave(group.type, group.id, id_)
            else:
                self.store.join(group.type, group.id, id_)

    def _change_on_targets(self, record: Record, name: str, method: str, target: str, ids: list[str]) -> None:
        link = _STORED_ON_TARGET[record.type, name]
        before = set(self.ids(record, name, target))
        after = _changed(list(before), method, ids)
        for id_ in before.symmetric_difference(after):
            other = self.store.get(target, id_)
            if other is not None:
                method_there = "POST" if id_ in after else "DELETE"
                self.store.link(other, link, _changed(linked_ids(other.links.get(link)), method_there, [record.id]))
        if name in record.links:
            self.store.link(record, name, after)

    def delete(self, record: Record) -> None:
        """Delete a record, the records that belong to it, and every link that leads to it."""
        for name, type_ in _OWNED.get(record.type, ()):
            for owned in self.records(record, name, type_):
                self.delete(owned)
        for other, name in self.store.references(record.id):
            if self.target(other.type, name) == record.type:
                link = other.links[name]
                rest = None if isinstance(link, str) else [id_ for id_ in link or () if id_ != record.id]
                self.store.link(other, name, rest)
        self.store.remove(record.type, record.id)


def _changed(ids: list[str], method: str, changes: list[str]) -> list[str]:
    if method == "PATCH":
        return list(dict.fromkeys(changes))
    if method == "DELETE":
        return [id_ for id_ in ids if id_ not in changes]
    return list(dict.fromkeys([*ids, *changes]))
