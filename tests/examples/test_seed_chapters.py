"""The chapters of the document from which the project was created, and the tests that show each of them.

Where the document declares a store, it is MongoDB: these chapters run there, with the declaration that is shown, and on
the other stores. What else it shows depends on no store.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

# They show nothing of their own: what it is for, a reference to "Cardinalities", notes of the authors.
WITHOUT_EXAMPLES = {"What is backo", "Ref and RefsList", "Tests & co", "Building a new release"}

SHOWN: dict[str, dict[str, str]] = {
    "Installation": {"quickstart": "test_installation"},
    "Quickstart": {"quickstart": "test_quickstart"},
    "Item": {"items": "test_item_example"},
    "Methods": {"items": "test_methods test_methods_errors"},
    "Cardinalities": {
        "references": "test_cardinalities_ref_and_ref test_cardinalities_ref_and_refslist "
        "test_cardinalities_refslist_and_refslist"
    },
    "RefsList": {"references": "test_refslist_on_fill_strategy"},
    "Options": {"references": "test_options_of_ref test_options_of_ref_that_lead_nowhere"},
    "Deletion strategies (ods)": {
        "references": "test_deletion_strategies test_deletion_strategies_many_to_many test_deletion_strategies_cascade"
    },
    "Relationship example: Books and Authors": {
        "references": "test_books_and_authors_one_author test_books_and_authors_example"
    },
    "Files objects": {
        "files": "test_files_objects_attributes test_files_objects_options test_files_objects_connectors"
    },
    "BlobFile()": {"files": "test_file_in_an_item"},
    "File()": {"files": "test_file_in_an_item"},
    "routes": {
        "files": "test_file_routes_json test_file_routes_json_of_images test_file_routes_multipart "
        "test_file_routes_of_actions"
    },
    "Collection": {"collection": "test_collection_example test_collection_is_registered"},
    "rights": {"collection": "test_rights"},
    "Action": {"actions": "test_chapter_action_borrow test_chapter_action_parameters"},
    "rights for actions": {
        "actions": "test_chapter_rights_for_actions_can_execute test_chapter_rights_for_actions_can_see"
    },
    "Selection": {"selections": "test_chapter_selection_borrowed test_chapter_selection_narrowed"},
    "rights for selections": {"selections": "test_chapter_rights_for_selections"},
    "Authentication": {"users": "test_authentication test_authentication_with_a_token_that_is_wrong"},
    "current_user": {"users": "test_current_user"},
    "usage": {"users": "test_current_user"},
    "How to set values to the current_user ?": {"users": "test_authentication"},
    "current_user API": {"users": "test_current_user_api"},
    "extend current_user": {"users": "test_extend_current_user"},
    "Routes": {"routes": "test_routes_of_an_application"},
    "CRUD Routes": {
        "routes": "test_get_an_item test_get_an_item_in_another_view test_get_an_item_that_is_not_for_this_user "
        "test_get_an_item_that_makes_the_server_fail test_list_items test_get_a_file test_create_an_item "
        "test_modify_an_item test_delete_an_item test_patch_an_item test_patch_an_item_with_a_list"
    },
    "list of available operators": {"routes": "test_list_items_in_pages test_list_items_example"},
    "Validation routes": {"routes": "test_validation_routes"},
    "Actions routes": {"actions": "test_chapter_action_borrow"},
    "Selections routes": {
        "selections": "test_chapter_selection_borrowed test_chapter_selection_narrowed "
        "test_chapter_selections_routes_post"
    },
    "Meta routes": {
        "meta": "test_meta_of_an_application test_meta_element_description test_meta_for_a_user "
        "test_meta_for_a_user_tells_what_happens"
    },
    "meta element description": {"meta": "test_meta_element_description"},
    "Internal usage": {"quickstart": "test_internal_usage"},
    "_id": {"items": "test_id"},
    "_meta": {"items": "test_meta"},
    "workflow": {"items": "test_workflow"},
    "Events": {"items": "test_events test_events_example"},
    "Transactions": {"items": "test_transactions"},
    "Logs": {"logs": "test_logs_example"},
    "Advanced use": {"logs": "test_logs_advanced_use"},
    "stack()": {"logs": "test_logs_stack"},
    "current loggers": {"logs": "test_logs_current_loggers test_logs_current_loggers_speak"},
    "migration": {"migration": "test_if_you_do_nothing test_check_if_data_match_the_model test_do_it_for_real"},
    "How it works": {"migration": "test_adding_and_removing_a_key"},
    "report": {"migration": "test_the_report"},
}

# Tests of what the tests themselves use.
OF_THE_TESTS = {("meta", "test_differences_are_found")}


@cache
def docstrings() -> dict[tuple[str, str], str]:
    """Give the docstrings of all tests beside this one, by file and name."""
    found = {}
    for path in Path(__file__).parent.glob("test_seed_*.py"):
        topic = path.stem.removeprefix("test_seed_")
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and topic != "chapters":
                found[topic, node.name] = ast.get_docstring(node) or ""
    return found


@pytest.mark.parametrize("title", SHOWN)
def test_a_chapter_is_shown(title: str) -> None:
    """The tests of a chapter are there, and name it."""
    there = docstrings()
    named = [(topic, name) for topic, names in SHOWN[title].items() for name in names.split()]

    assert named
    assert [one for one in named if f'"{title}"' not in there.get(one, "")] == []
    assert title not in WITHOUT_EXAMPLES


def test_every_test_belongs_to_a_chapter() -> None:
    """None is left out of the table."""
    listed = {(topic, name) for told in SHOWN.values() for topic, names in told.items() for name in names.split()}

    assert set(docstrings()) - listed == OF_THE_TESTS
