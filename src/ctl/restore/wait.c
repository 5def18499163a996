/*
 * wait.c
 *		See wait.h.
 */
#include "ctl/restore/wait.h"

#include "ctl/client/interrupt.h"
#include "program/clock.h"
#include "program/json.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PAUSE_MS 100

void
restore_wait_begin(RestoreWait *wait, RestoreRun *run, int limit_s, const char *format, ...)
{
	va_list arguments;

	memset(wait, 0, sizeof(*wait));
	wait->run = run;
	wait->begin = clock_monotonic_ms();
	wait->limit = (int64_t) limit_s * 1000;
	va_start(arguments, format);
	vsnprintf(wait->what, sizeof(wait->what), format, arguments);
	va_end(arguments);
}

bool
restore_is_lost(const PgbrError *error)
{
	return error->code == PGBR_ERROR_RESTORE_IN_PROGRESS || error->code == PGBR_ERROR_CONFLICT;
}

bool
restore_write(RestoreRun *run, PgbrError *error)
{
	bool ok = restore_journal_write(run->journal, error);

	run->lost |= !ok && restore_is_lost(error);
	return ok;
}

bool
restore_still_holds(RestoreRun *run, PgbrError *error)
{
	if (!run->lost && restore_journal_renew(run->journal, error))
		return true;
	if (run->lost)
		pgbr_error_set(error, PGBR_ERROR_RESTORE_IN_PROGRESS,
					   "another control binary has continued restore %s",
					   run->journal->document.plan.id);
	run->lost = error->code != PGBR_ERROR_ABORTED;
	return false;
}

bool
restore_holds_now(RestoreRun *run, PgbrError *error)
{
	/* after a sleep of the machine we do not know how old the lease is */
	run->journal->renewed_ms = 0;
	return restore_still_holds(run, error);
}

bool
restore_wait_check(RestoreWait *wait, PgbrError *error)
{
	if (interrupt_is_raised())
		return pgbr_error_set(error, PGBR_ERROR_ABORTED, "interrupted while waiting for %s",
							  wait->what);
	if (!restore_still_holds(wait->run, error))
		return false;
	if (clock_monotonic_ms() - wait->begin < wait->limit)
		return true;
	if (wait->reason.code == PGBR_ERROR_NONE)
		return pgbr_error_set(error, PGBR_ERROR_TIMEOUT, "timed out after %lld s waiting for %s",
							  (long long) wait->limit / 1000, wait->what);
	pgbr_error_set(error, restore_may_pass(&wait->reason) ? wait->reason.code : PGBR_ERROR_TIMEOUT,
				   "timed out after %lld s waiting for %s: %s", (long long) wait->limit / 1000,
				   wait->what, wait->reason.message);
	pgbr_error_detail(error, "%s", wait->reason.detail);
	return pgbr_error_hint(error, "%s", wait->reason.hint);
}

bool
restore_wait_more(RestoreWait *wait, PgbrError *error)
{
	poll(NULL, 0, PAUSE_MS);
	return restore_wait_check(wait, error);
}

/* Add a wait that is over to the list. */
double
restore_wait_list(const RestoreWait *wait)
{
	double seconds = (double) (clock_monotonic_ms() - wait->begin) / 1000;
	json_t *json = json_object();

	json_put_text(json, "for", wait->what);
	json_object_set_new(json, "seconds", json_real(seconds));
	json_array_append_new(wait->run->waits, json);
	return seconds;
}

void
restore_wait_end(RestoreWait *wait)
{
	restore_events_wait(wait->run->events, wait->what, restore_wait_list(wait));
}

bool
restore_call(RestoreRun *run, const char *name, const char *path, const json_t *body,
			 const char *key, int hold, json_t **answer, PgbrError *error)
{
	const ClusterMember *member = cluster_find(run->cluster, name);
	bool told = false;
	RestoreWait wait;

	if (member == NULL)
		return pgbr_error_set(error, PGBR_ERROR_UNREACHABLE, "member \"%s\" is not known", name);
	restore_wait_begin(&wait, run, RESTORE_OUTAGE_S, "the sidecar of member \"%s\" to answer",
					   name);
	for (;;)
	{
		bool ok =
			key ? sidecar_client_post_once(&member->sidecar, path, body, key, answer, &wait.reason)
				: sidecar_client_call(&member->sidecar, "GET", path, NULL, hold, answer,
									  &wait.reason);

		if (ok)
		{
			if (told)
				restore_wait_end(&wait);
			return true;
		}
		if (wait.reason.code == PGBR_ERROR_ABORTED)
			return pgbr_error_set(error, PGBR_ERROR_ABORTED, "interrupted");
		if (!restore_may_pass(&wait.reason))
		{
			*error = wait.reason;
			return false;
		}
		if (!told)
			restore_events_note(run->events, "member %s: %s; asking again for up to %d s", name,
								wait.reason.message, RESTORE_OUTAGE_S);
		told = true;
		if (!restore_wait_more(&wait, error))
		{
			if (restore_may_pass(error))
				restore_hint_absent(error, run->journal, name);
			return false;
		}
	}
}

bool
restore_ask(RestoreRun *run, const char *member, const char *path, json_t **answer,
			PgbrError *error)
{
	return restore_call(run, member, path, NULL, NULL, 0, answer, error);
}
