/*
 * config_check.c
 *		The verb config check: what is wrong with a values file or a pgbackrest.conf, what its
 *		retention keeps, and what it would do to the backups there are. The backups come from a
 *		sidecar, and the retention of the checked file is applied to them, not the sidecar's own. So
 *		a retention can be tried before it is in force.
 */
#include "ctl/verbs/verbs.h"

#include "common/cron.h"
#include "common/secret_file.h"
#include "ctl/conf/conf_check.h"
#include "ctl/conf/conf_words.h"
#include "ctl/conf/conf_write.h"
#include "ctl/print/fields.h"
#include "ctl/print/message.h"
#include "ctl/conf/pgbackrest_conf.h"
#include "ctl/verbs/config_judge.h"
#include "ctl/print/text.h"
#include "program/file.h"
#include "program/json.h"
#include "program/retention_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct CheckArguments
{
	const char *stanza;
	const char *pgbackrest;
	bool backups;
} CheckArguments;

static const OptionSpec options[] = {
	{"stanza", 0, OPTION_TEXT, ARGUMENT(CheckArguments, stanza), "NAME", NULL, 0, 0,
	 "the stanza (default: the file's, " CONF_DEFAULT_STANZA " for a values file)", false},
	{"pgbackrest", 0, OPTION_TEXT, ARGUMENT(CheckArguments, pgbackrest), "PROGRAM", NULL, 0, 0,
	 "program to run as pgbackrest, which judges the file (default: pgbackrest)", false},
	{"backups", 0, OPTION_FLAG, ARGUMENT(CheckArguments, backups), NULL, NULL, 0, 0,
	 "ask the sidecar for its backups: which would expire, and when", false},
	{NULL},
};

static const Field backup_fields[] = {
	{"repo", "repo", FIELD_NUMBER},
	{"label", "label", FIELD_TEXT},
	{"expires", "expires", FIELD_TEXT},
	{"kept_because", "kept_because", FIELD_TEXT},
	{"point_in_time", "point_in_time", FIELD_FLAG},
	{NULL},
};

/* What is known of the file, from wherever it came. */
typedef struct Checked
{
	PgbackrestFile file;
	bool is_conf;
	StrBuf text; /* of the pgbackrest.conf, or of the one that is rendered */
	char stanza[80];
	RetentionConfig retention;
	ConfFindings *findings;
	bool judged; /* by pgbackrest */
} Checked;

static bool
check_schedules(const char *name, const PgbrValues *values, PgbrError *error)
{
	const PgbrValuesText *schedules[] = {&values->full_schedule, &values->diff_schedule,
										 &values->incr_schedule};
	PgbrCron cron;

	for (size_t i = 0; i < sizeof(schedules) / sizeof(schedules[0]); i++)
	{
		if (schedules[i]->text && !pgbr_cron_parse(schedules[i]->text, &cron, NULL, error))
		{
			error->code = PGBR_ERROR_CONFIG;
			return pgbr_values_locate(name, schedules[i], error);
		}
	}
	return true;
}

/* For a values file, check the configuration that is rendered from it. */
static bool
take_values(const char *name, const StrBuf *text, const char *stanza, Checked *checked,
			PgbrError *error)
{
	const ConfMember member = {.stanza = stanza};
	PgbrValues values;
	Conf conf;
	bool ok;

	if (!pgbr_values_parse(name, text->data, text->length, &values, error))
		return false;
	ok = conf_make(name, &values, &member, &conf, error);
	if (ok)
	{
		conf_write(&conf, &checked->text);
		ok = conf.problem_count > 0
				 ? message_problems(conf.problems, conf.problem_count, error)
				 : check_schedules(name, &values, error) &&
					   pgbackrest_file_add(&checked->file, name, checked->text.data,
										   checked->text.length, error);
		conf_done(&conf);
	}
	pgbr_values_done(&values);
	return ok;
}

static bool
take_conf(const char *name, const StrBuf *text, Checked *checked, PgbrError *error)
{
	if (!pgbackrest_file_add(&checked->file, name, text->data, text->length, error))
		return false;
	conf_check(&checked->file, name, !pgbr_secret_file_check(name, NULL), checked->findings);
	return true;
}

/* Without pgbackrest the file is still checked, by what is known here. */
static bool
judge(const char *path, const CheckArguments *arguments, Checked *checked, PgbrError *error)
{
	char name[80];
	size_t from = 0;
	const ConfigCase what = {arguments->pgbackrest ? arguments->pgbackrest : "pgbackrest",
							 checked->is_conf ? path : NULL, &checked->text, checked->stanza,
							 pgbackrest_file_stanza(&checked->file, &from, name, sizeof(name))};

	checked->judged = config_judge(&what, checked->findings, error);
	if (checked->judged)
		return true;
	message_warning("pgbackrest did not judge the file: %s", error->message);
	return error->code == PGBR_ERROR_CONFIG || error->code == PGBR_ERROR_TIMEOUT;
}

