"""User ids resolve to random subjects, each made once, whoever creates it and however many at a time."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

from infrastructure.event_store.subjects import SubjectRef
from infrastructure.postgres.pool import transaction
from tests.infrastructure.event_store.world import World


def test_a_new_user_gets_a_subject_a_key_and_a_timeline(world: World) -> None:
    (ref,) = world.enrol("ann")
    with transaction(world.pool) as connection:
        timeline = connection.execute(
            "select subject_id, due_at, last_instant, stream_version, facts, chain from timelines"
        ).fetchall()
        subject = connection.execute("select subject_id, master_key_id, created_at from subjects").fetchall()
    assert timeline == [(ref.subject_id, None, 0, 0, 0, bytes(32))]
    assert subject == [(ref.subject_id, world.keyring.master_key_id, 1)]


def test_resolving_creates_nothing_and_finds_the_same_subject(world: World) -> None:
    (ann,) = world.enrol("ann")
    with transaction(world.pool) as connection:
        found = world.subjects.resolve(connection, ["ann", "nobody"])
        again = world.subjects.resolve_or_create(connection, ["ann", "bob"], now=2)
    assert found == {"ann": ann} == {"ann": again["ann"]}
    assert again["bob"].subject_id != ann.subject_id
    assert world.count("subjects") == 2


def test_user_ids_of_a_subject(world: World) -> None:
    ann, bob = world.enrol("ann", "bob")
    with transaction(world.pool) as connection:
        connection.execute("insert into user_ids values ('ann-2', %s)", (ann.subject_id,))
        names = world.subjects.user_ids_of(connection, [ann.subject_id, bob.subject_id])
    assert names == {ann.subject_id: ["ann", "ann-2"], bob.subject_id: ["bob"]}


def test_many_sessions_that_create_the_same_users_agree(world: World) -> None:
    def create(seed: int) -> dict[str, SubjectRef]:
        user_ids = [f"user-{number}" for number in range(300)]
        Random(seed).shuffle(user_ids)
        with transaction(world.pool) as connection:
            return world.subjects.resolve_or_create(connection, user_ids, now=seed)

    with ThreadPoolExecutor(8) as threads:
        first, *others = threads.map(create, range(8))
    ids = {user_id: ref.subject_id for user_id, ref in first.items()}
    assert all({user_id: ref.subject_id for user_id, ref in other.items()} == ids for other in others)
    assert world.count("subjects") == world.count("timelines") == world.count("user_ids") == 300


def test_a_loser_waits_and_takes_over_when_the_winner_rolls_back(world: World) -> None:
    with ThreadPoolExecutor(1) as threads:
        with world.pool.connection() as winner:
            lost = world.subjects.resolve_or_create(winner, ["ann"], now=1)["ann"]
            waiting = threads.submit(world.enrol, "ann")
            with world.pool.connection() as observer:
                observer.autocommit = True
                while not observer.execute("select 1 from pg_locks where not granted").fetchone():
                    assert not waiting.done()
            winner.rollback()
        (found,) = waiting.result(10)
    assert found.subject_id != lost.subject_id
    assert world.count("subjects") == world.count("timelines") == 1
