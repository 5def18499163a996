/*
 * verify.c
 *		Whether recovery has ended where it was to end: what PostgreSQL wrote into the history of
 *		the new timeline, against the target.
 *
 * The reasons are those of PostgreSQL's getRecoveryStopReason(), the same in all its versions.
 */
#include "ctl/plan/verify.h"

#include "common/moment.h"
#include "program/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The outcome as recovery reports it. */
typedef struct Reached
{
	uint32_t timeline;
	uint64_t fork_lsn;
	const char *reason;
	const char *last_xact_time; /* NULL: nothing was committed in between */
} Reached;

static bool
read_reached(const json_t *recovered, Reached *reached)
{
	const char *lsn = json_text(recovered, "fork_lsn");

	reached->timeline = (uint32_t) json_number(recovered, "timeline", 0);
	reached->reason = json_text(recovered, "reason");
	reached->last_xact_time = json_text(recovered, "last_xact_time");
	return lsn && recovery_lsn_parse(lsn, &reached->fork_lsn) && reached->reason;
}

/* The rest of the reason after this word; NULL when it begins otherwise. */
static const char *
after_word(const char *reason, const char *word)
{
	size_t length = strlen(word);

	return strncmp(reason, word, length) == 0 ? reason + length : NULL;
}

/* Recovery stops before the first commit past the target, and knows no other way. */
static bool
is_time_reached(const RecoveryTarget *target, const Reached *reached)
{
	const char *text = after_word(reached->reason, "before ");
	const char *ignored;
	int64_t us;

	if (text == NULL || !moment_parse(text, true, &us, &ignored) ||
		(target->exclusive ? us < target->time_us : us <= target->time_us))
		return false;
	return reached->last_xact_time == NULL ||
		   !moment_parse(reached->last_xact_time, true, &us, &ignored) ||
		   (target->exclusive ? us < target->time_us : us <= target->time_us);
}

static bool
is_lsn_reached(const RecoveryTarget *target, const Reached *reached)
{
	const char *text =
		after_word(reached->reason, target->exclusive ? "before LSN " : "after LSN ");
	uint64_t lsn;

	return text && recovery_lsn_parse(text, &lsn) && lsn >= target->lsn;
}

/* The reason has the lower half of the id, as recovery does. */
static bool
is_xid_reached(const RecoveryTarget *target, const Reached *reached)
{
	const char *text = after_word(reached->reason,
								  target->exclusive ? "before transaction " : "after transaction ");
	uint64_t xid;

	return text && recovery_number_parse(text, &xid) && xid == (uint32_t) target->xid;
}

static bool
is_name_reached(const RecoveryTarget *target, const Reached *reached)
{
	char wanted[RECOVERY_TEXT_SIZE + 32];

	snprintf(wanted, sizeof(wanted), "at restore point \"%s\"", target->text);
	return strcmp(reached->reason, wanted) == 0;
}

static bool
is_end_reached(const RecoveryTarget *target, const Reached *reached)
{
	(void) target;
	return strcmp(reached->reason, "no recovery target specified") == 0;
}

static bool
is_consistency_reached(const RecoveryTarget *target, const Reached *reached)
{
	(void) target;
	return strcmp(reached->reason, "reached consistency") == 0;
}

static bool (*const checks[])(const RecoveryTarget *target, const Reached *reached) = {
	[RECOVERY_DEFAULT] = is_end_reached, [RECOVERY_IMMEDIATE] = is_consistency_reached,
	[RECOVERY_TIME] = is_time_reached,	 [RECOVERY_LSN] = is_lsn_reached,
	[RECOVERY_NAME] = is_name_reached,	 [RECOVERY_XID] = is_xid_reached,
	[RECOVERY_STANDBY] = is_end_reached,
};

