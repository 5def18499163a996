/*
 * control_data.c
 *		See control_data.h.
 */
#include "sidecar/control_data.h"

#include "program/process.h"
#include "sidecar/fence.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define TIMEOUT_MS 30000
#define MAX_OUTPUT 65536

#define TEXT(label, field)                                                      \
	{                                                                           \
		label, offsetof(ControlData, field), sizeof(((ControlData *) 0)->field) \
	}

static const struct
{
	const char *label;
	size_t offset;
	size_t size;
} texts[] = {
	TEXT("Database cluster state:", state),
	TEXT("Database system identifier:", system_identifier),
	TEXT("Latest checkpoint location:", checkpoint_lsn),
	TEXT("Latest checkpoint's REDO location:", redo_lsn),
	TEXT("Minimum recovery ending location:", min_recovery_lsn),
	TEXT("Time of latest checkpoint:", checkpoint_time),
	TEXT("Latest checkpoint's NextXID:", next_xid),
};

static const struct
{
	const char *label;
	const char *name;
	size_t offset;
} settings[] = {
	{"max_connections setting:", "max_connections", offsetof(ControlData, max_connections)},
	{"max_worker_processes setting:", "max_worker_processes",
	 offsetof(ControlData, max_worker_processes)},
	{"max_wal_senders setting:", "max_wal_senders", offsetof(ControlData, max_wal_senders)},
	{"max_prepared_xacts setting:", "max_prepared_transactions",
	 offsetof(ControlData, max_prepared_transactions)},
	{"max_locks_per_xact setting:", "max_locks_per_transaction",
	 offsetof(ControlData, max_locks_per_transaction)},
};

/* The value of a label at the beginning of a line. */
static bool
find_value(const char *text, const char *label, char *value, size_t size)
{
	size_t length = strlen(label);

	while (strncmp(text, label, length) != 0)
	{
		text = strchr(text, '\n');
		if (text++ == NULL)
			return false;
	}
	text += length + strspn(text + length, " ");
	snprintf(value, size, "%.*s", (int) strcspn(text, "\n"), text);
	return true;
}

bool
control_data_parse(const char *text, ControlData *control)
{
	char number[32];

	*control = (ControlData){0};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		if (!find_value(text, texts[i].label, (char *) control + texts[i].offset, texts[i].size))
			return false;
	}
	if (!find_value(text, "Latest checkpoint's TimeLineID:", number, sizeof(number)))
		return false;
	control->timeline = (uint32_t) strtoul(number, NULL, 10);
	if (!find_value(text, "Bytes per WAL segment:", number, sizeof(number)))
		return false;
	control->wal_segment_size = strtoll(number, NULL, 10);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
	{
		if (!find_value(text, settings[i].label, number, sizeof(number)))
			return false;
		*(int *) ((char *) control + settings[i].offset) = (int) strtol(number, NULL, 10);
	}
	return control->timeline > 0 && control->wal_segment_size > 0;
}

bool
control_data_read(const char *postgres_bin, const char *data_directory, ControlData *control,
				  PgbrError *error)
{
	char program[4200];
	char fenced[4200];
	const char *argv[] = {"env", "LC_ALL=C", program, "-D", data_directory, NULL};
	ProcessOutput output;
	bool ok;

	snprintf(program, sizeof(program), "%s%spg_controldata", postgres_bin,
			 postgres_bin[0] ? "/" : "");
	if (fence_has_control(data_directory))
	{
		snprintf(fenced, sizeof(fenced), "%s/" FENCE_FOLDER, data_directory);
		argv[4] = fenced;
	}
	process_output_init(&output);
	ok = process_run(argv, NULL, TIMEOUT_MS, MAX_OUTPUT, -1, &output, error);
	if (ok && (!WIFEXITED(output.status) || WEXITSTATUS(output.status) != 0 ||
			   !control_data_parse(output.out.data, control)))
	{
		output.err.data[strcspn(output.err.data, "\n")] = '\0';
		ok = pgbr_error_set(error, PGBR_ERROR_STORAGE,
							"could not read the control data of \"%s\": %s", data_directory,
							output.err.data);
	}
	process_output_done(&output);
	return ok;
}

bool
control_data_is_clean(const ControlData *control)
{
	return strcmp(control->state, "shut down") == 0 ||
		   strcmp(control->state, "shut down in recovery") == 0;
}

bool
control_data_is_replica(const ControlData *control)
{
	return strcmp(control->state, "in archive recovery") == 0 ||
		   strcmp(control->state, "shut down in recovery") == 0;
}

json_t *
control_data_json(const ControlData *control)
{
	json_t *json = json_pack(
		"{ss ss ss ss ss ss ss sI sI}", "state", control->state, "system_identifier",
		control->system_identifier, "checkpoint_lsn", control->checkpoint_lsn, "redo_lsn",
		control->redo_lsn, "min_recovery_lsn", control->min_recovery_lsn, "checkpoint_time",
		control->checkpoint_time, "next_xid", control->next_xid, "timeline",
		(json_int_t) control->timeline, "wal_segment_size", (json_int_t) control->wal_segment_size);

	for (size_t i = 0; json && i < sizeof(settings) / sizeof(settings[0]); i++)
		json_object_set_new(
			json, settings[i].name,
			json_integer(*(const int *) ((const char *) control + settings[i].offset)));
	return json;
}
