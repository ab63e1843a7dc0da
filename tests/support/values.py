"""Generated JSON values, and values that are nearly the same."""

from hypothesis import strategies as st

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
integers = st.one_of(
    st.integers(-3, 300), st.integers(-(2**63) - 3, 2**64), st.integers(-(2**300), 2**300)
)
floats = st.one_of(st.sampled_from([0.0, -0.0, 1.0, 2.0**53]), st.floats(allow_nan=False))
finite = floats.filter(lambda number: abs(number) != float("inf"))
leaves = st.one_of(st.none(), st.booleans(), integers, finite, texts)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(texts, inner, max_size=40)
    ),
    max_leaves=40,
)


def reordered(value, pick):
    """The same value, its keys in another order."""
    if isinstance(value, dict):
        keys = list(value)
        pick.shuffle(keys)
        return {key: reordered(value[key], pick) for key in keys}
    if isinstance(value, list):
        return [reordered(item, pick) for item in value]
    return value
