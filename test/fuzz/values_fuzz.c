// links:
// runs: 80000
/*
 * values_fuzz.c
 *		Any bytes as a values file: nothing is kept of one that is refused, and what is taken is
 *		plain text.
 */
#include "common/values.h"
#include "common/vocabulary.h"
#include "fuzz.h"

static void
check_text(const PgbrValuesText *value)
{
	if (value->text == NULL)
		return;
	MUST(value->text[0] && pgbr_is_plain_text(value->text, 4096));
	MUST(value->place.line > 0 && value->place.column > 0);
}

static void
check(const PgbrValues *values)
{
	check_text(&values->docker_image);
	check_text(&values->repo_type);
	check_text(&values->repo_path);
	check_text(&values->full_schedule);
	check_text(&values->diff_schedule);
	check_text(&values->incr_schedule);
	check_text(&values->time_zone);
	check_text(&values->s3.secret);
	check_text(&values->dr_s3.endpoint);
	for (size_t i = 0; i < values->rwx.volumes.count; i++)
		check_text(&values->rwx.volumes.items[i]);
	for (size_t i = 0; i < values->param_count; i++)
		MUST(values->params[i].name[0] && pgbr_is_plain_text(values->params[i].value, 4096));
	MUST(values->full_retention >= 0 && values->diff_retention >= 0);
	MUST(values->problem_count <= PGBR_VALUES_MAX_PROBLEMS);
	MUST(values->found || values->problem_count == 0);
	for (size_t i = 0; i < values->problem_count; i++)
	{
		const PgbrError *problem = &values->problems[i];

		MUST(problem->code == PGBR_ERROR_CONFIG && problem->detail[0] && problem->hint[0]);
		MUST(pgbr_is_plain_text(problem->message, sizeof(problem->message)));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const PgbrValues nothing;
	PgbrValues values;
	PgbrError error = PGBR_ERROR_INIT;

	if (pgbr_values_parse("fuzz", (const char *) data, size, &values, &error))
	{
		check(&values);
		pgbr_values_done(&values);
	}
	else
		MUST(error.code == PGBR_ERROR_CONFIG && error.message[0]);
	MUST(memcmp(&values, &nothing, sizeof(values)) == 0);
	return 0;
}
