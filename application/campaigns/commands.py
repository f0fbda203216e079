"""Everything that can be done with campaigns."""

from dataclasses import dataclass

from application.campaigns.change_campaign import ChangeCampaign
from application.campaigns.define_campaign import DefineCampaign
from application.campaigns.ports import Campaigns
from application.campaigns.show_campaign import ShowCampaign


@dataclass(frozen=True, slots=True)
class CampaignCommands:
    """Definitions and their way, what gets in their way, and how they go."""

    definitions: Campaigns
    define: DefineCampaign
    change: ChangeCampaign
    show: ShowCampaign
