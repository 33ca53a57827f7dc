"""The text form: what is written is read back, and what is wrong is named."""

import pytest
from hypothesis import given, strategies as st

import tamecrop as tc
from references.policies import EVERY
from tamecrop.geometry import borders, centers, extents, pairs, regions, roundings
from tamecrop.geometry.policy import Policy, policy
from tamecrop.geometry.presets import PRESETS

POSITIVE = st.floats(1e-6, 1e6)
SHARE = st.floats(1e-6, 1)
UNIT = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted).map(tuple)
AREAS = st.tuples(SHARE, SHARE).map(sorted).map(tuple)
RATIOS = st.tuples(POSITIVE, POSITIVE).map(sorted).map(tuple)
APART = st.tuples(st.floats(0.01, 0.5), st.floats(1.2, 2)).map(lambda s: (s[0], s[0] * s[1]))

EXTENTS = st.one_of(
    st.builds(extents.FixedArea, SHARE),
    st.builds(extents.RandomArea, AREAS, RATIOS),
    st.builds(extents.JointAreas, APART, RATIOS),
)
MEANS = st.one_of(st.sampled_from(["center", "given"]), UNIT)
CENTERS = st.one_of(
    st.just(centers.Uniform()),
    st.builds(centers.PaddedUniform, POSITIVE),
    st.builds(centers.Gaussian, sigma=POSITIVE, mean=MEANS),
    st.builds(centers.Gaussian, alpha=POSITIVE, mean=MEANS),
    st.builds(centers.Beta, st.floats(0.01, 100), st.one_of(st.just("given"), UNIT)),
)
BORDERS = st.sampled_from([kind() for kind in borders.BORDERS.values()])
PAIRS = st.one_of(st.just(pairs.Independent()), st.builds(pairs.IouBand, UNIT, st.integers(1, 99)))
REGIONS = st.one_of(st.just(regions.WholeImage()), st.builds(regions.ObjectBox, UNIT))
POLICIES = st.builds(
    Policy,
    EXTENTS,
    CENTERS,
    BORDERS,
    PAIRS,
    st.sampled_from([*roundings.ROUNDINGS.values()]),
    st.sampled_from(sorted(PRESETS)),
    REGIONS,
)


def parts(law):
    return law.extent, law.center, law.border, law.pair, law.rounding, law.region


@pytest.mark.parametrize("text", [*PRESETS, *EVERY])
def test_a_law_survives_the_round_trip(text):
    law = policy(text)
    assert policy(str(law)) == law
    assert str(policy(str(law))) == str(law)


@given(POLICIES)
def test_any_composition_survives_the_round_trip(law):
    assert parts(policy(str(law))) == parts(law)


def test_the_round_trip_tells_laws_apart():
    assert policy("gcc:scale=0.4") != policy("gcc:scale=0.41")
    assert policy("gcc:alpha=1.5") != policy("gcc:sigma=1.5")
    assert len({str(policy(text)) for text in EVERY}) == len(EVERY)


@pytest.mark.parametrize(
    ("loose", "text"),
    [
        (" gcc : scale=0.4 , alpha = 1.5 ", "gcc:scale=0.4,alpha=1.5"),
        ("gcc:", "gcc"),
        ("gcc:scale=2/5,alpha=3/2", "gcc:scale=0.4,alpha=1.5"),
        ("rrc:ratio=3/4..4/3", "rrc"),
        ("rrc:scale=2e-1..1", "rrc:scale=0.2..1"),
        ("crop:extent=random", "rrc"),
        ("mgcc:border=clamp", "cmgcc"),
    ],
)
def test_spellings_of_one_law(loose, text):
    assert policy(loose.replace("gcc :", "gcc:")) == policy(text)


def test_a_policy_passes_through():
    law = policy("gcc")
    assert policy(law) is law
    assert repr(law) == f"Policy({str(law)!r})"


def test_the_presets_default_to_the_paper():
    assert str(policy("gcc")) == "gcc:scale=0.4,sigma=0.2165"
    assert str(policy("gcc:scale=0.8,alpha=2")) == "gcc:scale=0.8,alpha=2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gc", "unknown crop policy 'gc': did you mean 'gcc'"),
        ("rcc:scale=0.4", "unknown crop policy 'rcc': did you mean"),
        ("gcc:sclae=0.4", "unknown key of a crop policy 'sclae': did you mean 'scale'"),
        ("gcc:border=clmap", "unknown border 'clmap': did you mean 'clamp'"),
        ("gcc:extent=fixd", "unknown extent 'fixd': did you mean 'fixed'"),
        ("gcc:rounding=faithfull", "unknown rounding 'faithfull': did you mean 'faithful'"),
        ("gcc:pair=sharde", "unknown pair 'sharde': did you mean 'shared'"),
        ("gcc:center=gausian", "unknown center 'gausian': did you mean 'gaussian'"),
        ("swav", "one crop policy is asked for, and 'swav' is a view plan"),
        ("2x rrc", "one crop policy is asked for, and '2x rrc' is a view plan"),
        ("2 x rrc", "'2 x rrc' is a view plan"),
        ("rrc@24", "'rrc@24' is a view plan"),
        ("2of4x rrc", "'2of4x rrc' is a view plan"),
        ("rrc:scale=0.2..1 @24", "'rrc:scale=0.2..1 @24' is a view plan"),
        ("rrc + gcc", r"'rrc \+ gcc' is a view plan"),
        ("zzzzzz", "unknown crop policy 'zzzzzz': known are cast, ccrop"),
        ("gcc:scale", r"name:key=value,\.\.\., got 'scale'"),
        ("gcc:scale=", r"name:key=value,\.\.\., got 'scale='"),
        ("gcc:scale=0.4,scale=0.5", "`scale` must be given once, got it twice"),
        ("gcc:padding=0.2", "`padding` has no meaning in 'gcc:padding=0.2', which has extent=fix"),
        ("gcc:scale=0.4.5", r"a number or a range low\.\.high, got 'scale=0.4.5'"),
        ("gcc:scale=1/0", r"a number or a range low\.\.high, got 'scale=1/0'"),
        ("mgcc:mean=center..1", r"a number or a range low\.\.high, got 'mean=center\.\.1'"),
    ],
)
def test_a_wrong_text_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        policy(text)


@pytest.mark.parametrize("law", [None, 3, 0.4, ["gcc"], b"gcc"])
def test_only_a_text_or_a_policy(law):
    with pytest.raises(TypeError, match=r"`policy` must be a text or a Policy, got "):
        policy(law)


def test_thirds_are_printed_as_fractions_and_read_back():
    law = tc.policy("cgcc:extent=random,scale=0.2..1,ratio=3/4..4/3")
    assert "ratio=0.75..4/3" in str(law)
    assert tc.policy(str(law)) == law
    assert str(tc.policy("rc_pad:padding=5/16,scale=0.8")) == "rc_pad:scale=0.8,padding=0.3125"
