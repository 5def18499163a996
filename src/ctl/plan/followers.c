/*
 * followers.c
 *		See followers.h.
 */
#include "ctl/plan/followers.h"

#include <string.h>

static bool
streams_from(const Follower *upstream, const char *name)
{
	for (int i = 0; i < upstream->node.streaming_count; i++)
	{
		if (strcmp(upstream->node.streaming[i], name) == 0)
			return true;
	}
	return false;
}

/* On the leader's timeline, by the member's own answer; 0 is not known. */
static bool
is_on(const Follower *member, uint32_t timeline)
{
	return member->answers && member->node.running &&
		   (member->node.timeline == 0 || member->node.timeline == timeline);
}

static bool
is_delayed(const Follower *member)
{
	return member->answers && member->node.running && !member->node.primary && member->delay > 0;
}

/* Whether a member streams from one that is known to follow. */
static bool
streams(const Follower *members, int count, int member, uint32_t timeline, const bool *follows)
{
	for (int i = 0; i < count; i++)
	{
		if (i != member && follows[i] && members[i].answers &&
			streams_from(&members[i], members[member].name))
			return is_on(&members[member], timeline);
	}
	return false;
}

void
followers_find(const Follower *members, int count, int leader, bool *follows)
{
	uint32_t timeline = members[leader].node.timeline;
	bool more = true;

	for (int i = 0; i < count; i++)
		follows[i] = i == leader || is_delayed(&members[i]);
	/* each round finds those below the ones that were found before */
	while (more)
	{
		more = false;
		for (int i = 0; i < count; i++)
		{
			if (follows[i] || !streams(members, count, i, timeline, follows))
				continue;
			follows[i] = more = true;
		}
	}
}

bool
follower_moves(Follower *member)
{
	const PatroniNode *node = &member->node;
	bool moved = false;

	if (!member->answers)
		return false;
	if (node->running)
	{
		moved = member->failed || node->replayed > member->replayed;
		member->failed = false;
		member->replayed = node->replayed;
	}
	else if (strstr(node->state, "creating") || strstr(node->state, "bootstrap"))
		moved = true;
	else if (strcmp(node->state, "starting") == 0)
		moved = !member->failed;
	else if (strstr(node->state, "failed") || strcmp(node->state, "crashed") == 0)
		member->failed = true;
	return moved;
}
