/*
 * command_line.c
 *		See command_line.h.
 */
#include "sidecar/pgbackrest/command_line.h"

#include "common/memory.h"
#include "program/restore_options.h"
#include "program/retention.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

void
command_done(Command *command)
{
	for (int i = 0; i < command->count; i++)
		free(command->argv[i]);
	command->count = 0;
}

void
command_add(Command *command, const char *format, ...)
{
	va_list arguments;

	if (command->count + 1 >= (int) LENGTH(command->argv))
	{
		command->failed = true;
		return;
	}
	va_start(arguments, format);
	if (vasprintf(&command->argv[command->count], format, arguments) < 0)
	{
		command->failed = true;
		memory_note_refused();
	}
	else
		command->argv[++command->count] = NULL;
	va_end(arguments);
}

static void
command_begin(const SidecarConfig *config, Command *command)
{
	*command = (Command){.count = 0};
	command_add(command, "%s", config->pgbackrest);
	if (config->pgbackrest_config)
		command_add(command, "--config=%s", config->pgbackrest_config);
}

void
pgbackrest_begin(const SidecarConfig *config, Command *command)
{
	command_begin(config, command);
	command_add(command, "--stanza=%s", config->stanza);
}

static void
add_annotations(Command *command, const JobRequest *request)
{
	json_t *annotations = json_loads(request->annotations, 0, NULL);
	const char *key;
	json_t *value;

	json_object_foreach(annotations, key, value)
	{
		command_add(command, "--annotation=%s=%s", key, json_string_value(value));
	}
	json_decref(annotations);
}

void
pgbackrest_job_command(const SidecarConfig *config, const Job *job, Command *command)
{
	const JobRequest *request = &job->request;

	pgbackrest_begin(config, command);
	/* everything on one stream, in order; single files at detail show the progress */
	command_add(command, "--log-level-stderr=off");
	command_add(command, "--log-level-console=%s",
				request->kind == PGBR_JOB_BACKUP ? "detail" : "info");
	if (request->repo)
		command_add(command, "--repo=%d", request->repo);
	if (request->kind == PGBR_JOB_BACKUP)
	{
		command_add(command, "--type=%s", pgbr_backup_type_name(request->type));
		/* existing clients give their own, among the annotations */
		if (strstr(request->annotations, "\"timestamp\":") == NULL)
			command_add(command, "--annotation=timestamp=%s", job->id);
		if (request->backup_standby)
			command_add(command, "--backup-standby");
	}
	if (request->annotations[0])
		add_annotations(command, request);
	if (request->set[0])
		command_add(command, "--set=%s", request->set);
	if (request->dry_run)
		command_add(command, "--dry-run");
	if (request->kind == PGBR_JOB_VERIFY)
		command_add(command, "--output=text");
	command_add(command, "%s", pgbr_job_kind_name(request->kind));
}

void
pgbackrest_server_command(const SidecarConfig *config, Command *command)
{
	command_begin(config, command);
	command_add(command, "--log-level-stderr=off");
	command_add(command, "--log-level-console=info");
	command_add(command, "server");
}

void
pgbackrest_version_command(const SidecarConfig *config, Command *command)
{
	*command = (Command){.count = 0};
	command_add(command, "%s", config->pgbackrest);
	command_add(command, "version");
}

static void
ask_info(Command *command)
{
	command_add(command, "--log-level-console=off");
	command_add(command, "--log-level-stderr=error");
	command_add(command, "--output=json");
	command_add(command, "info");
}

void
pgbackrest_info_command(const SidecarConfig *config, Command *command)
{
	pgbackrest_begin(config, command);
	ask_info(command);
}

void
pgbackrest_all_info_command(const SidecarConfig *config, Command *command)
{
	command_begin(config, command);
	ask_info(command);
}

void
pgbackrest_set_info_command(const SidecarConfig *config, int repo, const char *set,
							Command *command)
{
	pgbackrest_begin(config, command);
	command_add(command, "--log-level-console=off");
	command_add(command, "--log-level-stderr=error");
	if (repo)
		command_add(command, "--repo=%d", repo);
	command_add(command, "--set=%s", set);
	command_add(command, "--output=json");
	command_add(command, "info");
}

void
pgbackrest_wal_command(const SidecarConfig *config, const char *archive_id, int repo,
					   const char *segment, Command *command)
{
	pgbackrest_begin(config, command);
	command_add(command, "--log-level-console=off");
	command_add(command, "--log-level-stderr=error");
	command_add(command, "--repo=%d", repo);
	command_add(command, "--output=text");
	/* skip files that are still being written: "....pgbackrest.tmp" */
	command_add(command, "--filter=^%s-[0-9a-f]{40}(\\.[a-z0-9]+)?$", segment);
	command_add(command, "repo-ls");
	command_add(command, "archive/%s/%s/%.16s", config->stanza, archive_id, segment);
}

