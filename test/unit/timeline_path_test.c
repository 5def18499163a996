// links: ctl/facts/timeline_path
/*
 * timeline_path_test.c
 *		Ways through timelines: histories that make no sense, and random trees of
 *		timelines held against a slow model that looks at every segment by itself.
 */
#include "ctl/facts/timeline_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZE	  (UINT64_C(16) << 20)
#define TIMELINES 7
#define SEGMENTS  24
#define ROUNDS	  20000

static void
test_histories(void **state)
{
	static const TimelineSwitch later[] = {{4, SIZE, ""}};
	static const TimelineSwitch twice[] = {{1, SIZE, ""}, {1, 2 * SIZE, ""}};
	WalArchive archive = {.segment_size = SIZE};
	TimelinePath path;

	(void) state;
	assert_true(wal_archive_add_history(&archive, 4, later, 1));
	assert_true(wal_archive_add_history(&archive, 5, twice, 2));
	for (uint32_t timeline = 3; timeline <= 5; timeline++)
	{
		assert_false(timeline_path_init(&path, &archive, timeline));
		timeline_path_done(&path);
	}
	assert_false(timeline_path_init(&path, &archive, 0));
	timeline_path_done(&path);
	assert_true(timeline_path_init(&path, &archive, 1));
	assert_true(timeline_path_has(&path, 1, SIZE));
	assert_false(timeline_path_has(&path, 2, SIZE));
	timeline_path_done(&path);
	wal_archive_done(&archive);
}

/* Repositories have the same WAL, or one of them less; when the last segment came is the later of
 * both times. */
static void
test_last(void **state)
{
	static const WalRange ranges[][3] = {
		{{1, 1, 20, 50}, {1, 1, 20, 60}, {2, 1, 30, 90}},
		{{1, 1, 20, 60}, {1, 1, 20, 50}, {2, 1, 30, 90}},
		{{1, 1, 20, 60}, {1, 1, 19, 70}, {2, 1, 30, 90}},
		{{1, 1, 19, 70}, {2, 1, 30, 90}, {1, 12, 20, 60}},
		/* what verification has emptied */
		{{1, 1, 20, 60}, {1, 26, 25, 99}, {2, 1, 30, 90}},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
	{
		WalArchive archive = {.segment_size = SIZE};
		uint64_t segment;
		int64_t time;

		for (size_t j = 0; j < 3; j++)
			assert_true(wal_archive_add_range(&archive, &ranges[i][j]));
		assert_true(wal_archive_last(&archive, 1, &segment, &time));
		assert_int_equal(segment, 20);
		assert_int_equal(time, 60);
		assert_false(wal_archive_last(&archive, 3, &segment, &time));
		wal_archive_done(&archive);
	}
}

/* PostgreSQL writes them when the target of a recovery is before the last switches of its way. */
static void
test_going_back(void **state)
{
	static const TimelineSwitch entries[] = {
		{1, SIZE, ""}, {2, 5 * SIZE, ""}, {4, 7 * SIZE, ""}, {5, 3 * SIZE, ""}, {6, 9 * SIZE, ""}};
	static const TimelineSwitch first[] = {{1, 2 * SIZE, ""}, {2, SIZE, ""}};
	static const TimelinePart expected[] = {
		{1, 0, SIZE}, {2, SIZE, 3 * SIZE}, {6, 3 * SIZE, 9 * SIZE}, {8, 9 * SIZE, LSN_MAX}};
	WalArchive archive = {.segment_size = SIZE};
	TimelinePath path;

	(void) state;
	assert_true(wal_archive_add_history(&archive, 8, entries, 5));
	assert_true(wal_archive_add_history(&archive, 3, first, 2));
	assert_true(timeline_path_init(&path, &archive, 8));
	assert_int_equal(path.count, 4);
	for (size_t i = 0; i < path.count; i++)
	{
		assert_int_equal(path.parts[i].timeline, expected[i].timeline);
		assert_int_equal(path.parts[i].begin, expected[i].begin);
		assert_true(path.parts[i].end == expected[i].end);
	}
	assert_false(timeline_path_has(&path, 4, 6 * SIZE));
	timeline_path_done(&path);
	assert_true(timeline_path_init(&path, &archive, 3));
	assert_int_equal(path.count, 2);
	assert_true(timeline_path_has(&path, 1, SIZE));
	assert_false(timeline_path_has(&path, 1, SIZE + 1));
	timeline_path_done(&path);
	wal_archive_done(&archive);
}

/* A tree of timelines and the segments there are, in the plainest form. */
typedef struct Model
{
	uint32_t parent[TIMELINES + 1];
	uint64_t fork[TIMELINES + 1];
	bool there[TIMELINES + 1][SEGMENTS];
} Model;

static unsigned seed;

static unsigned
next(unsigned limit)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % limit;
}

