/*
 * patroni.c
 *		See patroni.h.
 */
#include "ctl/restore/patroni.h"

#include "ctl/restore/wait.h"
#include "program/clock.h"

#include <string.h>

#define PAUSE_LIMIT_S 60

/* Patroni waits half of its retry_timeout, five seconds, for a PostgreSQL that is gone. */
#define STOPPED_LIMIT_S 60

/* How often a member whose loop lags is woken. */
#define NUDGE_MS 1000

json_t *
restore_pause_patch(bool paused)
{
	json_t *patch = json_object();

	json_object_set_new(patch, "pause", paused ? json_true() : json_null());
	return patch;
}

ClusterMember *
restore_patroni_member(RestoreRun *run, int index)
{
	const RestoreMember *member = &run->journal->document.plan.members[index];
	ClusterMember *found = cluster_find(run->cluster, member->name);

	return member->left_out || found == NULL || found->api_url[0] == '\0' ? NULL : found;
}

bool
restore_patch_all(RestoreRun *run, const json_t *patch, PgbrError *error)
{
	bool taken = false;
	RestoreWait wait;

	restore_wait_begin(&wait, run, PAUSE_LIMIT_S, "Patroni to accept a configuration change");
	for (;;)
	{
		/*
		 * Patroni knows nothing of the lock: if our lease ran out while we slept, the change must
		 * not be sent
		 */
		if (!restore_holds_now(run, error))
			return false;
		pgbr_error_set(&wait.reason, PGBR_ERROR_UNREACHABLE,
					   "no URL of Patroni's REST API is known for any member");
		for (int i = 0; i < run->journal->document.plan.member_count; i++)
		{
			const ClusterMember *member = restore_patroni_member(run, i);

			if (member &&
				patroni_patch_config(&run->cluster->patroni, member->api_url, patch, &wait.reason))
				taken = true;
			if (wait.reason.code == PGBR_ERROR_FORBIDDEN)
			{
				*error = wait.reason;
				return false;
			}
		}
		if (taken)
			return true;
		if (!restore_wait_more(&wait, error))
			return false;
	}
}

/* A change wakes a member up to twice: by itself, and by the request. */
void
restore_let_rounds_end(RestoreRun *run, const ClusterMember *member)
{
	PatroniNode node;
	PgbrError ignored;

	for (int i = 0; member && i < 2; i++)
	{
		if (!patroni_watch_node(&run->cluster->patroni, member->api_url, &node, &ignored) ||
			node.restart_scheduled ||
			!patroni_await_round(&run->cluster->patroni, member->api_url, &ignored))
			return;
	}
}

bool
restore_nudge(RestoreRun *run, const ClusterMember *member, bool paused)
{
	json_t *patch = restore_pause_patch(paused);
	PgbrError reason;
	bool ok = !restore_still_holds(run, &reason) ||
			  patroni_patch_config(&run->cluster->patroni, member->api_url, patch, &reason) ||
			  reason.code != PGBR_ERROR_UNREACHABLE;

	json_decref(patch);
	return ok;
}

bool
restore_is_due(int64_t *last)
{
	if (clock_monotonic_ms() - *last < NUDGE_MS)
		return false;
	*last = clock_monotonic_ms();
	return true;
}

/*
 * A replica that its Patroni does not report as stopped yet; NULL when there is none. A member
 * whose Patroni is down, or which somebody has resumed, is not waited for.
 */
static const ClusterMember *
find_unseen(RestoreRun *run, bool wake)
{
	const RestorePlan *plan = &run->journal->document.plan;
	const ClusterMember *unseen = NULL;

	for (int i = 0; i < plan->member_count && run->cluster->view.paused; i++)
	{
		const ClusterMember *member = restore_patroni_member(run, i);

		if (member && !restore_is_led(run, &plan->members[i]) && member->patroni.name[0] &&
			strcmp(member->patroni.state, "stopped") != 0 &&
			(!wake || restore_nudge(run, member, true)))
			unseen = member;
	}
	return unseen;
}

bool
restore_await_stops_seen(RestoreRun *run, PgbrError *error)
{
	int64_t nudged = 0;
	RestoreWait wait;

	restore_wait_begin(&wait, run, STOPPED_LIMIT_S, "Patroni to see that all replicas are stopped");
	for (;;)
	{
		if (cluster_refresh(run->cluster, &wait.reason))
		{
			const ClusterMember *unseen = find_unseen(run, restore_is_due(&nudged));

			if (unseen == NULL)
				break;
			pgbr_error_set(&wait.reason, PGBR_ERROR_CONFLICT, "member \"%s\" is %s", unseen->name,
						   unseen->patroni.state);
		}
		if (restore_wait_more(&wait, error))
			continue;
		if (run->lost || error->code == PGBR_ERROR_ABORTED)
			return false;
		/* the fence keeps it out as well, but PostgreSQL then logs an error */
		restore_events_note(run->events, "%s", error->message);
		break;
	}
	restore_wait_end(&wait);
	return true;
}

bool
restore_check_stopped(RestoreRun *run, RestoreIsOf *is_of, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;

	for (int i = 0; i < plan->member_count; i++)
	{
		const ClusterMember *member = restore_patroni_member(run, i);
		PatroniNode node;
		PgbrError ignored;

		if (member == NULL || !is_of(run, &plan->members[i]) ||
			!patroni_watch_node(&run->cluster->patroni, member->api_url, &node, &ignored) ||
			!node.running)
			continue;
		pgbr_error_set(error, PGBR_ERROR_CONFLICT,
					   "PostgreSQL of member \"%s\" was stopped, and its Patroni says that it runs",
					   member->name);
		pgbr_error_detail(error, "The sidecar at %s has stopped another one, or none.",
						  member->sidecar.url);
		return pgbr_error_hint(error, "Name the member's own sidecar: --sidecar=%s=URL.",
							   member->name);
	}
	return true;
}