void
pgbackrest_note_command(const SidecarConfig *config, int repo, const char *label,
						unsigned long long xmin, unsigned long long xmax, Command *command)
{
	pgbackrest_begin(config, command);
	command_add(command, "--log-level-console=off");
	command_add(command, "--log-level-stderr=error");
	if (repo)
		command_add(command, "--repo=%d", repo);
	command_add(command, "--set=%s", label);
	command_add(command, "--annotation=snapshot-xmin=%llu", xmin);
	command_add(command, "--annotation=snapshot-xmax=%llu", xmax);
	command_add(command, "annotate");
}

/* The verb stays the last one. */
void
pgbackrest_forbid_expire(Command *command)
{
	char *verb;

	command_add(command, "--no-expire-auto");
	if (command->failed)
		return;
	verb = command->argv[command->count - 2];
	command->argv[command->count - 2] = command->argv[command->count - 1];
	command->argv[command->count - 1] = verb;
}

void
pgbackrest_expire_command(const SidecarConfig *config, const ExpireStep *step, bool dry_run,
						  Command *command)
{
	pgbackrest_begin(config, command);
	command_add(command, "--log-level-stderr=off");
	command_add(command, "--log-level-console=info");
	command_add(command, "--repo=%d", step->repo);
	command_add(command, "--repo%d-retention-archive-type=%s", step->repo,
				pgbr_backup_type_name(step->archive_type));
	command_add(command, "--repo%d-retention-archive=%d", step->repo, step->archive);
	if (step->label[0])
		command_add(command, "--set=%s", step->label);
	else
	{
		/* no backup goes by its own rules */
		command_add(command, "--repo%d-retention-full-type=count", step->repo);
		command_add(command, "--repo%d-retention-full=%d", step->repo, RETENTION_MAX);
		command_add(command, "--repo%d-retention-diff=%d", step->repo, RETENTION_MAX);
	}
	if (dry_run)
		command_add(command, "--dry-run");
	command_add(command, "expire");
}

static void
begin_restore(const SidecarConfig *config, const char *data_directory, const char *level,
			  Command *command)
{
	pgbackrest_begin(config, command);
	command_add(command, "--pg1-path=%s", data_directory);
	/* everything on one stream, in order */
	command_add(command, "--log-level-stderr=off");
	command_add(command, "--log-level-console=%s", level);
}

/* Take back what pgbackrest's files and environment would change. */
static void
add_overriding(bool has_files, bool has_map, Command *command)
{
	for (const RestoreOption *option = restore_options; option->name; option++)
	{
		if (option->rule == RESTORE_OPTION_OVERRIDDEN ||
			(option->rule == RESTORE_OPTION_PLACED && has_files &&
			 !(has_map && strcmp(option->name, "tablespace-map") == 0)))
			command_add(command, "%s", option->argument);
	}
}

void
pgbackrest_restore_command(const SidecarConfig *config, int repo, const RecoveryTarget *target,
						   const char *data_directory, const json_t *tablespaces, Command *command)
{
	const char *oid;
	json_t *location;

	begin_restore(config, data_directory, "detail", command);
	if (repo)
		command_add(command, "--repo=%d", repo);
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
	/* pgbackrest accepts no timeline for immediate; the recovery server gets it from us */
	if (target->timeline && target->type != RECOVERY_IMMEDIATE)
		command_add(command, "--target-timeline=%u", target->timeline);
	add_overriding(tablespaces != NULL, json_object_size(tablespaces) > 0, command);
	json_object_foreach((json_t *) tablespaces, oid, location)
	{
		command_add(command, "--tablespace-map=%s=%s", oid, json_string_value(location));
	}
	/* if members share a machine, the leader is restored as if it were alone */
	command->yields = target->type == RECOVERY_STANDBY;
	command_add(command, "restore");
}

void
pgbackrest_push_command(const SidecarConfig *config, const char *data_directory, const char *file,
						Command *command)
{
	begin_restore(config, data_directory, "warn", command);
	/* the exit status must be that of this file, not of an earlier one */
	command_add(command, "--no-archive-async");
	command_add(command, "archive-push");
	command_add(command, "%s/pg_wal/%s", data_directory, file);
}

void
pgbackrest_get_command(const SidecarConfig *config, const char *data_directory, const char *file,
					   const char *destination, Command *command)
{
	begin_restore(config, data_directory, "warn", command);
	command_add(command, "archive-get");
	command_add(command, "%s", file);
	command_add(command, "%s", destination);
}