static void
make_model(Model *model)
{
	memset(model, 0, sizeof(*model));
	for (uint32_t timeline = 1; timeline <= TIMELINES; timeline++)
	{
		if (timeline > 1)
		{
			uint64_t room;

			model->parent[timeline] = 1 + next(timeline - 1);
			room = SEGMENTS * 4 - model->fork[model->parent[timeline]] / (SIZE / 4);
			/* forks at quarters of a segment: often in the same one, often on its border */
			model->fork[timeline] =
				model->fork[model->parent[timeline]] + next((unsigned) room) * (SIZE / 4);
		}
		for (int segment = 0; segment < SEGMENTS; segment++)
			model->there[timeline][segment] = next(100) < 95;
	}
}

static void
fill_archive(const Model *model, WalArchive *archive)
{
	for (uint32_t timeline = 1; timeline <= TIMELINES; timeline++)
	{
		TimelineSwitch switches[TIMELINES];
		size_t count = 0;
		uint32_t chain[TIMELINES];
		int length = 0;

		for (int segment = 0; segment < SEGMENTS; segment++)
		{
			WalRange range = {timeline, (uint64_t) segment, 0, 0};

			if (!model->there[timeline][segment])
				continue;
			while (segment + 1 < SEGMENTS && model->there[timeline][segment + 1])
				segment++;
			range.last = (uint64_t) segment;
			assert_true(wal_archive_add_range(archive, &range));
		}
		for (uint32_t at = timeline; at > 1; at = model->parent[at])
			chain[length++] = at;
		while (length-- > 0)
			switches[count++] =
				(TimelineSwitch){model->parent[chain[length]], model->fork[chain[length]], ""};
		if (timeline > 1)
			assert_true(wal_archive_add_history(archive, timeline, switches, count));
	}
}

static bool
is_ancestor(const Model *model, uint32_t ancestor, uint32_t timeline, uint64_t lsn)
{
	for (; timeline > ancestor; timeline = model->parent[timeline])
	{
		if (lsn > model->fork[timeline] && model->parent[timeline] == ancestor)
			return false;
	}
	return timeline == ancestor && lsn >= model->fork[ancestor];
}

/*
 * Can this one segment be read on the way to the target? From any timeline of the way that had
 * begun in it or before, but no older one than the newest of those begun before the target.
 */
static bool
is_readable(const Model *model, uint32_t timeline, uint64_t segment, uint64_t target)
{
	for (; timeline >= 1; timeline = model->parent[timeline])
	{
		if (model->fork[timeline] / SIZE > segment)
			continue;
		if (model->there[timeline][segment])
			return true;
		if (timeline == 1 || model->fork[timeline] < target)
			return false;
	}
	return false;
}

static void
check_model(const Model *model, const WalArchive *archive)
{
	uint32_t timeline = 1 + next(TIMELINES);
	uint32_t other = 1 + next(TIMELINES);
	uint64_t lsn = next(SEGMENTS * 8) * (SIZE / 8);
	uint64_t first = next(SEGMENTS);
	uint64_t last = first + next(SEGMENTS - (unsigned) first);
	uint64_t target = last * SIZE + 1 + next(16) * (SIZE / 16);
	uint64_t segment = 0;
	uint64_t wanted = first;
	TimelinePath path;
	bool missing;

	assert_true(timeline_path_init(&path, archive, timeline));
	if (timeline_path_has(&path, other, lsn) != is_ancestor(model, other, timeline, lsn))
		fail_msg("seed %u: timeline %u at %lx on the way to %u", seed, other, (long) lsn, timeline);
	missing = timeline_path_missing(&path, archive, first, last, target, &segment);
	while (wanted <= last && is_readable(model, timeline, wanted, target))
		wanted++;
	if (missing != (wanted <= last) || (missing && segment != wanted))
		fail_msg("seed %u: timeline %u, %d to %d: %d is missing, not %d", seed, timeline,
				 (int) first, (int) last, (int) wanted, missing ? (int) segment : -1);
	timeline_path_done(&path);
}

static void
test_random(void **state)
{
	(void) state;
	seed = 20261124;
	for (int round = 0; round < ROUNDS; round++)
	{
		WalArchive archive = {.segment_size = SIZE};
		Model model;

		make_model(&model);
		fill_archive(&model, &archive);
		for (int i = 0; i < 8; i++)
			check_model(&model, &archive);
		wal_archive_done(&archive);
	}
}

static void
test_remove(void **state)
{
	WalArchive archive = {.segment_size = SIZE};
	WalRange range = {1, 5, 9, 100};
	uint64_t segment;
	int64_t time;

	(void) state;
	assert_true(wal_archive_add_range(&archive, &range));
	assert_true(wal_archive_add_range(&archive, &range));
	for (uint64_t gone = 5; gone <= 9; gone++)
	{
		uint64_t order[] = {7, 5, 9, 6, 8};

		assert_true(wal_archive_remove(&archive, 1, order[gone - 5]));
		assert_false(wal_archive_has(&archive, 1, order[gone - 5]));
		assert_int_equal(wal_archive_last(&archive, 1, &segment, &time), gone < 9);
	}
	wal_archive_done(&archive);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_histories),  cmocka_unit_test(test_last),
		cmocka_unit_test(test_going_back), cmocka_unit_test(test_random),
		cmocka_unit_test(test_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
