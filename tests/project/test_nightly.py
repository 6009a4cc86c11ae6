"""The long campaigns: their commands are understood, the workflow has each of them, and what one finds is reported."""

from __future__ import annotations

import re

import pytest

from tests.running import ROOT
from tests.tools import nightly
from tests.tools.handouts import claims
from tests.tools.nightly import Campaign

GOOD = Campaign("good", "ends well", "json.tool --help", "json.tool --help")
BAD = Campaign("bad", "finds something", "json.tool nowhere", "json.tool --help")


@pytest.mark.parametrize("campaign", nightly.CAMPAIGNS, ids=lambda campaign: campaign.name)
def test_commands_of_a_campaign_are_understood(campaign: Campaign) -> None:
    for command in (campaign.command, campaign.quick):
        assert claims.what_is_wrong(f"python -m {command}") == ""


def test_workflow_runs_every_campaign() -> None:
    text = (ROOT / ".github" / "workflows" / "nightly.yml").read_text(encoding="utf-8")
    found = re.search(r"campaign: \[(.*)\]", text)
    assert found is not None
    assert found[1].split(", ") == [campaign.name for campaign in nightly.CAMPAIGNS]


def test_campaigns_run_to_the_end_and_the_table_names_the_one_that_failed(capfd: pytest.CaptureFixture[str]) -> None:
    assert nightly.run([BAD, GOOD], quick=False) == 1
    shown = capfd.readouterr().out
    assert re.search(r"^bad +FAILED with exit code \d .* python -m json\.tool nowhere$", shown, re.MULTILINE)
    assert re.search(r"^good +passed ", shown, re.MULTILINE)
    assert nightly.run([BAD, GOOD], quick=True) == 0


def test_unknown_campaign_is_misuse(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["nightly", "mutants", "no-such"])
    with pytest.raises(SystemExit) as ended:
        nightly.main()
    assert ended.value.code == 2
    assert "there is no campaign 'no-such'; campaigns are mutants, " in capsys.readouterr().err
