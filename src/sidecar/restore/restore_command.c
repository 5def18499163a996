/*
 * restore_command.c
 *		See restore_command.h.
 */
#include "sidecar/restore/restore_command.h"

#include <stdio.h>
#include <string.h>

static void
begin(const SidecarConfig *config, const char *data_directory, const char *level, Command *command)
{
	pgbackrest_begin(config, command);
	command_add(command, "--pg1-path=%s", data_directory);
	/* everything on one stream, in order */
	command_add(command, "--log-level-stderr=off");
	command_add(command, "--log-level-console=%s", level);
}

void
pgbackrest_restore_command(const SidecarConfig *config, const NodeArguments *arguments,
						   const char *data_directory, Command *command)
{
	const RecoveryTarget *target = &arguments->target;

	begin(config, data_directory, "detail", command);
	if (arguments->repo)
		command_add(command, "--repo=%d", arguments->repo);
	command_add(command, "--delta");
	command_add(command, "--set=%s", target->set);
	command_add(command, "--type=%s", recovery_type_name(target->type));
	if (target->text[0])
		command_add(command, "--target=%s", target->text);
	if (target->exclusive)
		command_add(command, "--target-exclusive");
	/* these two know no action, and pgbackrest refuses one */
	if (target->type != RECOVERY_DEFAULT && target->type != RECOVERY_STANDBY)
		command_add(command, "--target-action=promote");
	/* of type immediate pgbackrest knows no timeline; the temporary server is given it all the same */
	if (target->timeline && target->type != RECOVERY_IMMEDIATE)
		command_add(command, "--target-timeline=%u", target->timeline);
	/* where members share a machine the leader is restored as if it were alone */
	command->yields = target->type == RECOVERY_STANDBY;
	command_add(command, "restore");
}

void
pgbackrest_push_command(const SidecarConfig *config, const char *data_directory, const char *file,
						Command *command)
{
	begin(config, data_directory, "warn", command);
	/* the exit status is to tell of this file, not of one before it */
	command_add(command, "--no-archive-async");
	command_add(command, "archive-push");
	command_add(command, "%s/pg_wal/%s", data_directory, file);
}

void
pgbackrest_get_command(const SidecarConfig *config, const char *data_directory, const char *file,
					   const char *destination, Command *command)
{
	begin(config, data_directory, "warn", command);
	command_add(command, "archive-get");
	command_add(command, "%s", file);
	command_add(command, "%s", destination);
}

static void
put_quoted(StrBuf *setting, const char *option, const char *text)
{
	strbuf_printf(setting, " '%s", option);
	for (; *text; text++)
	{
		if (*text == '\'')
			strbuf_puts(setting, "'\\''");
		else if (*text == '%')
			strbuf_puts(setting, "%%");
		else
			strbuf_putc(setting, *text);
	}
	strbuf_putc(setting, '\'');
}

void
pgbackrest_restore_setting(const SidecarConfig *config, const char *program,
						   const char *data_directory, StrBuf *setting)
{
	/* in the shell's place, so that it ends when the process that waits for it does */
	strbuf_puts(setting, "exec");
	put_quoted(setting, "", program);
	put_quoted(setting, "--archive-get", "");
	put_quoted(setting, "--stanza=", config->stanza);
	put_quoted(setting, "--pgbackrest=", config->pgbackrest);
	if (config->pgbackrest_config)
		put_quoted(setting, "--config=", config->pgbackrest_config);
	put_quoted(setting, "--pg-data=", data_directory);
	strbuf_puts(setting, " \"%f\" \"%p\"");
}

bool
pgbackrest_read_restored(const char *line, int64_t *bytes, int64_t *files)
{
	static const char units[] = "BKMGTP";
	const char *text = strstr(line, "restore size = ");
	double size;
	char unit;
	long long count;

	if (text == NULL ||
		sscanf(text, "restore size = %lf%c%*[^,], file total = %lld", &size, &unit, &count) != 3)
	{
		/* below a kilobyte there is one letter only */
		if (text == NULL ||
			sscanf(text, "restore size = %lf%c, file total = %lld", &size, &unit, &count) != 3)
			return false;
	}
	for (const char *at = strchr(units, unit); at && at > units; at--)
		size *= 1024;
	*bytes = (int64_t) size;
	*files = count;
	return true;
}
