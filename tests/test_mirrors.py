"""Tests stand where their modules stand: `tests/server/gateway/test_retry.py` tests `klaviyo_mcp/gateway/retry.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"server": "klaviyo_mcp", "tools": "klaviyo_tools"}
ELSEWHERE = {
    # A part of a whole: the whole is what a user sees, and its tests go through the part.
    "tests/server/account/test_directory.py": "account/reads",
    "tests/server/answers/test_collection.py": "answers/columns answers/objects answers/rows",
    "tests/server/calls/test_guides.py": "calls/guides/guide",
    "tests/server/calls/test_run.py": "calls/answer calls/context calls/requests calls/service",
    "tests/server/gateway/test_client.py": "gateway/options gateway/state gateway/transport",
    "tests/server/gateway/test_pacing.py": "gateway/credential_limit",
    "tests/promises/test_ways_out.py": "protocol/outgoing",
    "tests/server/protocol/test_prompts.py": "protocol/prompt_texts",
    "tests/server/protocol/test_server.py": "protocol/features protocol/string_arguments",
    "tests/server/reports/test_service.py": ("reports/content reports/facts reports/rows reports/timeframe"),
    "tests/server/safety/test_confirmation.py": "safety/questions",
    "tests/server/safety/previews": (
        "safety/flow_definitions safety/previews/call_preview safety/previews/sentences"
        " safety/previews/stable_attributes safety/triggers"
    ),
    "tests/server/safety/stakes/test_assessment.py": (
        "safety/stakes/arguments safety/stakes/campaigns safety/stakes/events safety/stakes/flows safety/stakes/groups"
        " safety/stakes/pending safety/stakes/profiles safety/stakes/templates"
    ),
    "tests/tools/arguments/test_checking.py": (
        "arguments/annotations arguments/errors arguments/marks arguments/places arguments/spelling arguments/types"
    ),
    "tests/tools/filters/test_accept.py": (
        "filters/check filters/coercion filters/conditions filters/examples filters/fields filters/operators"
        " filters/reader filters/tree"
    ),
    "tests/tools/operation/test_operation.py": "operation/area operation/facts operation/models operation/request",
    "tests/tools/search/test_index.py": "search/language",
    # What starts a process is tested by starting it.
    "tests/clients/test_exits.py": "__main__ transports/stdio",
    "tests/clients/test_transports.py": "transports/messages transports/sse",
    "tests/server/cli/test_commands.py": "cli/composition cli/demo cli/main cli/startup cli/tools",
    # The sandbox is tested by what it answers over HTTP: its parts by what the whole of them answers.
    "tests/contract/test_sandbox_answers.py": (
        "sandbox/api/records sandbox/api/request sandbox/api/revision sandbox/behaviour/handlers"
        " sandbox/behaviour/reports"
    ),
    "tests/contract/test_seeded_records.py": (
        "sandbox/life/account sandbox/life/builder sandbox/life/catalog sandbox/life/content sandbox/life/coupons"
        " sandbox/life/devices sandbox/life/forms sandbox/life/imports sandbox/life/metrics sandbox/life/plan"
        " sandbox/life/*_table sandbox/life/countries"
    ),
    "tests/server/sandbox/behaviour/test_catalog.py": "sandbox/behaviour/bulk_jobs",
    "tests/server/sandbox/reporting/test_reports.py": (
        "sandbox/reporting/dimensions sandbox/reporting/facts sandbox/reporting/statistics"
    ),
    "tests/server/sandbox/behaviour/test_groups.py": "sandbox/state/segment_members",
    "tests/server/sandbox/segments/test_definition.py": (
        "sandbox/segments/account sandbox/segments/conditions sandbox/segments/consent sandbox/segments/dates"
        " sandbox/segments/places sandbox/segments/values"
    ),
    "tests/server/sandbox/test_app.py": "sandbox/errors",
    # Declarations are held against Klaviyo's documents, all of them alike.
    "tests/contract/test_nested_objects.py": "nested_objects",
    "tests/contract/test_declarations.py": (
        "areas/campaign_messages areas/catalog_categories areas/catalog_variants areas/conversations areas/lists"
        " areas/privacy drift/*"
    ),
    "tests/promises/test_costs.py": "toolsets",
    "tests/server/answers/test_view.py": "fieldsets",
    "tests/tools/schema/test_input_schema.py": "registry",
}
"""Where the tests of modules are that have no file of their own."""
SUBJECTS = {
    "server/answers/test_strangers_text.py",
    "server/calls/test_guides.py",
    "server/calls/test_revisions.py",
    "server/gateway/test_tls.py",
    "server/safety/test_binding.py",
}
"""Tests of a subject that no single module has."""


def modules() -> Iterator[tuple[str, str]]:
    """Every module, as its source root and `gateway/retry`."""
    for source, package in PACKAGES.items():
        for path in sorted((ROOT / source / package).rglob("*.py")):
            if path.name != "__init__.py":
                yield source, path.relative_to(ROOT / source / package).with_suffix("").as_posix()


def mirror(source: str, module: str) -> str:
    """`server/gateway/test_retry.py`, below `tests`."""
    *room, name = module.split("/")
    return "/".join((source, *room, f"test_{name}.py"))


WITHOUT_MIRROR = [module for source, module in modules() if not (ROOT / "tests" / mirror(source, module)).exists()]


def test_a_module_has_its_tests_at_the_same_place_or_the_list_says_where() -> None:
    patterns = [pattern for modules in ELSEWHERE.values() for pattern in modules.split()]
    assert [module for module in WITHOUT_MIRROR if not any(fnmatch(module, pattern) for pattern in patterns)] == []


@pytest.mark.parametrize("place", ELSEWHERE)
def test_the_list_names_modules_and_tests_that_exist(place: str) -> None:
    assert (ROOT / place).exists()
    assert [
        pattern for pattern in ELSEWHERE[place].split() if not any(fnmatch(one, pattern) for one in WITHOUT_MIRROR)
    ] == []


def test_a_test_file_has_its_module_or_a_subject() -> None:
    mirrors = {mirror(source, module) for source, module in modules()}
    tests = ROOT / "tests"
    files = [path.relative_to(tests).as_posix() for source in PACKAGES for path in (tests / source).rglob("test_*.py")]
    strange = [file for file in files if file not in mirrors and not any(fnmatch(file, one) for one in SUBJECTS)]
    assert strange == []


def test_a_test_file_sets_its_marks_once() -> None:
    """A second `pytestmark` replaces the first without a word, and a slow test would join the quick loop."""
    files = (ROOT / "tests").rglob("test_*.py")
    assert [file.name for file in files if len(re.findall(r"^pytestmark\b", file.read_text(), re.M)) > 1] == []
