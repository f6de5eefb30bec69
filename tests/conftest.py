"One folder of models and caches for the whole session: what several notebooks need is pre-trained once, and nothing of the user's is touched."
import pytest


def pytest_addoption(parser):
    parser.addoption("--examples", type=int, default=200, help="how many drawn examples each oracle sees (tests/oracles)")
    parser.addoption("--kills", type=int, default=20, help="how often a run is killed (tests/test_faults.py); 200 for a night")


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLMNB_HOME", str(tmp_path_factory.mktemp("plmnb-home")))
        yield
