/*
 * info.c
 *		The verb info: the backups there are, from the sidecar's copy of pgbackrest's information.
 */
#include "ctl/verbs/verbs.h"

#include "common/vocabulary.h"
#include "ctl/print/backup_list.h"
#include "ctl/print/fields.h"
#include "ctl/print/text.h"
#include "ctl/print/units.h"
#include "program/json.h"
#include "program/pgbackrest_info.h"

#include <stdio.h>

/* Seconds that the sidecar may take to refresh its copy. */
#define REFRESH_WAIT_S 60

typedef struct InfoArguments
{
	bool refresh;
	bool verbose;
} InfoArguments;

static const OptionSpec options[] = {
	{"refresh", 0, OPTION_FLAG, ARGUMENT(InfoArguments, refresh), NULL, NULL, 0, 0,
	 "have the sidecar refresh its copy first", false},
	{"verbose", 'v', OPTION_FLAG, ARGUMENT(InfoArguments, verbose), NULL, NULL, 0, 0,
	 "show all columns of each backup", false},
	{NULL},
};

static const Field fields[] = {
	{"stanza", "stanza", FIELD_TEXT},
	{"repo", "database.repo-key", FIELD_NUMBER},
	{"label", "label", FIELD_TEXT},
	{"type", "type", FIELD_TEXT},
	{"start", "timestamp.start", FIELD_EPOCH},
	{"stop", "timestamp.stop", FIELD_EPOCH},
	{"duration", "duration", FIELD_SECONDS},
	{"size", "info.size", FIELD_SIZE},
	{"repo_size", "info.repository.size", FIELD_SIZE},
	{"wal_start", "archive.start", FIELD_TEXT},
	{"wal_stop", "archive.stop", FIELD_TEXT},
	{"error", "error", FIELD_FLAG},
	{"expires", "retention.expires", FIELD_TEXT},
	{"kept_because", "retention.kept_because", FIELD_TEXT},
	{"annotation", "annotation", FIELD_PAIRS},
	{NULL},
};

static void
add_backup(Table *table, const json_t *info, const char *stanza, const InfoBackup *backup,
		   bool for_people)
{
	json_t *retention = backup_list_retention(info, backup);
	long long duration = backup_list_duration(backup);
	json_t *row = json_copy((json_t *) backup->document);

	if (row == NULL || !json_put_text(row, "stanza", stanza) ||
		(retention && json_object_set(row, "retention", retention) != 0) ||
		(duration >= 0 && json_object_set_new(row, "duration", json_integer(duration)) != 0))
		table->failed = true;
	else
		fields_add_row(table, fields, row, for_people);
	json_decref(row);
}

/* Print a line that was put together, within the width. */
static void
info_put_line(StrBuf *line, StrBuf *out)
{
	text_put_wrapped(out, line->data, output_columns(stdout), 2);
	out->failed |= line->failed;
	strbuf_done(line);
}

/* "stanza main: ok; repo 1: ok; a backup or expire is running" */
static void
put_status(const json_t *stanza, StrBuf *out)
{
	InfoStanza read;
	InfoRepo repo;
	StrBuf line;

	info_stanza_read(stanza, &read);
	strbuf_init(&line);
	strbuf_printf(&line, "stanza %s: %s", read.name ? read.name : "?",
				  read.status.message ? read.status.message : "unknown");
	for (size_t i = 0; info_repo_at(stanza, i, &repo); i++)
		strbuf_printf(&line, "; repo %lld: %s", repo.key,
					  repo.status.message ? repo.status.message : "unknown");
	if (read.backup_lock.held)
		strbuf_puts(&line, "; a backup or expire is running");
	info_put_line(&line, out);
}

/* How old the information is, and why it is not newer. */
static void
put_age(const json_t *info, StrBuf *out)
{
	const json_t *age = json_object_get(info, "age_seconds");
	const json_t *error = json_object_get(info, "error");
	const char *fetched_at = json_text(info, "fetched_at");
	char text[UNIT_TEXT];

	if (fetched_at == NULL)
		strbuf_puts(out, "the sidecar has no information from pgbackrest yet\n");
	else
	{
		strbuf_puts(out, "as of ");
		text_put_visible(out, fetched_at);
		strbuf_printf(out, ", %s ago\n",
					  unit_duration(text, sizeof(text), (long long) json_number_value(age)));
	}
	if (json_is_object(error))
	{
		const char *message = json_text(error, "message");
		StrBuf line;

		strbuf_init(&line);
		strbuf_printf(&line, "last refresh failed: %s", message ? message : "for a reason unknown");
		if (json_is_integer(json_object_get(error, "exit_code")))
			strbuf_printf(&line, " (pgbackrest's exit code %03lld)",
						  json_number(error, "exit_code", 0));
		info_put_line(&line, out);
	}
}

