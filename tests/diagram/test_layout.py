"""The laws of a layout, on random graphs, and its parts against plain oracles."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goflow.diagram import crossings, layers
from goflow.diagram.crossings import count_crossings, reduce_crossings
from goflow.diagram.diagram import Box, Diagram, Link
from goflow.diagram.layers import Item, Layers, layers_of
from goflow.diagram.layout import STACK, lay_out, stacked
from goflow.diagram.positions import fit
from goflow.diagram.svg import _Measure


@st.composite
def diagrams(draw, most=14):
    count = draw(st.integers(1, most))
    links = {}
    for target in range(1, count):
        for source in draw(st.sets(st.integers(0, target - 1), max_size=4)):
            label = draw(st.sampled_from(["", "", "true", "a long condition > 3"]))
            links[source, target] = Link(f"n{source}", f"n{target}", label)
    boxes = [
        Box(
            id=f"n{i}",
            kind="loop",
            chains=((Box(id=f"m{i}", kind="transform"), Box(id=f"k{i}", kind="transform")),),
        )
        if draw(st.booleans())
        else Box(id=f"n{i}", kind="transform", detail="x" * draw(st.integers(0, 30)))
        for i in range(count)
    ]
    return Diagram("random", tuple(boxes), tuple(links.values()))


def overlap(one, other):
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@given(diagrams())
@settings(max_examples=150, deadline=None)
def test_boxes_never_overlap_and_all_are_drawn(diagram):
    picture = lay_out(diagram, _Measure())
    assert {one.box.id for one in picture.boxes} >= {box.id for box in diagram.all_boxes()}
    for depth in (0, 1, 2):
        level = [one for one in picture.boxes if one.depth == depth]
        for one, other in combinations(level, 2):
            assert not overlap(one, other), (one, other)
    for one in picture.boxes:
        assert one.x >= -1e-6
        assert one.x + one.width <= picture.width + 1e-6
        assert one.y + one.height <= picture.height + 1e-6


@given(diagrams())
@settings(max_examples=150, deadline=None)
def test_every_link_goes_down_from_its_source_to_its_target_and_passes_no_box(diagram):
    picture = lay_out(diagram, _Measure())
    at = {one.box.id: one for one in picture.boxes}
    drawn = [route for route in picture.routes if route.link is not None]
    assert len(drawn) == len(stacked(diagram)[1])
    for route in drawn:
        source, target = at[route.link.source], at[route.link.target]
        first, last = route.stations[0], route.stations[-1]
        assert first.top == pytest.approx(source.y + source.height)
        assert source.x <= first.x <= source.x + source.width
        assert last.bottom == pytest.approx(target.y)
        assert target.x <= last.x <= target.x + target.width
        for one, other in pairwise(route.stations):
            assert one.bottom < other.top
        for station in route.stations[1:-1]:
            for one in picture.boxes:
                if one.depth == 0 and station.top < one.y + one.height and one.y < station.bottom:
                    assert not one.x < station.x < one.x + one.width
        assert (route.label is None) == (not route.link.label)


@given(diagrams())
@settings(max_examples=60, deadline=None)
def test_no_label_lies_on_a_box_or_on_another_label(diagram):
    measure = _Measure()
    picture = lay_out(diagram, measure)
    labels = [
        Area(route.label, measure.label(route.link.label), measure.label_height)
        for route in picture.routes
        if route.label
    ]
    boxes = [one for one in picture.boxes if one.depth == 0]
    for i, label in enumerate(labels):
        assert not any(overlap(label, other) for other in [*boxes, *labels[i + 1 :]])


class Area:
    def __init__(self, middle, width, height):
        self.x, self.y = middle[0] - width / 2, middle[1] - height / 2
        self.width, self.height = width, height


@given(diagrams())
@settings(max_examples=40, deadline=None)
def test_the_same_diagram_is_always_drawn_the_same(diagram):
    assert lay_out(diagram, _Measure()) == lay_out(diagram, _Measure())


@st.composite
def layered(draw):
    made = Layers()
    made.rows = [[] for _ in range(draw(st.integers(1, 4)))]
    for row in range(len(made.rows)):
        for _ in range(draw(st.integers(1, 5))):
            made.add(row, Item("b", None, 10.0))
    for above, below in pairwise(made.rows):
        for one in above:
            for other in below:
                if draw(st.booleans()):
                    made.join(one, other)
    return made


def crossings_by_definition(made):
    total = 0
    for above, below in pairwise(made.rows):
        links = [(above.index(a), below.index(b)) for a in above for b in made.down[a]]
        total += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(links, 2))
    return total


@given(layered())
@settings(deadline=None)
def test_crossings_are_counted_as_they_are_defined_and_reducing_adds_none(made):
    before = crossings_by_definition(made)
    assert count_crossings(made) == before
    items = [sorted(row) for row in made.rows]
    crossings._depth_first(made)
    start = crossings_by_definition(made)
    reduce_crossings(made)
    assert crossings_by_definition(made) <= start
    assert [sorted(row) for row in made.rows] == items


@given(
    st.lists(st.tuples(st.floats(-100, 100), st.floats(0.1, 10)), min_size=1, max_size=6),
    st.floats(0, 20),
)
@settings(deadline=None)
def test_a_fit_keeps_distances_and_no_small_step_makes_it_better(points, distance):
    wanted = [at for at, _ in points]
    weights = [weight for _, weight in points]
    apart = [i * distance for i in range(len(points))]
    places = fit(wanted, weights, apart)

    def cost(candidate):
        return sum(w * (c - p) ** 2 for c, p, w in zip(candidate, wanted, weights, strict=True))

    assert all(b - a >= distance - 1e-6 for a, b in pairwise(places))
    for first in range(len(places)):
        for last in range(first + 1, len(places) + 1):
            for step in (-0.01, 0.01):  # the problem is convex: a block that could move would
                moved = [p + step * (first <= i < last) for i, p in enumerate(places)]
                if all(b - a >= distance for a, b in pairwise(moved)):
                    assert cost(moved) >= cost(places) - 1e-6


def test_many_boxes_with_the_same_links_stand_in_a_grid_with_one_link_for_all():
    count = STACK + 1
    boxes = [Box(id=name, kind="transform") for name in ("a", *map(str, range(count)), "z")]
    links = [Link("a", str(i)) for i in range(count)] + [Link(str(i), "z") for i in range(count)]
    together, fewer = stacked(Diagram("d", tuple(boxes), tuple(links)))
    assert [box.kind for box in together] == ["transform", "stack", "transform"]
    assert len(fewer) == 2
    apart, all_links = stacked(Diagram("d", tuple(boxes[1:]), tuple(links[1:-1])))
    assert len(all_links) == 2 * (count - 1)
    assert not any(box.kind == "stack" for box in apart[:1])


def test_links_beyond_the_budget_of_bends_are_drawn_without(monkeypatch):
    monkeypatch.setattr(layers, "MOST_BENDS", 3)
    ids = ["a", "b", "c", "d"]
    links = [Link(a, b) for a, b in pairwise(ids)] + [Link("a", "c"), Link("a", "d", "far")]
    made = layers_of(dict.fromkeys(ids, 10.0), links, {"far": 20.0})
    lengths = {(link.source, link.target): len(chain) for link, chain in made.chains}
    assert lengths == {("a", "b"): 3, ("b", "c"): 2, ("c", "d"): 2, ("a", "c"): 4, ("a", "d"): 3}
