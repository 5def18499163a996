/*
 * restore_lock.c
 *		See restore_lock.h.
 */
#include "sidecar/queue/restore_lock.h"

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char *const names[] = {
	[RESTORE_ACTIVE] = "active",
	[RESTORE_DONE] = "done",
	[RESTORE_REPLACED] = "replaced",
};

const char *
restore_state_name(RestoreState state)
{
	return names[state];
}

bool
restore_state_parse(const char *text, RestoreState *state)
{
	for (size_t i = 0; i < LENGTH(names); i++)
	{
		if (strcmp(names[i], text) == 0)
		{
			*state = (RestoreState) i;
			return true;
		}
	}
	return false;
}

int
restore_seconds_left(const RestoreHold *hold, int64_t now)
{
	return hold->id[0] && hold->until > now ? (int) ((hold->until - now + 999) / 1000) : 0;
}

int64_t
restore_give_up_at(const RestoreHold *hold)
{
	return hold->id[0] && hold->harmless ? hold->until + RESTORE_GIVE_UP_MS : INT64_MAX;
}

static bool
in_progress(const RestoreHold *hold, PgbrError *error)
{
	pgbr_error_set(error, PGBR_ERROR_RESTORE_IN_PROGRESS, "restore \"%s\" is in progress",
				   hold->id);
	return pgbr_error_hint(error,
						   "Wait until it ends; `pgbackrest_ctl status` shows how far it is.");
}

static bool
held(const RestoreHold *hold, int64_t now, PgbrError *error)
{
	pgbr_error_set(error, PGBR_ERROR_RESTORE_IN_PROGRESS,
				   "restore \"%s\" is driven by another holder, whose lease ends in %d s", hold->id,
				   restore_seconds_left(hold, now));
	return pgbr_error_hint(error, "If that program is gone, try again after the lease has ended.");
}

/* A restore that this member does not know. */
static bool
decide_new(const RestorePut *put, const RestoreHold *hold, int64_t now, RestoreDecision *decision,
		   PgbrError *error)
{
	decision->step = RESTORE_PUT_CREATE;
	/* a lease without a journal: this member has lost the journal, or never had it */
	if (put->document == NULL && !put->done)
	{
		pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "restore \"%s\" is not known here", put->id);
		return pgbr_error_hint(error, "Send its journal.");
	}
	/* the record of a restore that has ended takes no lock */
	if (put->done)
		return true;
	decision->hold = true;
	if (hold->id[0] == '\0')
		return true;
	if (put->replaces == NULL || strcmp(put->replaces, hold->id) != 0)
		return in_progress(hold, error);
	if (strcmp(hold->holder, put->holder) != 0 && restore_seconds_left(hold, now) > 0)
		return held(hold, now, error);
	decision->replace = true;
	return true;
}

static bool
stale(const RestorePut *put, const RestoreStored *stored, PgbrError *error)
{
	pgbr_error_set(error, PGBR_ERROR_CONFLICT,
				   "restore \"%s\" already has revision %lld: revision %lld is not newer", put->id,
				   (long long) stored->revision, (long long) put->revision);
	return pgbr_error_hint(error, "Read the journal and continue from there.");
}

static bool
decide_ended(const RestorePut *put, const RestoreStored *stored, const RestoreHold *hold,
			 RestoreDecision *decision, PgbrError *error)
{
	decision->step = RESTORE_PUT_REPEAT;
	if (put->done && stored->state == RESTORE_DONE &&
		(put->document == NULL || (put->revision == stored->revision && stored->same_document)))
		return true;
	/* this member abandoned it while the others went on with it; but not if the holder only slept
	 * past its end */
	if (!put->done && put->document && stored->given_up && put->revision > stored->revision &&
		!stored->same_holder && hold->id[0] == '\0')
	{
		decision->step = RESTORE_PUT_WRITE;
		decision->hold = true;
		return true;
	}
	return pgbr_error_set(error, PGBR_ERROR_CONFLICT, "restore \"%s\" has ended: %s", put->id,
						  restore_state_name(stored->state));
}

bool
restore_put_decide(const RestorePut *put, const RestoreStored *stored, const RestoreHold *hold,
				   int64_t now, RestoreDecision *decision, PgbrError *error)
{
	*decision = (RestoreDecision){.step = RESTORE_PUT_RENEW};
	if (stored == NULL)
		return decide_new(put, hold, now, decision, error);
	if (stored->state != RESTORE_ACTIVE)
		return decide_ended(put, stored, hold, decision, error);
	if (strcmp(hold->holder, put->holder) != 0 && restore_seconds_left(hold, now) > 0)
		return held(hold, now, error);
	decision->hold = !put->done;
	decision->release = put->done;
	/* if the lease was lost while the holder slept, it must not continue from its old journal */
	if (put->document == NULL && put->revision > 0 && put->revision < stored->revision &&
		strcmp(hold->holder, put->holder) != 0)
		return stale(put, stored, error);
	if (put->document)
	{
		if (put->revision < stored->revision ||
			(put->revision == stored->revision && !stored->same_document))
			return stale(put, stored, error);
		if (put->revision > stored->revision)
			decision->step = RESTORE_PUT_WRITE;
	}
	/* the end and a new holder must survive a crash */
	if (put->done || strcmp(hold->holder, put->holder) != 0)
		decision->step = RESTORE_PUT_WRITE;
	return true;
}

bool
restore_job_decide(const char *restore, const char *holder, const RestoreHold *hold,
				   PgbrError *error)
{
	if (restore[0] == '\0')
		return hold->id[0] == '\0' || hold->resumed || in_progress(hold, error);
	if (strcmp(restore, hold->id) != 0)
	{
		if (hold->id[0])
			return in_progress(hold, error);
		return pgbr_error_set(error, PGBR_ERROR_CONFLICT, "restore \"%s\" is not active here",
							  restore);
	}
	if (strcmp(holder, hold->holder) == 0)
		return true;
	pgbr_error_set(error, PGBR_ERROR_RESTORE_IN_PROGRESS,
				   "restore \"%s\" is driven by another holder", restore);
	return pgbr_error_hint(error, "Take over its lease first.");
}