/* Since when any moment can be restored, and why the retention is unknown. */
static void
put_retention(const json_t *retention, StrBuf *out)
{
	const char *error = json_text(retention, "error");
	const char *repo;
	const char *archive;
	json_t *repository;
	json_t *wal;
	StrBuf line;

	if (error)
	{
		strbuf_init(&line);
		strbuf_printf(&line, "retention is not known: %s", error);
		info_put_line(&line, out);
	}
	json_object_foreach(json_object_get(retention, "repositories"), repo, repository)
	{
		json_object_foreach(json_object_get(repository, "archives"), archive, wal)
		{
			const char *from = json_text(wal, "point_in_time_from");

			if (from == NULL)
				continue;
			strbuf_init(&line);
			strbuf_printf(&line, "repo %s, archive %s: any moment since %s can be restored", repo,
						  archive, from);
			info_put_line(&line, out);
		}
	}
}

/* The overview for people: the state of the backups, and how far back any moment can be
 * restored. */
static void
put_head(const json_t *info, StrBuf *out)
{
	size_t index;
	json_t *stanza;

	json_array_foreach(json_object_get(info, "stanzas"), index, stanza) put_status(stanza, out);
	put_retention(json_object_get(info, "retention"), out);
	put_age(info, out);
}

/* All columns of each backup: for programs, and with --verbose. */
static void
put_all(const json_t *info, OutputFormat format, StrBuf *out)
{
	size_t i;
	json_t *stanza;
	Table table;

	fields_init_table(&table, fields);
	json_array_foreach(json_object_get(info, "stanzas"), i, stanza)
	{
		InfoStanza read;
		InfoBackup backup;

		info_stanza_read(stanza, &read);
		for (size_t j = 0; info_backup_at(stanza, j, &backup); j++)
			add_backup(&table, info, read.name, &backup, format == OUTPUT_PRETTY);
	}
	output_put_table(&table, format, output_terminal_columns(stdout), out);
	table_done(&table);
}

/* pgbackrest still exits with 0 when it could not read a repository, and just omits that
 * repository's backups. */
static bool
check_repositories(const json_t *info, PgbrError *error)
{
	size_t i;
	json_t *stanza;
	InfoRepo repo;

	json_array_foreach(json_object_get(info, "stanzas"), i, stanza)
	{
		for (size_t j = 0; info_repo_at(stanza, j, &repo); j++)
		{
			if (repo.status.code == INFO_STATUS_OTHER)
				return pgbr_error_set(error, PGBR_ERROR_PGBACKREST,
									  "repository %lld could not be read: %s", repo.key,
									  repo.status.message ? repo.status.message : "other");
		}
	}
	return true;
}

/*
 * The copy is always printed. The verb fails when there is no copy yet, when a requested refresh
 * failed, or when a repository could not be read.
 */
static ExitCode
judge_info(const json_t *info, bool refresh, PgbrError *error)
{
	const json_t *reason = json_object_get(info, "error");
	const char *message = json_text(reason, "message");

	if (json_text(info, "fetched_at") && !(refresh && json_is_object(reason)))
		return check_repositories(info, error) ? EXIT_OK : EXIT_FAILED;
	pgbr_error_set(error, PGBR_ERROR_PGBACKREST, "pgbackrest gave no %sinformation%s%s",
				   refresh ? "new " : "", message ? ": " : " yet", message ? message : "");
	if (json_text(reason, "hint"))
		pgbr_error_hint(error, "%s", json_text(reason, "hint"));
	return EXIT_FAILED;
}

static ExitCode
run_info(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const InfoArguments *arguments = argument;
	json_t *info = NULL;
	char path[64];
	int wait = arguments->refresh ? REFRESH_WAIT_S : 0;
	ExitCode code;
	StrBuf out;

	(void) operand;
	snprintf(path, sizeof(path), PGBR_PATH_INFO);
	if (arguments->refresh)
		snprintf(path, sizeof(path), PGBR_PATH_INFO "?refresh=true&wait=%d", wait);
	if (!sidecar_client_call(&context->client, "GET", path, NULL, wait, &info, error))
		return exit_code_of(error);
	strbuf_init(&out);
	if (output_is_document(context->format))
		output_put_document(info, context->format, &out);
	else
	{
		if (context->format == OUTPUT_PRETTY)
			put_head(info, &out);
		if (context->format == OUTPUT_PRETTY && !arguments->verbose)
			backup_list_put(info, output_columns(stdout), &out);
		else
			put_all(info, context->format, &out);
	}
	code = output_print(stdout, &out, error) ? judge_info(info, arguments->refresh, error)
											 : exit_code_of(error);
	strbuf_done(&out);
	json_decref(info);
	return code;
}

const Verb verb_info = {
	.name = "info",
	.summary = "show the backups there are",
	.description =
		"The sidecar answers from its copy of \"pgbackrest info\", and shows how old it is.\n"
		"Each backup has the time when it expires. A diff or incr is listed below its full "
		"backup,\n"
		"whose label comes before the _ of its own. Times are UTC. --verbose shows all columns, "
		"also\n"
		"what keeps a backup. The formats json and yaml give pgbackrest's own document, and what "
		"is\n"
		"known of retention beside it.\n",
	.options = options,
	.arguments_size = sizeof(InfoArguments),
	.run = run_info,
};
