"""Canonical bytes and digests: the same in every process, and for every spelling of a value."""

import enum
import hashlib
import json
import math
import os
import random
import subprocess
import sys
import threading
from collections import OrderedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import value as reference
from support.deep import rounds
from support.values import reordered, texts, values

from goflow._core.canonical import canonical, digest
from goflow._core.value import same
from goflow.errors import NotJson

# Digests that no change of the code may change: entries on disk are found by them.
GOLDEN = [
    (
        "null",
        "2b5b530184da489853d13d87125b297f51c4f6c26725aa7719a45584169f949b",
    ),
    (
        "true",
        "0b3fc23ab3226c3c19067c1b97d58fee74a488d5ab1b4910b3f839a939288dda",
    ),
    (
        "false",
        "87df446d5d9fa3606c37122b527527ba94bdfe099259e6e83415e3ac83bf17df",
    ),
    (
        "0",
        "565567405def13336f0aa4bc4e3db7f2581a1d290300dfebdfd6bd97500846b2",
    ),
    (
        "1",
        "0a962451eda71103ffdc48587dcaf3090f604a34a1a6be65b8669ab205de50f3",
    ),
    (
        "-1",
        "69ca1edb361e110809d551e30bba62382950b8ff1eabd71bd1163c0c6372e33b",
    ),
    (
        "1.0",
        "246d164df051ce40b56456f321d543e612872c9a9298ae30d68750893c47f837",
    ),
    (
        "-0.0",
        "fac527a4fcec3f2c3613a2edf698eb6029d89285767296fbd0b8cef6e4f030b5",
    ),
    (
        "128",
        "fd3752327408ffcb21ba46c4df3e2dd244c4ba2fca659b1f92950e27be819c32",
    ),
    (
        "18446744073709551616",
        "5f33bf8f06ebf7ec7c692bb55c7860cf354d4b0305b213ce8d43383cfa441b76",
    ),
    (
        "-57896044618658097711785492504343953926634992332820282019728792003956564819968",
        "570924e8627549d66c708eb838ff74b6ba66f97fe669160ab6b81722e809cbde",
    ),
    (
        "1.5e300",
        "8106a02d1a42f9b61b4fba898ea7a6b5d687ca8029d75bb03791bf673360f4e2",
    ),
    (
        '""',
        "9fdfe7c64f8220e100264222aff840ca5432aa2ec61ee18d86921b1019681b69",
    ),
    (
        '"a"',
        "81aace307272d7df187d30904a59613a68061b918c44974e9091998783cb28e0",
    ),
    (
        '"Grüße, 世界 🎼"',
        "d36f0622e2449d40142b3e1b277baa004eb5a54ec251f91fce62c0bc709a6cb6",
    ),
    (
        '"\\u0000"',
        "7d35d216776f40dd17be27023e0e10769bcdea8da0b84e1ab168dcb2a69033e9",
    ),
    (
        "[]",
        "dd8b77a116d2a45302298764b8403d00c0247721c043a5ca3458b237f172b648",
    ),
    (
        "[[]]",
        "05e62af7659ca60302ecdc20b2ac4608b1e836e167e5ae263fbf216be9a384b0",
    ),
    (
        "[null, true, 1]",
        "207a457ab0ab8d77b28f299fe627cdb32cd9378ae3181797e5b54f9cb1bf5c63",
    ),
    (
        "{}",
        "7f16444686904d3cf57044b3b104086a8a3702d68af061977c44e2654308a44f",
    ),
    (
        '{"b": 1, "a": {"d": [], "c": "x"}}',
        "be4d2524205a954e735d77ad5dd9c7b022450fe7c63ea7695280ba69d2f35c31",
    ),
    (
        '{"ä": 1, "z": 2, "a": 3, "𝄞": 4, "\\uffff": 5}',
        "060e303a2a0efa24241ae0285e9f52d941477c10302cf5f0c85ea24b8a3124bc",
    ),
    (
        json.dumps({f"field_{at}": f"value {at}" for at in range(60)}),
        "31ff62866e018cb68db6adfc8ac1bcdd5a8af7a4574071aadad604cc2f4fecb1",
    ),
]


class Number(enum.IntEnum):
    ONE = 1


@pytest.mark.parametrize(("text", "expected"), GOLDEN)
def test_digests_are_what_they_always_were(text, expected):
    assert digest(json.loads(text)).hex() == expected


def test_digests_are_the_same_in_another_process_whatever_its_hash_seed():
    script = (
        "import json, sys; from goflow._core.canonical import digest;"
        "print(*[digest(json.loads(text)).hex() for text in json.load(sys.stdin)])"
    )
    for seed in ("0", "1", "random"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            input=json.dumps([text for text, _ in GOLDEN]),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            cwd="/",
        )
        assert done.stdout.split() == [expected for _, expected in GOLDEN]


