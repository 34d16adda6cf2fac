"""The departments of the simulated shop: what it sells, by whom, at what price and margin.

Belongs here: constants only. How they become products is in `assortment.py`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Department:
    """One category of the shop.

    Attributes:
        code: the start of its product numbers.
        name: the category's name.
        nouns: what is sold.
        variants: kinds of each.
        makers: brands.
        median_price: median list price, minor units.
        cost_share: purchase cost as a share of the list price.
        share_of_demand: relative popularity.
        extra_units: how many units beyond the first a line tends to carry, relative to other departments.
        return_factor: how often its lines come back, relative to other departments.
        partner: code of the department whose products complement its own.
    """

    code: str
    name: str
    nouns: tuple[str, ...]
    variants: tuple[str, ...]
    makers: tuple[str, ...]
    median_price: int
    cost_share: float
    share_of_demand: float
    extra_units: float
    return_factor: float
    partner: str


DEPARTMENTS: tuple[Department, ...] = (
    Department(
        "COF", "Coffee & Tea",
        ("Filter Coffee 500 g", "Espresso Beans 1 kg", "Decaf Beans 500 g", "Green Tea 100 g", "Earl Grey 200 g",
         "Herbal Infusion 20 Bags", "Chai Blend 250 g", "Cocoa Powder 300 g"),
        ("House", "Organic", "Highland", "Single Estate", "Breakfast", "Dark", "Mild", "Reserve"),
        ("Alder & Finch", "Morrow Roasters", "Teahouse No. 9", "Kestrel"),
        890, 0.55, 1.6, 1.4, 0.2, "TAB",
    ),
    Department(
        "BAK", "Flour & Baking",
        ("Wheat Flour 1 kg", "Rye Flour 1 kg", "Spelt Flour 1 kg", "Bread Mix 750 g", "Cake Mix 500 g",
         "Dried Yeast 6 Sachets", "Baking Chocolate 200 g", "Sourdough Starter 150 g"),
        ("Stoneground", "Organic", "Fine", "Wholemeal", "Strong", "Country", "Golden", "Heritage"),
        ("Old Weir Mill", "Harrow Farm", "Golden Sheaf", "Dunmore"),
        420, 0.62, 1.4, 1.8, 0.15, "KIT",
    ),
    Department(
        "PAN", "Pantry",
        ("Olive Oil 500 ml", "Wildflower Honey 340 g", "Tomato Passata 680 g", "Basmati Rice 1 kg", "Penne 500 g",
         "Strawberry Jam 340 g", "Wholegrain Mustard 200 g", "Sea Salt 250 g"),
        ("Everyday", "Organic", "Extra Fine", "Farmhouse", "Smoked", "Classic", "Mountain", "Select"),
        ("Harrow Farm", "Costa Brava", "Pennywort", "Dunmore"),
        560, 0.60, 1.5, 1.6, 0.15, "BAK",
    ),
    Department(
        "WIN", "Wine & Cordials",
        ("Riesling 75 cl", "Pinot Noir 75 cl", "Merlot 75 cl", "Sparkling Brut 75 cl", "Elderflower Cordial 50 cl",
         "Apple Cider 6 x 33 cl", "Port 50 cl", "Alcohol-free White 75 cl"),
        ("Valley", "Reserve", "Old Vines", "Estate", "Summer", "Cellar", "Hillside", "Classic"),
        ("Château Lunel", "Bramley Press", "Weingut Stein", "Kestrel"),
        1190, 0.58, 1.0, 1.5, 0.2, "TAB",
    ),
    Department(
        "KIT", "Kitchenware",
        ("Chef's Knife", "Saucepan 20 cm", "Frying Pan 28 cm", "Mixing Bowl 3 l", "Rolling Pin", "Bread Tin",
         "Kitchen Scale", "Pepper Mill"),
        ("Steel", "Cast Iron", "Oak", "Enamel", "Copper", "Non-stick", "Professional", "Compact"),
        ("Ironbridge", "Nordlys", "Casa Lenta", "Brightwell"),
        2790, 0.50, 0.9, 0.3, 1.0, "BAK",
    ),
    Department(
        "TAB", "Tableware",
        ("Mug", "Espresso Cup", "Teapot", "Dinner Plate", "Wine Glass", "Carafe", "Serving Dish", "Cutlery Set"),
        ("Stoneware", "Porcelain", "Speckled", "Blue Rim", "White", "Hand-thrown", "Smoked Glass", "Classic"),
        ("Nordlys", "Brightwell", "Casa Lenta", "Tidewater Pottery"),
        1490, 0.48, 1.0, 1.2, 1.1, "COF",
    ),
    Department(
        "TEX", "Home Textiles",
        ("Bath Towel", "Tea Towel", "Cushion Cover", "Throw", "Duvet Cover", "Table Runner", "Apron", "Curtain"),
        ("Linen", "Cotton", "Wool", "Striped", "Waffle", "Organic", "Checked", "Washed"),
        ("Loom & Lane", "Nordlys", "Casa Lenta", "Fernhill"),
        2990, 0.45, 0.8, 0.4, 2.2, "BTH",
    ),
    Department(
        "GAR", "Garden",
        ("Watering Can", "Trowel", "Seed Box", "Plant Pot", "Pruning Shears", "Potting Soil 20 l", "Bird Feeder",
         "Garden Gloves"),
        ("Galvanised", "Terracotta", "Ash-handled", "Heirloom", "Peat-free", "Small", "Large", "Classic"),
        ("Fernhill", "Spade & Sparrow", "Ironbridge", "Greenacre"),
        1690, 0.52, 0.8, 0.7, 0.9, "PET",
    ),
    Department(
        "STA", "Stationery",
        ("Notebook A5", "Fountain Pen", "Pencil Set", "Greeting Cards 10", "Wrapping Paper", "Desk Calendar",
         "Washi Tape", "Envelopes 25"),
        ("Dotted", "Lined", "Recycled", "Botanical", "Leather", "Pastel", "Midnight", "Studio"),
        ("Paper & Plume", "Inkwell Works", "Kestrel", "Studio Ampersand"),
        790, 0.42, 1.0, 1.0, 0.6, "TOY",
    ),
    Department(
        "TOY", "Toys & Games",
        ("Puzzle 500 Pieces", "Building Blocks", "Soft Rabbit", "Card Game", "Board Game", "Wooden Train",
         "Spinning Top", "Craft Kit"),
        ("Forest", "Ocean", "City", "Classic", "Travel", "Rainbow", "Farm", "Space"),
        ("Bumble & Co", "Holzweg", "Little Lantern", "Studio Ampersand"),
        2190, 0.50, 0.8, 0.3, 1.2, "STA",
    ),
    Department(
        "BTH", "Bath & Body",
        ("Hand Soap 300 ml", "Bar Soap", "Shampoo 250 ml", "Body Lotion 200 ml", "Bath Salts 400 g", "Lip Balm",
         "Hand Cream 75 ml", "Shower Oil 200 ml"),
        ("Lavender", "Citrus", "Oat", "Rose", "Unscented", "Sea Kelp", "Rosemary", "Almond"),
        ("Fernhill", "Pennywort", "Still Water", "Saponaria"),
        990, 0.46, 1.2, 1.1, 0.5, "TEX",
    ),
    Department(
        "PET", "Pet Supplies",
        ("Dry Dog Food 2 kg", "Dry Cat Food 2 kg", "Cat Treats 60 g", "Dog Chews 10", "Cat Litter 10 l", "Dog Lead",
         "Pet Blanket", "Food Bowl"),
        ("Chicken", "Salmon", "Grain-free", "Senior", "Puppy & Kitten", "Sensitive", "Classic", "Organic"),
        ("Tailwag", "Whisker & Sons", "Greenacre", "Harrow Farm"),
        1390, 0.60, 1.0, 1.0, 0.4, "GAR",
    ),
)  # fmt: skip

DEPARTMENT_NAMES: tuple[str, ...] = tuple(department.name for department in DEPARTMENTS)
DEPARTMENT_CODES: tuple[str, ...] = tuple(department.code for department in DEPARTMENTS)
