"""How a recording's mechanism groups pages, from its header; of real kernels it may not be told."""


def grouping_of(header: dict) -> dict:
    """`rule`, `enabled` and `block_order` of the mechanism, and the rest of its `grouping`.

    Where nothing is told: no rule's name, enabled, and the pageblocks of the picture.
    """
    told = header["mechanism"].get("grouping", {})
    return {
        "rule": "",
        "enabled": True,
        "block_order": header["geometry"]["pageblock_order"],
    } | told


def tells_types(header: dict) -> bool:
    """Whether the mechanism tells migratetypes apart."""
    grouping = grouping_of(header)
    return grouping["rule"] != "none" and grouping["enabled"] is not False
