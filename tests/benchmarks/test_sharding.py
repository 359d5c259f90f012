"""The estimate's measurements at a small size: sharded iterations are checked, counted and weighed. Nothing is timed."""

from concurrent.futures import ThreadPoolExecutor

from benchmarks.sharding import cases, checked, measured


def test_rounds_and_bytes_do_not_depend_on_the_rows():
    with ThreadPoolExecutor(1) as pool:
        for few, many in zip(cases(600), cases(2400), strict=True):
            checked(few, pool)
            one, other = measured(few, 600, pool), measured(many, 2400, pool)
            assert one.rounds == other.rounds == (3 if "mixture" in few.name else 2)
            assert abs(one.bytes - other.bytes) < 100
            assert other.shipped < one.shipped
