"""The shipped examples run again with one input edited: how many of their nodes need no work."""

from __future__ import annotations

from measure import OURS
from support.example_edits import EXAMPLES, MANY_SOURCES, OTHER_DATA, run_each_edited, together


def test_node_hit_rate(measure, tmp_path):
    """Percent of the nodes that may be cached and were found: each input of each example edited.

    Beside it: the edits that leave the data as they are, those that name other data, and the
    examples of many sources, whose inputs name other data as well, but each only a part.
    """

    def work():
        found = run_each_edited(tmp_path, EXAMPLES / "public" / "node_modules")
        many = {edit for edit in found if edit[0] in MANY_SOURCES}

        def percent(edits):
            return [together(found[edit] for edit in edits).percent]

        total = together(found.values())
        measure.note(edits=len(found), hits=total.hits, misses=total.asked - total.hits)
        return {
            OURS: [total.percent],
            "the data as they were": percent(found.keys() - OTHER_DATA - many),
            "many sources": percent(many),
            "other data named": percent(found.keys() & OTHER_DATA),
        }

    measure.record(work, unit="%")
