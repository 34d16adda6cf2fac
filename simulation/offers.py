"""Customers, offers and contacts by lot whose true effects are known, customer by customer.

Belongs here: what decisions are tested against: true effects, past contacts with a hold-out, tonight's candidates. Does
not: the simulated shop (`retailer`), whose files stay what they are.

Every customer has a taste for each offer, a habit of buying and a sensitivity. The chance to buy an offer's product
without being addressed rises with habit and taste; what addressing adds is largest for those who hesitate (a taste in
the middle, a recent last purchase), nothing for those who buy anyway, and below nothing for a few who feel pestered.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from simulation.randomness import Flags, Floats, Ints, stream

CHANNELS = ("e-mail", "letter", "call")
COSTS = (5, 60, 150)
REGIONS = ("north", "south", "east", "west")
ANNOYED_SHARE = 0.08
BASE_MARGIN = 900
MOST_EFFECT = 0.35
OLD = 70


@dataclass(frozen=True)
class SimulatedOffers:
    """Past contacts and tonight's customers, with the truth.

    Attributes:
        past: `customer_id`, the features, `arm` (0: held out, else the offer's number from 1), `propensity` (of the arm
            that was drawn), `margin` (minor units, after discount, within the window), `bought` (0 or 1).
        tonight: `customer_id` and the features of other customers.
        true_effect: what addressing each of tonight's customers with each offer adds to the margin (minor units,
            discounts paid), before its cost, shape (customers, offers).
        bought_anyway: chance to buy without, likewise.
        cost: of a contact by offer, minor units, shape (offers,).
        discount: of a purchase by offer, minor units, shape (offers,).
        channel: of each offer.
    """

    past: pl.DataFrame
    tonight: pl.DataFrame
    true_effect: Floats
    bought_anyway: Floats
    cost: Ints
    discount: Ints
    channel: tuple[str, ...]


def simulate_offers(
    *, past: int, tonight: int, offers: int = 3, hold_out_share: float = 0.3, seed: int = 7
) -> SimulatedOffers:
    """Draw everything; the same arguments give the same.

    Args:
        past: customers contacted (or held out) before.
        tonight: customers to decide about.
        offers: how many, over the three channels in turn.
        hold_out_share: of past customers who were left alone; the others got one offer by lot.
        seed: any integer of at least 0.
    """
    rng = stream(seed, "offers")
    cost = np.array([COSTS[offer % len(COSTS)] for offer in range(offers)], dtype=np.int64)
    discount = np.array([0, 100, 200], dtype=np.int64)[np.arange(offers) % 3]
    strength = np.array([0.6, 1.0, 1.6])[np.arange(offers) % 3] * rng.uniform(0.8, 1.2, offers)
    before = _People.draw(rng, past, offers)
    after = _People.draw(rng, tonight, offers)
    arm = np.where(rng.random(past) < hold_out_share, 0, rng.integers(1, offers + 1, past))
    logged = np.where(arm == 0, hold_out_share, (1 - hold_out_share) / offers)
    margin, bought = before.outcome(rng, arm, strength, discount)
    contacts = before.features("past").with_columns(
        pl.Series("arm", arm),
        pl.Series("propensity", logged),
        pl.Series("margin", margin),
        pl.Series("bought", bought.astype(np.int64)),
    )
    return SimulatedOffers(
        past=contacts,
        tonight=after.features("tonight"),
        true_effect=after.added(strength) * (after.margin[:, None] - discount) - after.anyway() * discount,
        bought_anyway=after.anyway(),
        cost=cost,
        discount=discount,
        channel=tuple(CHANNELS[offer % len(CHANNELS)] for offer in range(offers)),
    )


@dataclass(frozen=True)
class _People:
    """Traits, a row a customer; tastes have shape (customers, offers)."""

    habit: Floats
    taste: Floats
    recency: Floats
    margin: Floats
    age: Ints
    region: Ints
    annoyed: Flags

    @classmethod
    def draw(cls, rng: np.random.Generator, count: int, offers: int) -> "_People":
        """Draw traits."""
        return cls(
            habit=rng.gamma(2.0, 0.5, count),
            taste=rng.beta(1.5, 2.5, (count, offers)),
            recency=rng.gamma(1.3, 60.0, count),
            margin=BASE_MARGIN * rng.lognormal(-0.18, 0.6, count),
            age=rng.integers(18, 85, count),
            region=rng.integers(0, len(REGIONS), count),
            annoyed=rng.random(count) < ANNOYED_SHARE,
        )

    def anyway(self) -> Floats:
        """Chance to buy each offer's product without being addressed, shape (customers, offers)."""
        score = -5.0 + 1.1 * self.habit[:, None] + 3.0 * self.taste - 0.006 * self.recency[:, None]
        return np.asarray(1 / (1 + np.exp(-score)))

    def added(self, strength: Floats) -> Floats:
        """What addressing adds to that chance, shape (customers, offers)."""
        hesitant = np.exp(-(((self.taste - 0.55) / 0.2) ** 2)) * np.exp(-self.recency / 150)[:, None]
        open_to_it = np.clip(1 - 2.5 * self.anyway(), 0.0, 1.0)
        added = MOST_EFFECT * strength * hesitant * (0.3 + open_to_it)
        pestered = np.where(self.age >= OLD, -0.01, -0.002)[:, None]
        return np.asarray(np.clip(np.where(self.annoyed[:, None], pestered, added), -self.anyway(), 1 - self.anyway()))

    def outcome(self, rng: np.random.Generator, arm: Ints, strength: Floats, discount: Ints) -> tuple[Floats, Flags]:
        """Margin and whether they bought, of whoever got `arm`; the products of other offers are bought as ever."""
        chance = self.anyway()
        rows = np.flatnonzero(arm > 0)
        offer = arm[rows] - 1
        chance[rows, offer] += self.added(strength)[rows, offer]
        buys = rng.random(chance.shape) < chance
        paid = np.zeros(chance.shape)
        paid[rows, offer] = discount[offer]
        margin = (buys * (self.margin[:, None] - paid)).sum(axis=1)
        return np.round(margin), np.asarray(buys.any(axis=1))

    def features(self, name: str) -> pl.DataFrame:
        """What the company knows: habits and tastes as noisy counts of past purchases."""
        counts = {
            f"purchases_of_{place + 1}": np.round(12 * self.taste[:, place], 0) for place in range(self.taste.shape[1])
        }
        return pl.DataFrame(
            {
                "customer_id": [f"{name}-{number:07d}" for number in range(len(self.habit))],
                "orders_a_year": np.round(6 * self.habit),
                "days_since_last_order": np.round(self.recency),
                "margin_an_order": np.round(self.margin),
                "age_years": self.age.astype(np.float64),
                "region": [REGIONS[place] for place in self.region.tolist()],
                **counts,
            }
        )
