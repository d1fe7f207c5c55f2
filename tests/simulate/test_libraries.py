from collections import Counter

import numpy as np
import pytest

from berlese.errors import SettingError
from berlese.simulate.libraries import plan_libraries, simulate_pictures

# Table S1 of the paper, typed from the print; the sums are those of its rows.
TOTALS = {"LH": 960, "LL": 306, "GH": 1687, "LH-unknown": 16}
SOME_COUNTS = {
    ("LH", "Staphylinidae"): 463,
    ("LH", "Melyridae"): 5,
    ("LL", "Leiodidae"): 2,
    ("LL", "Curculionidae"): 33,
    ("GH", "Chrysomelidae"): 445,
    ("GH", "Melyridae"): 8,
}
# Out-of-distribution samples, Methods of the paper.
STRANGERS = {
    "Coccinellidae",
    "Elateridae",
    "Endomychidae",
    "Hydrophilidae",
    "Laemophloeidae",
    "Phalacridae",
    "Scarabaeidae",
    "Scydmaeninae",
}


@pytest.fixture(scope="module")
def planned():
    return plan_libraries(1)


def _of(planned, dataset):
    return [each for each in planned if each.dataset == dataset]


def _species(planned, dataset):
    return {each.animal.name for each in _of(planned, dataset)}


def test_counts_are_those_of_table_s1(planned):
    assert Counter(each.dataset for each in planned) == TOTALS
    by_taxon = Counter((each.dataset, each.taxon) for each in planned)
    assert {key: by_taxon[key] for key in SOME_COUNTS} == SOME_COUNTS
    assert all(len({each.taxon for each in _of(planned, name)}) == 12 for name in ("LH", "GH"))


def test_the_unknown_are_two_of_each_of_eight_taxa_that_no_library_holds(planned):
    unknown = Counter(each.taxon for each in planned if not each.known)
    assert unknown == dict.fromkeys(STRANGERS, 2)
    assert not STRANGERS & {each.taxon for each in planned if each.known}


def test_files_are_named_once_each(planned):
    files = [each.file for each in planned]
    assert len(set(files)) == len(files)
    assert "LH/Ptiliidae/0052.jpg" in files


def test_lh_and_ll_share_species_and_gh_has_others(planned):
    lh, ll, gh = (_species(planned, name) for name in ("LH", "LL", "GH"))
    common = {
        name for name, n in Counter(e.animal.name for e in _of(planned, "LH")).items() if n > 9
    }
    assert len(common & ll) > 0.7 * len(common)
    assert not (lh | ll) & gh
    genera = {each.animal.genus for each in _of(planned, "GH")}
    assert not genera & {each.animal.genus for each in _of(planned, "LH")}


def test_lh_and_gh_share_the_microscope(planned):
    setups = {name: {each.setup for each in _of(planned, name)} for name in TOTALS}
    assert setups["LH"] == setups["GH"] == setups["LH-unknown"] == {"stacked"}
    assert setups["LL"] == {"stereoscope"}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_there_are_46_sites_of_litter_and_11_places_of_the_globe(seed):
    planned = plan_libraries(seed)
    litter, globe = ({each.site for each in _of(planned, name)} for name in ("LH", "GH"))
    assert len(litter) == 46
    assert {each.site for each in _of(planned, "LL")} <= litter
    assert len(globe) == 11
    assert not litter & globe


def test_few_species_are_common_and_many_rare(planned):
    rove = Counter(each.animal.name for each in _of(planned, "LH") if each.taxon == "Staphylinidae")
    counts = sorted(rove.values(), reverse=True)
    assert sum(counts[:5]) > 0.4 * sum(counts)
    assert sum(count <= 3 for count in counts) > 5


def test_sites_hold_other_species_than_their_neighbours(planned):
    # Chance that two animals of a taxon are of one species: within a site against between sites.
    rove = [each for each in _of(planned, "LH") if each.taxon == "Staphylinidae"]
    names = np.array([each.animal.name for each in rove])
    sites = np.array([each.site for each in rove])
    same = names[:, None] == names[None, :]
    near = sites[:, None] == sites[None, :]
    apart = ~np.eye(len(rove), dtype=bool)
    assert same[near & apart].mean() > 1.5 * same[~near].mean()


def test_a_larger_plan_holds_the_smaller_one(planned):
    small = plan_libraries(1, scale=0.1)
    assert set(small) <= set(planned)
    assert Counter(each.dataset for each in plan_libraries(1, scale=2.0))["LH"] == 1920
    assert min(Counter((each.dataset, each.taxon) for each in small).values()) == 1


def test_another_seed_is_another_fauna(planned):
    other = plan_libraries(2, scale=0.02)
    assert not {each.animal.species for each in other} & {each.animal.species for each in planned}


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_no_share_is_refused(scale):
    with pytest.raises(SettingError, match="scale"):
        plan_libraries(1, scale=scale)


def test_pictures_do_not_depend_on_processes_or_on_each_other(planned):
    some = planned[::90]
    alone = [pixels for _, pixels in simulate_pictures(1, some)]
    together = [pixels for _, pixels in simulate_pictures(1, some, jobs=2)]
    last = next(simulate_pictures(1, some[-1:]))[1]
    assert len(some) > 30
    for one, two in zip(alone, together, strict=True):
        assert one.tobytes() == two.tobytes()
    assert last.tobytes() == alone[-1].tobytes()


def test_jobs_below_one_are_refused(planned):
    with pytest.raises(SettingError, match="jobs"):
        list(simulate_pictures(1, planned[:1], jobs=0))
