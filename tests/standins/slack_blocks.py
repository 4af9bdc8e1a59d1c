"""What Slack accepts as a message's blocks: the kinds we send, with every limit it documents.

Kinds and fields we do not send are refused as if they were unknown. All blocks and their limits:
https://docs.slack.dev/reference/block-kit/blocks
"""

from typing import Any, Final

# Blocks are Any: they are JSON from outside, and what they are is the question.

BLOCKS_LIMIT: Final = 50
"""https://docs.slack.dev/reference/block-kit/blocks (messages)"""
TEXT_LIMIT: Final = 3000
"""https://docs.slack.dev/reference/block-kit/composition-objects/text-object"""
FIELD_TEXT_LIMIT: Final = 2000
FIELDS_LIMIT: Final = 10
"""https://docs.slack.dev/reference/block-kit/blocks/section-block"""
HEADER_LIMIT: Final = 150
"""https://docs.slack.dev/reference/block-kit/blocks/header-block"""
CONTEXT_LIMIT: Final = 10
"""https://docs.slack.dev/reference/block-kit/blocks/context-block"""
ACTIONS_LIMIT: Final = 25
"""https://docs.slack.dev/reference/block-kit/blocks/actions-block"""
BUTTON_TEXT_LIMIT: Final = 75
BUTTON_VALUE_LIMIT: Final = 2000
URL_LIMIT: Final = 3000
"""https://docs.slack.dev/reference/block-kit/block-elements/button-element"""
ID_LIMIT: Final = 255
"""`block_id` and `action_id`, which are unique where they are given."""

_OWN_FIELDS: Final = {
    "header": {"text"},
    "section": {"text", "fields"},
    "context": {"elements"},
    "actions": {"elements"},
    "divider": set[str](),
}
_BUTTON_FIELDS: Final = {"type", "text", "url", "value", "action_id", "style"}


def valid_blocks(blocks: Any) -> bool:
    """Say whether Slack takes them; it answers `invalid_blocks` otherwise."""
    if not isinstance(blocks, list) or len(blocks) > BLOCKS_LIMIT:
        return False
    return all(_valid_block(block) for block in blocks) and _unique(blocks, "block_id")


def text_in(node: Any) -> int:
    """Count the characters of every text in the blocks."""
    if isinstance(node, list):
        return sum(map(text_in, node))
    if not isinstance(node, dict):
        return 0
    own = node["text"] if isinstance(node.get("text"), str) else ""
    return len(own) + sum(text_in(value) for value in node.values())


def _valid_block(block: Any) -> bool:
    if not isinstance(block, dict) or block.get("type") not in _OWN_FIELDS:
        return False
    if set(block) - _OWN_FIELDS[block["type"]] - {"type", "block_id"}:
        return False
    match block:
        case {"type": "header", "text": text}:
            return _valid_text(text, HEADER_LIMIT, kinds=("plain_text",))
        case {"type": "section"}:
            return _valid_section(block)
        case {"type": "context", "elements": [*elements]}:
            valid = all(_valid_text(element, TEXT_LIMIT) for element in elements)
            return valid and 1 <= len(elements) <= CONTEXT_LIMIT
        case {"type": "actions", "elements": [*elements]}:
            valid = all(_valid_button(element) for element in elements)
            return valid and 1 <= len(elements) <= ACTIONS_LIMIT and _unique(elements, "action_id")
        case {"type": "divider"}:
            return True
    return False


def _valid_section(section: dict[str, Any]) -> bool:
    fields = section.get("fields")
    if fields is not None:
        if not isinstance(fields, list) or not 1 <= len(fields) <= FIELDS_LIMIT:
            return False
        if not all(_valid_text(field, FIELD_TEXT_LIMIT) for field in fields):
            return False
    if "text" in section:
        return _valid_text(section["text"], TEXT_LIMIT)
    return fields is not None


def _valid_text(
    text: Any, limit: int, *, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")
) -> bool:
    match text:
        case {"type": str(kind), "text": str(words), **rest}:
            flag = "verbatim" if kind == "mrkdwn" else "emoji"
            known = kind in kinds and set(rest) <= {flag} and isinstance(rest.get(flag, True), bool)
            return known and 1 <= len(words) <= limit
    return False


def _valid_button(button: Any) -> bool:
    match button:
        case {"type": "button", "text": text, **rest}:
            url, value = rest.get("url", "https://"), rest.get("value", "")
            return (
                set(button) <= _BUTTON_FIELDS
                and _valid_text(text, BUTTON_TEXT_LIMIT, kinds=("plain_text",))
                and isinstance(url, str)
                and url.startswith(("https://", "http://"))
                and len(url) <= URL_LIMIT
                and isinstance(value, str)
                and len(value) <= BUTTON_VALUE_LIMIT
                and rest.get("style", "primary") in ("primary", "danger")
            )
    return False


def _unique(nodes: list[Any], name: str) -> bool:
    given = [node[name] for node in nodes if name in node]
    valid = all(isinstance(each, str) and 1 <= len(each) <= ID_LIMIT for each in given)
    return valid and len(set(map(str, given))) == len(given)
