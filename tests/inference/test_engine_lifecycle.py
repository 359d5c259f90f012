"""Starting, stopping and failing: what an engine does about threads that wait, and who hears of what."""

import asyncio
import threading

import pytest
import reactivex
from reactivex import operators
from reactivex.scheduler import EventLoopScheduler
from reactivex.subject import Subject

from reactivepgm import (
    Bernoulli,
    Beta,
    DataError,
    EngineError,
    InvalidParameterError,
    ThreadError,
    infer_online,
    latest,
    model,
    observe_on,
    queue,
    resume,
)

LONG = 30.0
"""Seconds after which a test that hangs fails."""


@model
def coin(flip, a, b):
    p = ~Beta(a=a, b=b)
    flip[...] = ~Bernoulli(p)


def engine_on(stream, **options):
    return infer_online(coin(a=1.0, b=1.0), stream, autoupdates=lambda q: {"a": q["p"].a, "b": q["p"].b}, **options)


def followed(engine):
    """Posteriors, the error or the end, as one subscriber sees them."""
    seen = []
    engine.posteriors["p"].subscribe(seen.append, seen.append, lambda: seen.append("end"))
    return seen


def in_thread(function):
    """Run a function in a thread of its own; raise what it raised."""
    outcome = []

    def run():
        try:
            outcome.append((function(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(LONG)
    assert outcome, "it hangs"
    if outcome[0][1] is not None:
        raise outcome[0][1]
    return outcome[0][0]


# -- nothing hangs


def test_stop_does_not_wait_for_a_generator_that_waits():
    gate, waiting, gone = threading.Event(), threading.Event(), threading.Event()

    def readings():
        try:
            yield 1.0
            waiting.set()
            gate.wait(LONG)
            yield 0.0
        finally:
            gone.set()

    engine = engine_on(readings())
    seen = followed(engine)
    engine.start()
    assert waiting.wait(LONG)
    in_thread(engine.stop)
    assert seen == [Beta(2.0, 1.0), "end"]
    gate.set()
    assert gone.wait(LONG)
    assert engine.unread == [0.0]
    assert engine.count == 1


def test_leaving_with_does_not_wait_for_an_empty_queue():
    inbox = queue(1)
    engine = engine_on(inbox)
    seen = followed(engine)
    with engine:
        engine.start()
    assert seen == ["end"]
    with pytest.raises(DataError, match="nobody takes observations any more, 0 wait: the engine was stopped"):
        inbox.put(1.0)


@pytest.mark.parametrize("wrap", [lambda inbox: inbox, lambda inbox: (flip for flip in inbox)], ids=["queue", "generator"])
def test_a_producer_does_not_wait_for_an_engine_that_failed(wrap):
    inbox = queue(1)
    engine = engine_on(wrap(inbox))
    errors = []
    engine.posteriors["p"].subscribe(print, errors.append)
    engine.start()

    def produce():
        for _ in range(1000):
            inbox.put(7.0)

    with pytest.raises(DataError, match=r"nobody takes|left off"):
        in_thread(produce)
    assert isinstance(errors[0], InvalidParameterError)


def test_a_task_that_produces_does_not_wait_for_an_engine_that_failed():
    async def main():
        inbox = queue(1)
        engine = engine_on(inbox.aiter())

        async def produce():
            for _ in range(1000):
                await inbox.aput(7.0)

        producer = asyncio.create_task(produce())
        with pytest.raises(InvalidParameterError):
            await asyncio.wait_for(engine.run_async(), LONG)
        with pytest.raises(DataError, match="nobody takes"):
            await asyncio.wait_for(producer, LONG)

    asyncio.run(main())


def test_a_loop_over_a_queue_that_is_left_releases_who_waits_and_may_be_taken_up():
    inbox = queue(1)
    inbox.put(1.0)
    for flip in inbox:
        inbox.put(flip)
        break
    with pytest.raises(DataError, match="whoever took them has left off"):
        in_thread(lambda: inbox.put(0.0))
    inbox.finish()
    assert list(inbox) == [1.0]


# -- stop is heard everywhere


def test_stop_ends_run_and_for_after_the_present_observation():
    for read in (lambda engine: engine.run(), list):
        source = iter([1.0, 1.0, 1.0])
        engine = engine_on(source)
        engine.posteriors["p"].subscribe(lambda belief, engine=engine: engine.stop() if belief.a == 3.0 else None)
        seen = followed(engine)
        read(engine)
        assert seen == [Beta(2.0, 1.0), Beta(3.0, 1.0), "end"]
        assert next(source) == 1.0


def test_stop_in_the_body_of_a_loop():
    engine = engine_on([1.0, 1.0, 1.0])
    for posteriors in engine:
        engine.stop()
        assert posteriors["p"] == Beta(2.0, 1.0)
    assert engine.count == 1


def test_stop_ends_the_waiting_of_an_async_loop():
    async def main():
        closed = []

        async def readings():
            try:
                yield 1.0
                await asyncio.get_running_loop().create_future()
            finally:
                closed.append(True)

        for read in ("loop", "run_async"):
            engine = engine_on(readings())
            seen = followed(engine)

            async def follow(engine=engine):
                return [q["p"] async for q in engine]

            reading = asyncio.create_task(follow() if read == "loop" else engine.run_async())
            while not seen:
                await asyncio.sleep(0)
            engine.stop()
            await asyncio.wait_for(reading, LONG)
            assert seen == [Beta(2.0, 1.0), "end"]
        assert closed == [True, True]

    asyncio.run(main())


def test_stop_by_a_subscriber_lets_the_others_have_the_last_posterior():
    engine = engine_on(None)
    engine.posteriors["p"].subscribe(lambda belief: engine.stop())
    seen = followed(engine)
    engine.observe(1.0)
    assert seen == [Beta(2.0, 1.0), "end"]
    with pytest.raises(EngineError, match="the engine was stopped, and its observables have ended"):
        engine.observe(1.0)


# -- once only


def test_a_stream_is_read_once_and_the_letters_say_so():
    engine = engine_on(queue(1)).start()
    for again in (engine.start, engine.run, lambda: next(iter(engine))):
        with pytest.raises(EngineError, match="reads its datastream already"):
            again()
    engine.stop()
    engine.stop()
    with pytest.raises(EngineError, match=r"start\(\): the engine was stopped.*resume\(path, model"):
        engine.start()
    with pytest.raises(EngineError, match="has read its datastream to the end"):
        engine_on([1.0]).run().run()
    with pytest.raises(EngineError, match="there is nothing to wait for"):
        engine_on([1.0]).join()
    with pytest.raises(DataError, match="gives no observations one by one"):
        engine_on({"flip": 1.0})
    with pytest.raises(DataError, match="gives no observations one by one"):
        engine_on(5)


def test_a_loop_that_is_left_goes_on_in_the_next_one():
    engine = engine_on([1.0, 0.0, 1.0])
    for _ in engine:
        break
    assert [q["p"] for q in engine] == [Beta(2.0, 2.0), Beta(3.0, 2.0)]


# -- errors reach everybody


@pytest.mark.parametrize("how", ["run", "for", "async for", "start", "observable"])
def test_an_error_is_told_to_subscribers_with_its_observation_and_raised(how):
    flips = [1.0, 7.0, 1.0]
    engine = engine_on(reactivex.from_iterable(flips) if how == "observable" else flips)
    seen, other = followed(engine), []
    engine.free_energy.subscribe(print, other.append)

    async def loop():
        async for _ in engine:
            pass

    with pytest.raises(InvalidParameterError) as caught:
        if how == "run":
            engine.run()
        elif how == "for":
            list(engine)
        elif how == "async for":
            asyncio.run(loop())
        else:
            engine.start().join(LONG)
    assert seen == [Beta(2.0, 1.0), caught.value]
    assert other == [caught.value]
    assert caught.value.__notes__ == ["observation 1: {'flip': 7.0}"]
    assert engine.is_over


def test_an_error_of_the_stream_and_of_a_subscriber_are_told_too():
    def broken():
        yield 1.0
        raise OSError("the cable")

    engine = engine_on(broken())
    seen = followed(engine)
    with pytest.raises(OSError, match="cable"):
        engine.run()
    assert str(seen[1]) == "the cable"

    def fail(belief):
        raise ZeroDivisionError

    engine = engine_on([1.0])
    seen = followed(engine)
    engine.posteriors["p"].subscribe(fail)
    with pytest.raises(ZeroDivisionError):
        engine.run()
    assert isinstance(seen[-1], ZeroDivisionError)
    assert seen[-1].__notes__ == ["observation 0: {'flip': 1.0}"]


# -- Observables


def test_join_waits_for_an_observable():
    source = Subject()
    engine = engine_on(source)
    seen = followed(engine)
    engine.start()
    assert not engine.join(0.0)

    def produce():
        for flip in (1.0, 0.0):
            source.on_next(flip)
        source.on_completed()

    thread = threading.Thread(target=produce)
    thread.start()
    assert engine.join(LONG)
    thread.join()
    assert seen == [Beta(2.0, 1.0), Beta(2.0, 2.0), "end"]


@pytest.mark.parametrize("how", ["run", "for", "async for", "run_async"])
def test_an_observable_is_iterated_over(how):
    source = reactivex.of(1.0, 0.0, 1.0).pipe(operators.subscribe_on(EventLoopScheduler()))
    engine = engine_on(source)

    async def loop():
        return [q["p"] async for q in engine]

    if how == "for":
        assert [q["p"] for q in engine] == [Beta(2.0, 1.0), Beta(2.0, 2.0), Beta(3.0, 2.0)]
    elif how == "async for":
        assert asyncio.run(loop()) == [Beta(2.0, 1.0), Beta(2.0, 2.0), Beta(3.0, 2.0)]
    elif how == "run":
        assert engine.run().latest["p"] == Beta(3.0, 2.0)
    else:
        asyncio.run(engine.run_async())
        assert engine.latest["p"] == Beta(3.0, 2.0)


def test_stop_unsubscribes_from_the_observable():
    disposed = []
    source = Subject()
    engine = engine_on(source.pipe(operators.finally_action(lambda: disposed.append(True)))).start()
    source.on_next(1.0)
    engine.stop()
    source.on_next(1.0)
    assert (engine.count, disposed, engine.join()) == (1, [True], True)


def test_an_infinite_observable_in_this_thread_can_be_stopped():
    engine = engine_on(reactivex.repeat_value(1.0))
    engine.posteriors["p"].subscribe(lambda belief: engine.stop() if engine.count == 5 else None)
    engine.start()
    assert engine.count == 5


def test_waiting_for_oneself_is_an_error():
    async def main():
        engine = engine_on(Subject()).start()
        with pytest.raises(EngineError, match=r"await engine\.run_async"):
            engine.join()
        engine.stop()

    asyncio.run(main())


# -- threads


def test_two_threads_that_send_are_told_apart_and_told_how_to_come_over():
    source = Subject()
    engine = engine_on(source)
    seen = followed(engine)
    engine.start()
    source.on_next(1.0)
    in_thread(lambda: source.on_next(1.0))
    with pytest.raises(ThreadError, match=r"observe_on\(scheduler\)"):
        engine.join(LONG)
    assert isinstance(seen[-1], ThreadError)


def test_any_thread_may_subscribe_read_and_unsubscribe_between_observations():
    inbox = queue(4)
    engine = engine_on(inbox, history=3).start()
    totals = []
    failures = []

    def come_and_go():
        try:
            for _ in range(30):
                subscription = engine.posteriors["p"].subscribe(lambda belief: totals.append(belief.a + belief.b))
                engine.free_energy.subscribe(lambda score: None).dispose()
                if engine.count:
                    assert engine.latest["p"].a >= 1.0
                subscription.dispose()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for k in range(400):
        inbox.put(float(k % 2))
    inbox.finish()
    assert engine.join(LONG)
    for thread in threads:
        thread.join(LONG)
    assert not failures
    assert engine.count == 400
    assert engine.latest["p"] == Beta(201.0, 201.0)


def test_another_thread_takes_a_checkpoint_between_observations(tmp_path):
    inbox = queue(4)
    engine = engine_on(inbox).start()
    first = threading.Event()
    engine.posteriors["p"].subscribe(lambda belief: first.set())

    def produce():
        for k in range(300):
            inbox.put(float(k % 2))
        inbox.finish()

    producer = threading.Thread(target=produce)
    producer.start()
    assert first.wait(LONG)
    for _ in range(5):
        engine.checkpoint(tmp_path / "coin")
        later = resume(tmp_path / "coin", coin(a=1.0, b=1.0), autoupdates=lambda q: {"a": q["p"].a, "b": q["p"].b})
        assert later.latest["p"].a + later.latest["p"].b == 2.0 + later.count
    producer.join(LONG)
    assert engine.join(LONG)


def test_what_a_subscriber_observes_comes_after_what_everybody_heard():
    engine = engine_on(None)
    more = iter([0.0, 0.0])
    engine.posteriors["p"].subscribe(lambda belief: [engine.observe(flip) for flip in more])
    seen = followed(engine)
    engine.observe(1.0)
    assert seen == [Beta(2.0, 1.0), Beta(2.0, 2.0), Beta(2.0, 3.0)]


def test_latest_counts_what_it_dropped_for_an_engine():
    inbox = latest()
    for flip in (1.0, 1.0, 0.0):
        inbox.put(flip)
    inbox.finish()
    engine = engine_on(inbox).run()
    assert (engine.count, inbox.dropped) == (1, 2)


def test_observe_on_a_scheduler_makes_one_thread_of_many():
    source = Subject()
    engine = engine_on(source.pipe(observe_on(EventLoopScheduler()))).start()
    for _ in range(3):
        in_thread(lambda: source.on_next(1.0))
    source.on_completed()
    assert engine.join(LONG)
    assert engine.latest["p"] == Beta(4.0, 1.0)
