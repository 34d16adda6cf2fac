"""Laws of loads that bring only news: whatever the order of arrival, and whatever comes later."""

from datetime import UTC, datetime, timedelta

import daily
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from data_contracts.orders import known_before

Company, day, line = daily.Company, daily.day, daily.line


@st.composite
def days_of_orders(draw):
    """Order lines by day: their customers, moments and amounts; keys are distinct."""
    number = 0
    files = []
    for on in range(1, draw(st.integers(2, 3)) + 1):
        lines = []
        for _ in range(draw(st.integers(1, 4))):
            number += 1
            customer, hour, amount = draw(st.sampled_from("abc")), draw(st.integers(0, 22)), draw(st.integers(1, 9))
            lines.append(line(str(number), customer, f"2024-05-0{on} {hour:02}:00:00", f"{amount}.00"))
        files.append(lines)
    return files


def loaded_one_by_one(folder, files, order=None):
    company = Company(folder)
    for number, which in enumerate(order or range(len(files))):
        company.write(f"{which}.csv", *files[which])
        company.load(day(len(files) + 1 if order else which + 2, hour=number + 1))
    return company


def content(frame, *without):
    return frame.drop("load_id", *without).sort("order_id")


@settings(max_examples=3)
@given(days_of_orders(), st.randoms(use_true_random=False))
def test_laws_of_arrival(tmp_path_factory, files, random):
    """One by one, all at once, shuffled, replayed: the same rows; the order of arrival moves `known_at` only.

    And what a load brings late, or corrects, changes nothing as of a date before it.
    """
    one_by_one = loaded_one_by_one(tmp_path_factory.mktemp("one"), files)
    at_once = Company(tmp_path_factory.mktemp("all"))
    for number, lines in enumerate(files):
        at_once.write(f"{number}.csv", *random.sample(lines, len(lines)))
    at_once.load(day(8))
    assert_frame_equal(content(one_by_one.current()), content(at_once.current()))

    backwards = loaded_one_by_one(tmp_path_factory.mktemp("back"), files, order=list(reversed(range(len(files)))))
    assert_frame_equal(content(backwards.current(), "known_at"), content(at_once.current(), "known_at"))
    late = backwards.current().filter(pl.col("known_at") > pl.col("ordered_at"))
    assert set(late["order_id"]) == {told.split(",")[0] for lines in files[:-1] for told in lines}

    before = one_by_one.core()
    replayed = random.choice(range(len(files)))
    one_by_one.write("replayed.csv", *reversed(files[replayed]))
    one_by_one.load(day(9))
    assert_frame_equal(one_by_one.core(), before)
    earlier_pictures_do_not_move(one_by_one, files, random)


def earlier_pictures_do_not_move(company, files, random):
    corrected = [told.rsplit(",", 1)[0] + ",77.00" for lines in files for told in lines if random.choice([True, False])]
    instants = [datetime(2024, 5, on, tzinfo=UTC) - timedelta(hours=1) for on in range(1, 11)]
    before = [known_before(company.core().lazy(), instant).collect() for instant in instants]
    company.write("later.csv", *corrected, line("late", placed="2024-05-01 05:00:00"))
    company.load(day(10))
    columns = ["order_id", "amount", "known_at", "load_id"]
    pictures = [known_before(company.core().lazy(), instant).collect() for instant in instants]
    for rows, after in zip(before[:-1], pictures[:-1], strict=True):
        assert_frame_equal(after.select(columns).sort(columns), rows.select(columns).sort(columns))
    tonight = pictures[-1]
    assert tonight.filter(pl.col("amount") == 7700).height == len(corrected)
    assert "late" in tonight["order_id"].to_list()
