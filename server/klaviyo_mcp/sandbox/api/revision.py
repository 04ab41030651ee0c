"""One revision of the API over the store that all revisions share."""

from __future__ import annotations

from klaviyo_mcp.sandbox.api.paging import Collections
from klaviyo_mcp.sandbox.contract.contract import Contract
from klaviyo_mcp.sandbox.state.relationships import Relationships
from klaviyo_mcp.sandbox.state.store import Store


class Revision:
    """The store as one revision shows it: with this contract's operations, relationships and collections.

    Records are stored once and in one form. A revision that shows the same records in another form (another tree of
    resources over the same campaigns, say) is where that form belongs.
    """

    def __init__(self, store: Store, contract: Contract) -> None:
        self.store = store
        self.contract = contract
        self.relationships = Relationships(store, contract)
        self.collections = Collections(store, self.relationships)