/* Show what was found. False when something is refused. */
static bool
show_findings(const ConfFindings *findings, PgbrError *error)
{
	for (int i = 0; i < findings->warning_count; i++)
		message_finding(&findings->warnings[i]);
	return findings->problem_count == 0 ||
		   message_problems(findings->problems, (size_t) findings->problem_count, error);
}

static bool
take_text(const char *path, const StrBuf *text, const CheckArguments *arguments, Checked *checked,
		  PgbrError *error)
{
	checked->is_conf = conf_is_pgbackrest(text->data, text->length);
	return (checked->is_conf ? take_conf(path, text, checked, error)
							 : take_values(path, text, arguments->stanza, checked, error)) &&
		   (checked->findings->problem_count > 0 ||
			(conf_choose_stanza(&checked->file, arguments->stanza, CONF_DEFAULT_STANZA,
								checked->stanza, sizeof(checked->stanza), error) &&
			 judge(path, arguments, checked, error)));
}

static bool
take_file(const char *path, const CheckArguments *arguments, Checked *checked, PgbrError *error)
{
	StrBuf text;
	bool ok;

	checked->findings = calloc(1, sizeof(*checked->findings));
	if (checked->findings == NULL)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	strbuf_init(&text);
	ok = file_read(path, PGBR_VALUES_MAX_SIZE, &text, error) &&
		 take_text(path, &text, arguments, checked, error);
	strbuf_done(&text);
	/* what was found before a failure is told, too */
	if (!ok)
	{
		for (int i = 0; i < checked->findings->warning_count; i++)
			message_finding(&checked->findings->warnings[i]);
		return false;
	}
	return show_findings(checked->findings, error) &&
		   retention_settings_of_file(&checked->file, checked->stanza, false, &checked->retention,
									  error);
}

static json_t *
backup_row(const RetentionHistory *history, int index)
{
	const RetentionBackup *backup = &history->backups[index];
	json_t *row = json_object();
	char words[RETENTION_WORDS_SIZE];

	json_object_set_new(row, "repo", json_integer(backup->repo));
	json_put_text(row, "label", backup->label);
	retention_expires_words(history, index, words);
	json_put_text(row, "expires", words);
	retention_kept_words(history, index, words);
	json_put_text(row, "kept_because", words[0] ? words : NULL);
	json_object_set_new(row, "point_in_time", json_boolean(backup->point_in_time));
	return row;
}

/* How soon a backup expires: smaller is sooner, 0 is at the next expire; -1 never, as things
 * are. */
static int64_t
distance(const RetentionBackup *backup)
{
	int after = backup->after_full;

	if (backup->rule == RETENTION_PINNED || backup->rule == RETENTION_WAY_BACK_OF ||
		backup->rule == RETENTION_HOLDS_PIN)
		return -1;
	if (backup->goes)
		return 0;
	if (backup->after_diff > 0 && (after == 0 || backup->after_diff < after))
		after = backup->after_diff;
	/* backups that expire by time sort behind those that expire by number: the two can't be
	 * compared */
	return after > 0				? after
		   : backup->at > 0			? backup->at
		   : backup->days_after > 0 ? INT64_MAX
									: -1;
}

/* The backups of one repository that expire first: a text for each, sorted by label. */
static json_t *
next_to_go(const RetentionHistory *history, int repo)
{
	json_t *list = json_array();
	int64_t soonest = -1;

	for (int i = 0; i < history->count; i++)
	{
		int64_t own = distance(&history->backups[i]);

		if (history->backups[i].repo == repo && own >= 0 && (soonest < 0 || own < soonest))
			soonest = own;
	}
	for (int i = 0; soonest >= 0 && i < history->count; i++)
	{
		if (history->backups[i].repo == repo && distance(&history->backups[i]) == soonest)
			json_array_append_new(list, json_string(history->backups[i].label));
	}
	return list;
}

/* Add the sidecar's information about the stanza to the document, with the file's retention
 * applied. */
static bool
add_backups(const Context *context, const Checked *checked, json_t *document, PgbrError *error)
{
	RetentionHistory history = {.count = 0};
	json_t *info = NULL;
	json_t *wanted = NULL;
	json_t *rows = json_array();
	json_t *object;
	size_t i;
	bool ok = sidecar_client_call(&context->client, "GET", PGBR_PATH_INFO, NULL, 0, &info, error);

	json_array_foreach(json_object_get(info, "stanzas"), i, object)
	{
		if (json_text(object, "name") && strcmp(json_text(object, "name"), checked->stanza) == 0)
			wanted = object;
	}
	if (ok && wanted == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "the sidecar knows no stanza \"%s\"",
					   checked->stanza);
		ok = pgbr_error_hint(error, "Choose another one with --stanza; \"" PROGRAM_NAME
									" info\" lists the stanzas.");
	}
	ok = ok && retention_read(wanted, &history, error);
	if (ok)
	{
		retention_decide(&history, checked->retention.repos, checked->retention.count,
						 (int64_t) time(NULL));
		for (int row = 0; row < history.count; row++)
			json_array_append_new(rows, backup_row(&history, row));
		json_array_foreach(json_object_get(document, "repositories"), i, object)
		{
			json_object_set_new(object, "next_to_go",
								next_to_go(&history, (int) json_number(object, "repo", 0)));
		}
		json_object_set(document, "backups", rows);
	}
	json_decref(rows);
	retention_done(&history);
	json_decref(info);
	return ok;
}

