// links:
// runs: 800000
/*
 * vocabulary_fuzz.c
 *		Any text against the grammar of values from outside: what a text that passes can't hold.
 */
#include "common/vocabulary.h"
#include "fuzz.h"

/* What may stand alone in an argv or a path: no blank, no quote, no shell's or option's sign. */
static void
check_word(const char *text, size_t max)
{
	MUST(text[0] && text[0] != '-' && strlen(text) <= max);
	MUST(strpbrk(text, " \t\r\n\"'`$\\/*?;&|<>=") == NULL);
	for (const char *p = text; *p; p++)
		MUST(*p > ' ' && *p < 0x7F);
}

static void
check_grammar(const char *text)
{
	size_t length = strlen(text);

	if (pgbr_is_job_id(text))
		check_word(text, 64);
	if (pgbr_is_stanza(text))
	{
		check_word(text, 64);
		MUST(text[0] != '.');
	}
	if (pgbr_is_annotation_key(text))
		check_word(text, 64);
	if (pgbr_is_backup_label(text))
		MUST(length == 16 || length == 33);
	if (pgbr_is_wal_segment(text))
		MUST(length == 24);
	if (pgbr_is_lsn(text))
		MUST(length >= 3 && length <= 17 && strchr(text, '/'));
	if (pgbr_is_restore_point_name(text))
		MUST(length <= 63 && pgbr_is_plain_text(text, 63) && strpbrk(text, "'\"\\\n") == NULL);
	if (pgbr_is_plain_text(text, 100))
		MUST(length <= 100 && pgbr_is_utf8(text, length));
}

static void
check_words(const char *text)
{
	PgbrBackupType type;
	PgbrJobKind kind;
	PgbrJobState state;

	if (pgbr_backup_type_parse(text, &type))
		MUST(strcmp(pgbr_backup_type_name(type), text) == 0);
	if (pgbr_job_kind_parse(text, &kind))
		MUST(strcmp(pgbr_job_kind_name(kind), text) == 0);
	if (pgbr_job_state_parse(text, &state))
		MUST(strcmp(pgbr_job_state_name(state), text) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	/* in a block of its own size, so that a byte too far is found */
	memcpy(text, data, size);
	text[size] = '\0';
	pgbr_is_utf8((const char *) data, size);
	check_grammar(text);
	check_words(text);
	free(text);
	return 0;
}
