/*
 * recovery_server_command.c
 *		See recovery_server_command.h.
 */
#include "sidecar/restore/recovery_server_command.h"

#include "program/file.h"
#include "sidecar/restore/step_folder.h"
#include "sidecar/restore/step_tools.h"
#include "sidecar/restore/restore_command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Setting
{
	const char *text;
	int since; /* major version, or 0 */
	int until;
} Setting;

static const Setting settings[] = {
	{"listen_addresses=", 0, 0},
	{"port=5432", 0, 0},
	{"ssl=off", 0, 0},
	/* a WAL that was written with more connections than we have would make it wait for ever */
	{"hot_standby=off", 0, 0},
	/* off would never archive the history file, and the next restore would take its timeline
	 * again */
	{"archive_mode=on", 0, 0},
	{"archive_command=", 15, 0},
	/* one that fails archives nothing either; with one, a shutdown before 15 switches WAL, and
	 * replicas wait for the first segment in the repository */
	{"archive_command=false", 0, 14},
	{"archive_library=", 15, 0},
	{"archive_timeout=0", 0, 0},
	{"archive_cleanup_command=", 0, 0},
	{"recovery_end_command=", 0, 0},
	{"recovery_min_apply_delay=0", 0, 0},
	/* it would ask for segments past the target, and fail for one that nobody needs */
	{"recovery_prefetch=off", 15, 0},
	{"promote_trigger_file=", 12, 15},
	{"synchronous_standby_names=", 0, 0},
	{"primary_conninfo=", 0, 0},
	{"primary_slot_name=", 0, 0},
	{"autovacuum=off", 0, 0},
	/* libraries stay preloaded, since WAL may need them; their workers are not to work */
	{"max_worker_processes=0", 0, 0},
	{"max_logical_replication_workers=0", 0, 0},
	{"restart_after_crash=off", 0, 0},
	/* what recovery_log reads */
	{"logging_collector=off", 0, 0},
	{"log_destination=stderr", 0, 0},
	{"log_line_prefix=", 0, 0},
	{"log_min_messages=warning", 0, 0},
	{"log_error_verbosity=default", 0, 0},
	{"lc_messages=C", 0, 0},
	{"timezone=UTC", 0, 0},
	/* one that is empty must not come after one that is set: PostgreSQL would count two */
	{"recovery_target=", 0, 0},
	{"recovery_target_lsn=", 0, 0},
	{"recovery_target_name=", 0, 0},
	{"recovery_target_time=", 0, 0},
	{"recovery_target_xid=", 0, 0},
};

static const char *const target_settings[] = {
	[RECOVERY_DEFAULT] = NULL,
	[RECOVERY_IMMEDIATE] = "recovery_target=immediate",
	[RECOVERY_TIME] = "recovery_target_time=",
	[RECOVERY_LSN] = "recovery_target_lsn=",
	[RECOVERY_NAME] = "recovery_target_name=",
	[RECOVERY_XID] = "recovery_target_xid=",
	[RECOVERY_STANDBY] = NULL,
};

static void
add(ServerCommand *command, const char *setting)
{
	if (command->count + 3 > SERVER_ARGV_MOST)
	{
		command->failed = true;
		return;
	}
	command->argv[command->count++] = "-c";
	command->argv[command->count++] = setting;
}

static StrBuf *
own(ServerCommand *command)
{
	StrBuf *text = &command->own[command->own_count++];

	strbuf_init(text);
	return text;
}

static void
add_own(ServerCommand *command, const char *name, const char *value)
{
	StrBuf *text;

	if (command->own_count == SERVER_OWN_MOST)
	{
		command->failed = true;
		return;
	}
	text = own(command);
	strbuf_printf(text, "%s%s", name, value);
	command->failed = command->failed || text->failed;
	add(command, text->data);
}

/* The major version that the data directory is of. */
static bool
read_version(const char *data_directory, int *version, PgbrError *error)
{
	char path[PATH_MAX];
	StrBuf text;
	bool ok;

	snprintf(path, sizeof(path), "%s/PG_VERSION", data_directory);
	strbuf_init(&text);
	ok = file_read(path, 64, &text, error);
	*version = ok ? atoi(text.data) : 0;
	strbuf_done(&text);
	return ok && (*version >= 12 ||
				  pgbr_error_set(error, PGBR_ERROR_CONFLICT,
								 "PostgreSQL %d can't be recovered: 12 and later can", *version));
}