static void
put_next(const json_t *repository, StrBuf *out)
{
	const json_t *list = json_object_get(repository, "next_to_go");
	size_t i;
	json_t *label;

	if (list == NULL)
		return;
	strbuf_puts(out, json_array_size(list) == 0 ? "  No backup expires, as things are."
												: "  Next to expire:");
	json_array_foreach((json_t *) list, i, label)
	{
		strbuf_puts(out, i == 0 ? " " : ", ");
		text_put_visible(out, json_string_value(label));
	}
	strbuf_putc(out, '\n');
}

static const char *
verdict(const json_t *document)
{
	if (json_number(document, "warnings", 0) > 0)
		return "see the warnings";
	return json_flag(document, "judged") ? "nothing is wrong with it"
										 : "nothing is wrong as far as is known without pgbackrest";
}

/* For people: what the file configures, a sentence a line. */
static void
put_summary(const json_t *document, StrBuf *out)
{
	size_t i;
	size_t j;
	json_t *repository;
	json_t *sentence;

	text_put_visible(out, json_text(document, "file"));
	strbuf_printf(out, ": %s, %s\nstanza %s\n", json_text(document, "kind"), verdict(document),
				  json_text(document, "stanza"));
	json_array_foreach(json_object_get(document, "repositories"), i, repository)
	{
		strbuf_printf(out, "\nrepository %lld (%s%s): ", json_number(repository, "repo", 0),
					  json_text(repository, "type"),
					  json_flag(repository, "encrypted") ? ", encrypted" : "");
		text_put_visible(out, json_text(repository, "where"));
		strbuf_putc(out, '\n');
		json_array_foreach(json_object_get(repository, "keeps"), j, sentence)
		{
			strbuf_printf(out, "  %s\n", json_string_value(sentence));
		}
		put_next(repository, out);
	}
}

static void
put_document(const json_t *document, OutputFormat format, StrBuf *out)
{
	const json_t *backups = json_object_get(document, "backups");
	size_t i;
	json_t *row;
	Table table;

	if (output_is_document(format))
	{
		output_put_document(document, format, out);
		return;
	}
	if (format == OUTPUT_PRETTY)
		put_summary(document, out);
	if (backups == NULL)
		return;
	fields_init_table(&table, backup_fields);
	json_array_foreach((json_t *) backups, i, row)
	{
		fields_add_row(&table, backup_fields, row, format == OUTPUT_PRETTY);
	}
	strbuf_puts(out, format == OUTPUT_PRETTY ? "\n" : "");
	output_put_table(&table, format, output_terminal_columns(stdout), out);
	table_done(&table);
}

static ExitCode
run_config_check(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const CheckArguments *arguments = argument;
	Checked checked = {.file = PGBACKREST_FILE_INIT};
	json_t *document = json_object();
	StrBuf out;
	bool ok;

	strbuf_init(&out);
	strbuf_init(&checked.text);
	ok = take_file(operand, arguments, &checked, error);
	if (ok)
	{
		json_put_text(document, "file", operand);
		json_put_text(document, "kind", checked.is_conf ? "pgbackrest.conf" : "values file");
		json_object_set_new(document, "judged", json_boolean(checked.judged));
		json_object_set_new(document, "warnings", json_integer(checked.findings->warning_count));
		json_put_text(document, "stanza", checked.stanza);
		json_object_set_new(document, "repositories",
							conf_repositories(&checked.file, checked.stanza, &checked.retention));
		ok = !arguments->backups || add_backups(context, &checked, document, error);
	}
	if (ok)
	{
		put_document(document, context->format, &out);
		ok = output_print(stdout, &out, error);
	}
	strbuf_done(&out);
	json_decref(document);
	free(checked.findings);
	strbuf_done(&checked.text);
	pgbackrest_file_done(&checked.file);
	return ok ? EXIT_OK : exit_code_of(error);
}

const Verb verb_config_check = {
	.name = "config check",
	.operand = "FILE",
	.summary = "check a values file or a pgbackrest.conf, and explain its retention",
	.description =
		"Reports every problem in the file, has pgbackrest judge it, and says in words what its\n"
		"retention keeps. With --backups it asks the sidecar for its backups and applies the "
		"file's\n"
		"retention to them: which would expire next, and what keeps the others. The retention in\n"
		"force there does not matter.\n",
	.options = options,
	.arguments_size = sizeof(CheckArguments),
	.run = run_config_check,
};
