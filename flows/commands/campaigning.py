"""The command that shows what campaigns cost and what they caused."""

from flows.commands.options import Config, Json
from flows.commands.outcome import command, print_json


@command
def campaigns(config: Config = None, *, as_json: Json = False) -> None:
    """What each campaign cost, and what it caused: orders, sales and margin beyond what would have been bought anyway.

    By customers held out by lot where there are such (with a 95 % interval, and how many had to be held out), else by
    like customers who were not contacted, labelled so, and refused where there are none. The table is
    segments.campaign_ledger.
    """
    from flows.nights.campaign_reporting import print_campaigns, read_campaigns
    from flows.opening import open_context

    found = read_campaigns(open_context(config))
    if as_json:
        print_json(found)
    else:
        print_campaigns(found)
