/*
 * recovery_target.c
 *		See recovery_target.h.
 */
#include "common/recovery_target.h"

#include "common/moment.h"
#include "common/vocabulary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Transaction ids below this have a meaning of their own. */
#define FIRST_NORMAL_XID 3

static const struct
{
	const char *word;
	bool wants_target;
	bool may_exclude;
} types[] = {
#define X(name, text, wants_target, may_exclude) {text, wants_target, may_exclude},
	PGBR_RECOVERY_TYPES(X)
#undef X
};

const char *
recovery_type_name(RecoveryType type)
{
	return types[type].word;
}

bool
recovery_type_parse(const char *word, RecoveryType *type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
	{
		if (strcmp(types[i].word, word) == 0)
		{
			*type = (RecoveryType) i;
			return true;
		}
	}
	return false;
}

bool
recovery_lsn_parse(const char *text, uint64_t *lsn)
{
	char *low;
	uint64_t high;

	if (!pgbr_is_lsn(text))
		return false;
	high = strtoull(text, &low, 16);
	*lsn = high << 32 | strtoull(low + 1, NULL, 16);
	return true;
}

void
recovery_lsn_format(uint64_t lsn, char *text)
{
	snprintf(text, RECOVERY_TEXT_SIZE, "%" PRIX32 "/%" PRIX32, (uint32_t) (lsn >> 32),
			 (uint32_t) lsn);
}

bool
recovery_number_parse(const char *text, uint64_t *number)
{
	*number = 0;
	if (*text == '\0')
		return false;
	for (; *text; text++)
	{
		if (*text < '0' || *text > '9' || *number > (UINT64_MAX - (uint64_t) (*text - '0')) / 10)
			return false;
		*number = *number * 10 + (uint64_t) (*text - '0');
	}
	return true;
}

static bool
target_refuse(PgbrError *error, const char *value, const char *option, const char *why)
{
	pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value \"%s\" for %s", value, option);
	return pgbr_error_detail(error, "%s", why);
}

static bool
take_target(RecoveryTarget *target, const char *text, PgbrError *error)
{
	const char *reason;

	switch (target->type)
	{
		case RECOVERY_TIME:
			if (!moment_parse(text, true, &target->time_us, &reason))
				return target_refuse(error, text, "--target", reason);
			moment_format(target->time_us, target->text);
			return true;
		case RECOVERY_LSN:
			if (!recovery_lsn_parse(text, &target->lsn) || target->lsn == 0)
				return target_refuse(error, text, "--target", "An LSN has the form 0/5000028.");
			recovery_lsn_format(target->lsn, target->text);
			return true;
		case RECOVERY_XID:
			if (!recovery_number_parse(text, &target->xid) ||
				(uint32_t) target->xid < FIRST_NORMAL_XID)
				return target_refuse(error, text, "--target",
									 "A transaction id is a whole number from 3 on, as "
									 "pg_current_xact_id() gives it.");
			snprintf(target->text, sizeof(target->text), "%" PRIu64, target->xid);
			return true;
		default:
			if (!pgbr_is_restore_point_name(text))
				return target_refuse(
					error, text, "--target",
					"The name of a restore point has 1 to 63 bytes, without quotes, "
					"backslash, control characters, and without a blank at its ends.");
			strcpy(target->text, text);
			return true;
	}
}

static bool
take_type(RecoveryTarget *target, const char *type, const char *text, PgbrError *error)
{
	if (type == NULL)
	{
		if (text == NULL)
			return true;
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "--target needs --type");
		return pgbr_error_hint(error, "Use one of time, lsn, name, xid.");
	}
	if (!recovery_type_parse(type, &target->type))
	{
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value \"%s\" for --type", type);
		return pgbr_error_hint(error, "Use one of " PGBR_RECOVERY_TYPE_WORDS ".");
	}
	if (types[target->type].wants_target && text == NULL)
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "--type=%s needs --target", type);
	if (!types[target->type].wants_target && text)
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "--type=%s takes no --target", type);
	return true;
}

bool
recovery_target_parse(RecoveryTarget *target, const char *type, const char *text, bool exclusive,
					  const char *set, const char *timeline, PgbrError *error)
{
	uint64_t number = 0;

	memset(target, 0, sizeof(*target));
	type = type && *type ? type : NULL;
	text = text && *text ? text : NULL;
	if (!take_type(target, type, text, error) || (text && !take_target(target, text, error)))
		return false;
	if (exclusive && !types[target->type].may_exclude)
	{
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "--target-exclusive can't be given here");
		return pgbr_error_hint(error, "It goes with --type=time, --type=lsn and --type=xid.");
	}
	target->exclusive = exclusive;
	if (set && *set)
	{
		if (!pgbr_is_backup_label(set))
			return target_refuse(error, set, "--set",
								 "A backup's label has the form 20241023-141104F or "
								 "20241023-141104F_20241024-141104I.");
		strcpy(target->set, set);
	}
	if (timeline && *timeline)
	{
		if (!recovery_number_parse(timeline, &number) || number == 0 || number > UINT32_MAX)
			return target_refuse(
				error, timeline, "--target-timeline",
				"It is a timeline's decimal number. Without it the timeline of the "
				"leader is followed, and the name of a restore point knows its own.");
		target->timeline = (uint32_t) number;
	}
	return true;
}

bool
recovery_target_equal(const RecoveryTarget *a, const RecoveryTarget *b)
{
	return a->type == b->type && strcmp(a->text, b->text) == 0 && a->exclusive == b->exclusive &&
		   strcmp(a->set, b->set) == 0 && a->timeline == b->timeline;
}