@given(values, st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_bytes_and_digest_are_those_of_the_plain_twin(value, pick):
    assert canonical(value) == reference.canonical(value)
    assert digest(value) == reference.digest(value)
    assert canonical(reordered(value, pick)) == canonical(value)


@given(values, values)
def test_values_have_the_same_bytes_exactly_when_they_are_the_same(a, b):
    assert (canonical(a) == canonical(b)) == same(a, b)
    assert (canonical([a, b]) == canonical([b, a])) == same(a, b)


@given(st.lists(texts, unique=True, min_size=2, max_size=80))
def test_keys_are_ordered_by_their_utf_8_at_any_number(keys):
    value = dict.fromkeys(keys)
    assert canonical(value) == reference.canonical(value)
    prefixed = {f"a long beginning {key}": None for key in keys}
    assert canonical(prefixed) == reference.canonical(prefixed)


@pytest.mark.parametrize("bits", [0, 1, 7, 8, 15, 16, 31, 62, 63, 64, 65, 127, 128, 256, 4096])
def test_integers_are_exact_at_every_boundary(bits):
    for number in (2**bits - 1, 2**bits, 2**bits + 1, -(2**bits) + 1, -(2**bits), -(2**bits) - 1):
        assert canonical(number) == reference.canonical(number)


def test_strings_of_every_width_and_length():
    for character in ("a", "ä", "€", "𝄞", "\x00", "\x7f", "\x80", "\u07ff", "\u0800", "\uffff"):
        for count in (0, 1, 7, 8, 9, 126, 127, 128, 1000, 17000):
            text = character * count
            assert canonical(text) == reference.canonical(text)
            assert canonical({text: text}) == reference.canonical({text: text})


def test_blake2b_is_that_of_hashlib_at_every_length():
    for length in [*range(0, 400), 1023, 1024, 1025, 100_000]:
        text = "x" * length
        expected = hashlib.blake2b(
            canonical(text), digest_size=32, person=b"goflow value v1\0"
        ).digest()
        assert digest(text) == expected


def test_a_subclass_counts_as_what_it_is_one_of():
    assert digest(OrderedDict(b=Number.ONE, a=[])) == digest({"a": [], "b": 1})


class Text(str):
    def __str__(self):
        return "something else"


def circle():
    value = []
    value.append({"x": value})
    return value


def deep(levels):
    value = None
    for _ in range(levels):
        value = {"k": value}
    return value


BAD = [
    (math.nan, "$ is nan, which is no JSON number", "$"),
    ({"a": [1, math.inf]}, "$.a[1] is inf", "$.a[1]"),
    ([-math.inf], "$[0] is -inf", "$[0]"),
    ({"a": {None: 1}}, "$.a has a key that is no string: None", "$.a"),
    ({"a": "x\ud800"}, "$.a has a string with half a surrogate pair: 'x\\ud800'", "$.a"),
    ({"a": {"\udfff": 1}}, "$.a has a string with half a surrogate pair", "$.a"),
    ({**{str(at): at for at in range(99)}, "\ud800" * 9: 1}, "half a surrogate pair", "$"),
    ([Text("\ud800")], "$[0] has a string with half a surrogate pair: '\\ud800'", "$[0]"),
    ({Text("\udfff"): 1}, "$ has a string with half a surrogate pair: '\\udfff'", "$"),
    ({Text("a"): {1}}, "$.a is of type set", "$.a"),
    ([(1,)], "$[0] is of type tuple", "$[0]"),
    (circle(), "$[0].x contains itself", "$[0].x"),
    (deep(501), "nests deeper than 500 levels", None),
    ({"a": deep(500)}, "nests deeper than 500 levels", None),
]


@pytest.mark.parametrize(("value", "message", "path"), BAD)
@pytest.mark.parametrize("use", [canonical, digest])
def test_what_has_no_canonical_form_is_refused_with_its_place(use, value, message, path):
    with pytest.raises(NotJson) as caught:
        use(value)
    assert message in str(caught.value)
    if path is not None:
        assert caught.value.path == path


def test_five_hundred_levels_are_fine_also_in_a_thread():
    value = deep(500)
    found = []
    thread = threading.Thread(target=lambda: found.append(digest(value)))
    thread.start()
    thread.join()
    data = b"m\x01\x01k" * 500 + b"n"
    assert found == [hashlib.blake2b(data, digest_size=32, person=b"goflow value v1\0").digest()]


def test_a_million_near_identical_inputs_have_different_digests():
    count = rounds(1_000_000)
    seen = {digest({"path": "notes/a.md", "line": at, "wrap": False}) for at in range(count)}
    assert len(seen) == count


def test_large_values_are_written_whole():
    pick = random.Random(1)
    value = {
        f"key {at} {'x' * pick.randrange(60)}": [at, "y" * pick.randrange(300), {"z": at / 7}]
        for at in range(3000)
    }
    assert canonical(value) == reference.canonical(value)
    assert digest(dict(reversed(value.items()))) == reference.digest(value)


def test_threads_may_digest_one_value_at_once():
    value = {f"k{at}": [at, {"x": "y" * at}] for at in range(200)}
    expected, wrong = reference.digest(value), []

    def work():
        for _ in range(50):
            if digest(value) != expected:
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
