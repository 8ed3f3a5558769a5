"""What tests of one module share."""

from pathlib import Path

import pytest

from tests.fakes.campaign_tree import CampaignTree


@pytest.fixture
def tree(tmp_path: Path) -> CampaignTree:
    """Return a small campaign on disk, all of it in order."""
    return CampaignTree(tmp_path)
