/*
 * restore_options.c
 *		See restore_options.h.
 */
#include "ctl/verbs/restore_options.h"

#include <string.h>

bool
restore_names_read(const OptionList *list, const char *option, char names[][RESTORE_NAME_SIZE],
				   int *count, PgbrError *error)
{
	*count = 0;
	for (int i = 0; i < list->count; i++)
	{
		const char *name = list->values[i];

		if (!pgbr_is_plain_text(name, RESTORE_NAME_SIZE - 1) || name[0] == '\0')
			return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value \"%s\" for %s",
								  name, option);
		if (!restore_has_name(names, *count, name))
			strcpy(names[(*count)++], name);
	}
	return true;
}

int
way_back_days_read(const WayBackArguments *arguments)
{
	return arguments->none ? 0 : arguments->days > 0 ? arguments->days : WAY_BACK_DAYS;
}

bool
restore_request_read(const RestoreArguments *arguments, RestoreRequest *request, PgbrError *error)
{
	memset(request, 0, sizeof(*request));
	if (!recovery_target_parse(&request->target, arguments->type, arguments->target,
							   arguments->exclusive, arguments->set, arguments->target_timeline,
							   error))
		return false;
	if (request->target.type == RECOVERY_STANDBY)
	{
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value \"standby\" for --type");
		return pgbr_error_hint(error, "Replicas are rebuilt with --replicas-only.");
	}
	if (arguments->verify && arguments->no_verify)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "--verify and --no-verify exclude each other");
	if (arguments->members.count > 0 && !arguments->replicas_only)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "--member needs --replicas-only");
	if (arguments->keep_old && arguments->replicas_only)
		return pgbr_error_set(
			error, PGBR_ERROR_CONFIG,
			"--keep-old keeps the leader's files, and --replicas-only leaves them");
	if (arguments->keep_member && arguments->replicas_only)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "--keep-member and --replicas-only exclude each other");
	if (arguments->keep_member &&
		(!pgbr_is_plain_text(arguments->keep_member, RESTORE_NAME_SIZE - 1) ||
		 arguments->keep_member[0] == '\0'))
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE,
							  "invalid value \"%s\" for --keep-member", arguments->keep_member);
	if (arguments->keep_member)
		strcpy(request->keep, arguments->keep_member);
	request->repo = arguments->repo;
	request->replicas_only = arguments->replicas_only;
	request->keep_old = arguments->keep_old;
	request->way_back_days = way_back_days_read(&arguments->way_back);
	return restore_names_read(&arguments->members, "--member", request->only, &request->only_count,
							  error) &&
		   restore_names_read(&arguments->without, "--without-member", request->without,
							  &request->without_count, error);
}