static bool
add_program(ServerCommand *command, StepContext *context, PgbrError *error)
{
	char bin[PATH_MAX];
	StrBuf *program = own(command);
	StrBuf text;

	step_postgres_bin(context, bin);
	strbuf_printf(program, "%s%spostgres", bin, bin[0] ? "/" : "");
	command->argv[command->count++] = program->data;
	command->argv[command->count++] = "-D";
	command->argv[command->count++] = context->data_directory;
	strbuf_init(&text);
	if (!step_folder_read(context, "postmaster.opts", &text))
		step_log(context, "no command line of PostgreSQL was saved: its configuration files alone "
						  "are used");
	else if (!postmaster_opts_read(text.data, &command->opts))
	{
		strbuf_done(&text);
		return pgbr_error_set(error, PGBR_ERROR_CONFLICT,
							  "the saved postmaster.opts can't be understood");
	}
	strbuf_done(&text);
	for (int i = 0; i < command->opts.count; i++)
		command->argv[command->count++] = command->opts.argv[i];
	return true;
}

static bool
add_restore_command(ServerCommand *command, StepContext *context, PgbrError *error)
{
	char program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	StrBuf *text = own(command);
	char *gone;

	if (length <= 0)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not find our own program: %s",
							  strerror(errno));
	program[length] = '\0';
	/* an update has put another file in its place, which is as good */
	gone = strstr(program, " (deleted)");
	if (gone && access(program, X_OK) != 0)
		*gone = '\0';
	strbuf_puts(text, "restore_command=");
	pgbackrest_restore_setting(context->config, program, context->data_directory, text);
	add(command, text->data);
	return !text->failed || pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
}

static void
add_target(ServerCommand *command, const RecoveryTarget *target)
{
	/* a standby's is a stop for the case that it gets that far; every other target lies behind
	 * it */
	static const RecoveryTarget standby = {.type = RECOVERY_IMMEDIATE};
	const RecoveryTarget *stop = target ? target : &standby;
	char timeline[16] = "latest";

	if (stop->timeline)
		snprintf(timeline, sizeof(timeline), "%u", stop->timeline);
	add_own(command, "recovery_target_timeline=", target ? timeline : "current");
	add_own(command, "recovery_target_action=", target ? "promote" : "shutdown");
	add_own(command, "recovery_target_inclusive=", stop->exclusive ? "off" : "on");
	if (target_settings[stop->type])
		add_own(command, target_settings[stop->type], stop->text);
}

/*
 * Recovery needs at least what the backup's server had: prepared transactions have no room
 * otherwise. What the saved command line has raised since then stays.
 */
static void
add_least(ServerCommand *command, const ControlData *control)
{
	const struct
	{
		const char *name;
		int number;
	} least[] = {
		{"max_connections", control->max_connections},
		{"max_wal_senders", control->max_wal_senders},
		{"max_prepared_transactions", control->max_prepared_transactions},
		{"max_locks_per_transaction", control->max_locks_per_transaction},
	};

	for (size_t i = 0; i < sizeof(least) / sizeof(least[0]); i++)
	{
		char setting[64];

		if (least[i].number <= postmaster_opts_number(&command->opts, least[i].name))
			continue;
		snprintf(setting, sizeof(setting), "%s=%d", least[i].name, least[i].number);
		add_own(command, setting, "");
	}
}

bool
server_command_build(ServerCommand *command, StepContext *context, const char *socket_folder,
					 const RecoveryTarget *target, const ControlData *control, PgbrError *error)
{
	char hba[PATH_MAX];
	char ident[PATH_MAX];
	char pid[PATH_MAX];
	int version;

	if (!read_version(context->data_directory, &version, error) ||
		!add_program(command, context, error) ||
		!step_folder_write(context, "hba", "local all all trust\n", error) ||
		!step_folder_write(context, "ident", "", error) ||
		!step_folder_path(context, "hba", hba, error) ||
		!step_folder_path(context, "ident", ident, error) ||
		!step_folder_path(context, target ? SERVER_PID : SERVER_PID_REPLICA, pid, error))
		return false;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
	{
		if (version >= settings[i].since && (!settings[i].until || version <= settings[i].until))
			add(command, settings[i].text);
	}
	add_own(command, "data_directory=", context->data_directory);
	add_own(command, "unix_socket_directories=", socket_folder);
	add_own(command, "hba_file=", hba);
	add_own(command, "ident_file=", ident);
	/* the one in the configuration is where an init script looks */
	add_own(command, "external_pid_file=", pid);
	add_target(command, target);
	if (control)
		add_least(command, control);
	if (command->failed || command->own_count == SERVER_OWN_MOST)
		return pgbr_error_set(
			error, PGBR_ERROR_INTERNAL,
			"the command line of the private recovery server is too long, or memory ran out");
	return add_restore_command(command, context, error);
}

void
server_command_done(ServerCommand *command)
{
	while (command->own_count > 0)
		strbuf_done(&command->own[--command->own_count]);
	postmaster_opts_done(&command->opts);
}
