"""Forms and their versions."""

from __future__ import annotations

import pytest
from tests.server.sandbox.sandbox_api import Api

pytestmark = pytest.mark.anyio


async def test_a_form_has_a_version_for_each_in_its_definition_and_is_deleted_with_them(api: Api) -> None:
    versions = [{"type": "flyout", "name": "A", "steps": []}, {"steps": []}]
    form = await api.create("form", "forms", name="F", status="draft", ab_test=False, definition={"versions": versions})
    stored = (await api.get(f"forms/{form['id']}/form-versions"))["data"]
    shown = sorted((one["attributes"]["form_type"], one["attributes"]["variation_name"]) for one in stored)
    assert shown == [("flyout", "A"), ("popup", "Variation 2")]
    await api.delete(f"forms/{form['id']}")
    await api.get(f"form-versions/{stored[0]['id']}", 404)
