/*
 * control_data.c
 *		See control_data.h.
 */
#include "sidecar/postgres/control_data.h"

#include "common/vocabulary.h"
#include "program/process.h"
#include "sidecar/postgres/fence.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define TIMEOUT_MS 30000
#define MAX_OUTPUT 65536

static bool
is_words(const char *text)
{
	return text[0] && pgbr_is_plain_text(text, 64);
}

static bool
is_number(const char *text)
{
	return text[0] && text[strspn(text, "0123456789")] == '\0';
}

/* "0:735" */
static bool
is_xid(const char *text)
{
	return text[0] && text[strspn(text, "0123456789:")] == '\0';
}

#define TEXT(label, field, grammar)                                                      \
	{                                                                                    \
		label, offsetof(ControlData, field), sizeof(((ControlData *) 0)->field), grammar \
	}

static const struct
{
	const char *label;
	size_t offset;
	size_t size;
	bool (*is_valid)(const char *text);
} texts[] = {
	TEXT("Database cluster state:", state, is_words),
	TEXT("Database system identifier:", system_identifier, is_number),
	TEXT("Latest checkpoint location:", checkpoint_lsn, pgbr_is_lsn),
	TEXT("Latest checkpoint's REDO location:", redo_lsn, pgbr_is_lsn),
	TEXT("Minimum recovery ending location:", min_recovery_lsn, pgbr_is_lsn),
	TEXT("Time of latest checkpoint:", checkpoint_time, is_words),
	TEXT("Latest checkpoint's NextXID:", next_xid, is_xid),
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
		if (text == NULL)
			return false;
		text++;
	}
	text += length + strspn(text + length, " ");
	/* what is cut off is no value */
	return snprintf(value, size, "%.*s", (int) strcspn(text, "\n"), text) < (int) size;
}

/* The number of a label, from least to most. */
static bool
find_number(const char *text, const char *label, int64_t least, int64_t most, int64_t *number)
{
	char digits[16];

	if (!find_value(text, label, digits, sizeof(digits)) || !is_number(digits))
		return false;
	*number = strtoll(digits, NULL, 10);
	return *number >= least && *number <= most;
}

bool
control_data_parse(const char *text, ControlData *control)
{
	int64_t number;

	*control = (ControlData){0};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		char *target = (char *) control + texts[i].offset;

		if (!find_value(text, texts[i].label, target, texts[i].size) || !texts[i].is_valid(target))
			return false;
	}
	if (!find_number(text, "Latest checkpoint's TimeLineID:", 1, UINT32_MAX, &number))
		return false;
	control->timeline = (uint32_t) number;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
	{
		if (!find_number(text, settings[i].label, 0, INT_MAX, &number))
			return false;
		*(int *) ((char *) control + settings[i].offset) = (int) number;
	}
	/* a power of two from 1 MB to 1 GB */
	return find_number(text, "Bytes per WAL segment:", 1 << 20, 1 << 30,
					   &control->wal_segment_size) &&
		   (control->wal_segment_size & (control->wal_segment_size - 1)) == 0;
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
		strbuf_keep_line(&output.err);
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

bool
control_data_needs_more(const ControlData *control, const ControlData *before)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
	{
		size_t offset = settings[i].offset;

		if (*(const int *) ((const char *) control + offset) >
			*(const int *) ((const char *) before + offset))
			return true;
	}
	return false;
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
