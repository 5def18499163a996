// links: ctl
// runs: 60000
/*
 * conf_fuzz.c
 *		Any bytes as a values file: what is rendered holds an option a line and nothing else, and no
 *		secret. And any bytes as a pgbackrest.conf.
 */
#include "ctl/conf/conf_write.h"
#include "ctl/conf/pgbackrest_conf.h"
#include "program/pgbackrest_file.h"
#include "fuzz.h"

static size_t
lines_of(const char *text)
{
	size_t count = 0;

	for (; (text = strchr(text, '\n')); text++)
		count++;
	return count;
}

static void
check_rendered(const Conf *conf)
{
	PgbackrestFile file = PGBACKREST_FILE_INIT;
	PgbrError error = PGBR_ERROR_INIT;
	size_t at = 0;
	size_t secrets = 0;
	StrBuf out;

	strbuf_init(&out);
	conf_write(conf, &out);
	MUST(pgbackrest_file_add(&file, "rendered", out.data, out.length, &error));
	for (int in_stanza = 0; in_stanza < 2; in_stanza++)
	{
		for (size_t i = 0; i < conf->count; i++)
		{
			const ConfOption *option = &conf->options[i];

			if (option->secret || option->in_stanza != in_stanza)
				continue;
			MUST(at < file.count && strcmp(file.options[at].name, option->name) == 0);
			MUST(strcmp(file.options[at].value, option->value) == 0);
			MUST(strcmp(file.options[at++].section, in_stanza ? conf->stanza : "global") == 0);
		}
	}
	MUST(at == file.count);
	strbuf_clear(&out);
	conf_write_environment(conf, &out);
	for (size_t i = 0; i < conf->count; i++)
		secrets += conf->options[i].secret;
	MUST(lines_of(out.data) == secrets);
	strbuf_done(&out);
	pgbackrest_file_done(&file);
}

static void
check_file(const char *data, size_t size)
{
	PgbackrestFile file = PGBACKREST_FILE_INIT;
	PgbrError error = PGBR_ERROR_INIT;
	char stanza[65];
	size_t from = 0;

	if (!pgbackrest_file_add(&file, "fuzz", data, size, &error))
		MUST(error.code == PGBR_ERROR_CONFIG && error.hint[0]);
	for (size_t i = 0; i < file.count; i++)
	{
		MUST(file.options[i].section[0] && file.options[i].name[0] && file.options[i].value[0]);
		MUST(file.options[i].line > 0 && strchr(file.options[i].value, '\n') == NULL);
	}
	while (pgbackrest_file_stanza(&file, &from, stanza, sizeof(stanza)))
		pgbackrest_file_last_repo(&file, stanza);
	pgbackrest_file_done(&file);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const ConfMember member = {.name = "m1"};
	PgbrValues values;
	PgbrError error = PGBR_ERROR_INIT;
	Conf conf;

	check_file((const char *) data, size);
	if (!pgbr_values_parse("fuzz", (const char *) data, size, &values, &error))
		return 0;
	MUST(conf_make("fuzz", &values, &member, &conf, &error));
	for (size_t i = 0; i < conf.problem_count; i++)
		MUST(conf.problems[i].detail[0] && conf.problems[i].hint[0]);
	if (conf.problem_count == 0)
		check_rendered(&conf);
	conf_done(&conf);
	pgbr_values_done(&values);
	return 0;
}