/* Everything that was committed must be restored: the undo point was the last record. */
static uint64_t
least_of(const RestorePlan *plan, const json_t *mark)
{
	const char *text = mark ? json_text(mark, "lsn") : NULL;
	uint64_t least = plan->least_lsn;
	uint64_t lsn;

	if (plan->request.target.type == RECOVERY_DEFAULT && mark &&
		json_number(mark, "timeline", 0) == plan->target_timeline && text &&
		recovery_lsn_parse(text, &lsn) && lsn > least)
		least = lsn;
	return least;
}

bool
restore_verify(const RestorePlan *plan, const json_t *recovered, const json_t *mark,
			   PgbrError *error)
{
	const RecoveryTarget *target = &plan->request.target;
	uint64_t least = least_of(plan, mark);
	char lsn[RECOVERY_TEXT_SIZE];
	Reached reached;

	if (!read_reached(recovered, &reached))
		return pgbr_error_set(error, PGBR_ERROR_CONFLICT,
							  "it is not known which point recovery reached");
	recovery_lsn_format(reached.fork_lsn, lsn);
	if (!checks[target->type](target, &reached))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFLICT,
					   "recovery did not end at the target %s%s%s: it ended at %s, \"%s\"",
					   recovery_type_name(target->type), target->text[0] ? " " : "", target->text,
					   lsn, reached.reason);
		if (reached.last_xact_time)
			pgbr_error_detail(error, "Its last transaction was committed at %s.",
							  reached.last_xact_time);
		return false;
	}
	if (reached.fork_lsn < least)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFLICT, "recovery ended too early, at %s", lsn);
		recovery_lsn_format(least, lsn);
		return pgbr_error_detail(error, "It must come as far as %s.", lsn);
	}
	if (reached.timeline <= plan->target_timeline)
		return pgbr_error_set(error, PGBR_ERROR_CONFLICT,
							  "recovery did not begin a new timeline: it is on %" PRIu32,
							  reached.timeline);
	return true;
}

bool
restore_verify_databases(const RestorePlan *plan, const json_t *recovered, bool accept,
						 const char **note, PgbrError *error)
{
	const json_t *databases = json_object_get(recovered, "invalid_databases");
	const json_t *first = json_array_get(databases, 0);
	size_t more = json_array_size(databases);
	const char *name;
	const char *xid;

	*note = NULL;
	if (!json_is_array(databases))
		*note = "it is not known whether a DROP DATABASE was under way at the target";
	if (first == NULL)
		return true;
	*note = "a database is invalid: DROP DATABASE had removed its files; it can only be dropped";
	if (accept || plan->request.target.type == RECOVERY_DEFAULT)
		return true;
	name = json_text(first, "name");
	xid = json_text(first, "xid");
	pgbr_error_set(error, PGBR_ERROR_CONFLICT,
				   "database \"%s\" is invalid at the target: DROP DATABASE had removed its files",
				   name ? name : "?");
	if (more > 1)
		pgbr_error_detail(error, "So %s %zu more.", more == 2 ? "is" : "are", more - 1);
	if (xid)
		return pgbr_error_hint(error,
							   "--type=xid --target=%s restores to right after the drop, a point "
							   "before the drop began to the whole database. "
							   "--accept-invalid-databases goes on: it can only be dropped then.",
							   xid);
	return pgbr_error_hint(error,
						   "A point before the drop began restores the whole database. "
						   "--accept-invalid-databases goes on: it can only be dropped then.");
}

bool
restore_verify_prepared(const json_t *recovered, const json_t *config, PgbrError *error)
{
	const json_t *parameters = json_object_get(json_object_get(config, "postgresql"), "parameters");
	const json_t *value = json_object_get(parameters, "max_prepared_transactions");
	long long prepared = json_number(recovered, "prepared", 0);
	long long most = json_is_string(value) ? atoll(json_string_value(value))
										   : (long long) json_integer_value(value);

	if (config == NULL || prepared <= most)
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFLICT,
				   "%lld prepared transactions are open at the target, and "
				   "max_prepared_transactions is %lld",
				   prepared, most);
	return pgbr_error_hint(error,
						   "The leader would not start. Raise it with \"patronictl edit-config\" "
						   "and run the same command again.");
}
