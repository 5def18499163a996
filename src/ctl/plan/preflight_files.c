/*
 * preflight_files.c
 *		See preflight_files.h.
 */
#include "ctl/plan/preflight_files.h"

static bool
check_option(RestoreWork *work, const FactMember *member, const FactOption *option)
{
	switch (option->effect)
	{
		case FACT_EFFECT_OVERRIDDEN:
			restore_warn(work,
						 "Option \"%s\" of pgbackrest is set on member \"%s\" (%s): the restore "
						 "and its undo ignore it.",
						 option->name, member->name, option->where);
			return true;
		case FACT_EFFECT_UNKNOWN:
			restore_unproven(work,
							 "That option \"%s\" of pgbackrest, which is set on member \"%s\" "
							 "(%s), changes nothing that is restored: this version does not know "
							 "it.",
							 option->name, member->name, option->where);
			return true;
		case FACT_EFFECT_REFUSED:
			break;
	}
	restore_refuse(work, "option \"%s\" of pgbackrest on member \"%s\" would change the restore",
				   option->name, member->name);
	pgbr_error_detail(&work->refusal->error, "It is set by %s.", option->where);
	return pgbr_error_hint(&work->refusal->error,
						   "Remove it there. If it is in the environment, restart the sidecar.");
}

/* pgbackrest would restore its content into the data directory, and the link would be gone. */
static bool
check_links(RestoreWork *work, const FactMember *member)
{
	if (member->data_link[0] == '\0')
		return true;
	restore_refuse(work, "the data directory of member \"%s\" holds data behind the link \"%s\"",
				   member->name, member->data_link);
	return pgbr_error_hint(&work->refusal->error,
						   "Put a folder or a mount point in its place, or use a tablespace. Links "
						   "for WAL, logs and configuration are kept.");
}

bool
restore_check_files(RestoreWork *work, const FactMember *member)
{
	if (!check_links(work, member))
		return false;
	for (int i = 0; i < member->option_count; i++)
	{
		if (!check_option(work, member, &member->options[i]))
			return false;
	}
	return true;
}
