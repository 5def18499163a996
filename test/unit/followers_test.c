// links: ctl/plan/followers
/*
 * followers_test.c
 *		Which members follow the leader, in a cascade and with a delay, and which get nearer to it.
 */
#include "ctl/plan/followers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MEMBERS 5

static void
add_stream(Follower *upstream, const char *name)
{
	strcpy(upstream->node.streaming[upstream->node.streaming_count++], name);
}

/* A leader, a replica, one below it, one below that, and one that stands alone. */
static void
make_members(Follower *members)
{
	static const char *const names[] = {"leader", "a", "b", "c", "alone"};

	memset(members, 0, MEMBERS * sizeof(*members));
	for (int i = 0; i < MEMBERS; i++)
	{
		members[i].name = names[i];
		members[i].answers = true;
		members[i].node.running = true;
		members[i].node.timeline = 7;
		strcpy(members[i].node.state, "running");
	}
	members[0].node.primary = true;
	add_stream(&members[0], "a");
	add_stream(&members[0], "pg_receivewal");
	add_stream(&members[1], "b");
	add_stream(&members[2], "c");
}

/* "1110": who follows. */
static void
expect(const Follower *members, const char *expected)
{
	bool follows[MEMBERS];

	followers_find(members, MEMBERS, 0, follows);
	for (int i = 0; i < MEMBERS; i++)
	{
		if (follows[i] != (expected[i] == '1'))
			fail_msg("%s of %s: %s", members[i].name, expected,
					 follows[i] ? "follows" : "does not follow");
	}
}

static void
test_follow(void **state)
{
	Follower members[MEMBERS];

	(void) state;
	make_members(members);
	expect(members, "11110");
	/* the link in the middle: what is below it has old data perhaps */
	members[1].node.timeline = 6;
	expect(members, "10000");
	members[1].node.timeline = 0;
	expect(members, "11110");
	members[2].node.running = false;
	expect(members, "11000");
	make_members(members);
	members[1].answers = false;
	expect(members, "10000");
	/* two that stream from each other have no leader */
	make_members(members);
	add_stream(&members[4], "b");
	add_stream(&members[2], "alone");
	members[1].node.streaming_count = 0;
	expect(members, "11000");
	/* behind by design: it is no reason not to end */
	make_members(members);
	members[4].delay = 3600000;
	members[4].node.timeline = 6;
	expect(members, "11111");
	members[4].node.running = false;
	expect(members, "11110");
	members[4].node.running = members[4].node.primary = true;
	expect(members, "11110");
}

static bool
moves(Follower *member, const char *text, uint64_t replayed)
{
	snprintf(member->node.state, sizeof(member->node.state), "%s", text);
	member->node.running = strcmp(text, "running") == 0;
	member->node.replayed = replayed;
	return follower_moves(member);
}

static void
test_moves(void **state)
{
	Follower member = {.name = "a", .answers = true};

	(void) state;
	assert_false(moves(&member, "stopped", 0));
	/* recovery up to where it is consistent may take long */
	assert_true(moves(&member, "starting", 0));
	assert_true(moves(&member, "starting", 0));
	assert_true(moves(&member, "running", 100));
	assert_false(moves(&member, "running", 100));
	assert_true(moves(&member, "running", 101));
	/* again and again */
	assert_false(moves(&member, "start failed", 0));
	assert_false(moves(&member, "starting", 0));
	assert_false(moves(&member, "crashed", 0));
	assert_false(moves(&member, "starting", 0));
	assert_true(moves(&member, "creating replica", 0));
	assert_true(moves(&member, "running", 50));
	assert_false(moves(&member, "running", 50));
	member.answers = false;
	assert_false(moves(&member, "running", 60));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follow),
		cmocka_unit_test(test_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
