/*
 * member_checks.c
 *		See member_checks.h.
 */
#include "ctl/facts/member_checks.h"

#include "common/vocabulary.h"
#include "program/json.h"

#include <string.h>

/* They have a restore fail after PostgreSQL was stopped. */
static const char *const needed_checks[] = {"data-directory", "state-folder", "lock-path",
											"spool-path", "recovery"};

static bool
is_needed(const char *check)
{
	size_t i = sizeof(needed_checks) / sizeof(needed_checks[0]);

	while (i > 0 && strcmp(needed_checks[i - 1], check) != 0)
		i--;
	return i > 0;
}

bool
restore_facts_read_doctor(FactMember *member, const json_t *doctor, PgbrError *error)
{
	size_t i;
	json_t *check;

	json_array_foreach(json_object_get(doctor, "checks"), i, check)
	{
		const char *name = json_text(check, "name");
		const char *outcome = json_text(check, "outcome");
		const char *reason = json_text(check, "reason");
		const char *cure = json_text(check, "cure");

		if (member->failed_check[0] || name == NULL || outcome == NULL || !is_needed(name) ||
			strcmp(outcome, pgbr_verdict_name(PGBR_VERDICT_FAIL)) != 0)
			continue;
		pgbr_copy_text(member->failed_check, sizeof(member->failed_check), name);
		pgbr_copy_text(member->failed_reason, sizeof(member->failed_reason), reason ? reason : "");
		pgbr_copy_text(member->failed_cure, sizeof(member->failed_cure), cure ? cure : "");
	}
	return (json_is_object(json_object_get(doctor, "node")) ||
			pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
						   "invalid value in the sidecar's response: node")) &&
		   restore_facts_read_node(member, json_object_get(doctor, "node"), error);
}
