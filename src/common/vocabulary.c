/*
 * vocabulary.c
 *		See vocabulary.h.
 */
#include "common/vocabulary.h"

#include "common/visible.h"

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char *const backup_types[] = {
#define X(name, text, strength) [PGBR_BACKUP_##name] = text,
	PGBR_BACKUP_TYPE_TABLE(X, X)
#undef X
};

static const char *const job_kinds[] = {
#define X(name, text, is_step, locks) text,
	PGBR_JOB_KIND_TABLE(X, X)
#undef X
};

static const char *const job_states[] = {
#define X(name, text, is_final) text,
	PGBR_JOB_STATE_TABLE(X, X)
#undef X
};

static const char *const verdicts[] = {
#define X(name, text) text,
	PGBR_VERDICT_TABLE(X, X)
#undef X
};

static const char *
name_of(const char *const *names, size_t count, size_t value)
{
	return value < count ? names[value] : "unknown";
}

static bool
value_of(const char *const *names, size_t count, const char *text, size_t *value)
{
	for (size_t i = 0; i < count; i++)
	{
		if (strcmp(names[i], text) == 0)
		{
			*value = i;
			return true;
		}
	}
	return false;
}

const char *
pgbr_backup_type_name(PgbrBackupType type)
{
	return name_of(backup_types, LENGTH(backup_types), type);
}

const char *
pgbr_job_kind_name(PgbrJobKind kind)
{
	return name_of(job_kinds, LENGTH(job_kinds), kind);
}

const char *
pgbr_job_state_name(PgbrJobState state)
{
	return name_of(job_states, LENGTH(job_states), state);
}

const char *
pgbr_verdict_name(PgbrVerdict outcome)
{
	return name_of(verdicts, LENGTH(verdicts), (size_t) outcome);
}

bool
pgbr_backup_type_parse(const char *text, PgbrBackupType *type)
{
	size_t value;

	if (!value_of(backup_types, LENGTH(backup_types), text, &value))
		return false;
	*type = (PgbrBackupType) value;
	return true;
}

bool
pgbr_job_kind_parse(const char *text, PgbrJobKind *kind)
{
	size_t value;

	if (!value_of(job_kinds, LENGTH(job_kinds), text, &value))
		return false;
	*kind = (PgbrJobKind) value;
	return true;
}

bool
pgbr_job_state_parse(const char *text, PgbrJobState *state)
{
	size_t value;

	if (!value_of(job_states, LENGTH(job_states), text, &value))
		return false;
	*state = (PgbrJobState) value;
	return true;
}

bool
pgbr_verdict_parse(const char *text, PgbrVerdict *outcome)
{
	size_t value;

	if (!value_of(verdicts, LENGTH(verdicts), text, &value))
		return false;
	*outcome = (PgbrVerdict) value;
	return true;
}

bool
pgbr_job_kind_is_step(PgbrJobKind kind)
{
	static const bool are[] = {
#define X(name, text, is_step, locks) is_step,
		PGBR_JOB_KIND_TABLE(X, X)
#undef X
	};

	return (size_t) kind < LENGTH(are) && are[kind];
}

bool
pgbr_job_kind_locks_stanza(PgbrJobKind kind)
{
	static const bool do_lock[] = {
#define X(name, text, is_step, locks) locks,
		PGBR_JOB_KIND_TABLE(X, X)
#undef X
	};

	return (size_t) kind < LENGTH(do_lock) && do_lock[kind];
}

bool
pgbr_job_state_is_final(PgbrJobState state)
{
	static const bool are[] = {
#define X(name, text, is_final) is_final,
		PGBR_JOB_STATE_TABLE(X, X)
#undef X
	};

	return (size_t) state < LENGTH(are) && are[state];
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alphanumeric(char c)
{
	return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

/* 1 to max letters, digits and the given marks; what would read as an option is refused. */
static bool
is_word(const char *text, const char *marks, size_t max)
{
	size_t length = 0;

	if (text[0] == '-')
		return false;
	for (; text[length]; length++)
	{
		if (length == max || (!is_alphanumeric(text[length]) && !strchr(marks, text[length])))
			return false;
	}
	return length > 0;
}

bool
pgbr_is_job_id(const char *text)
{
	return is_word(text, "_.:-", 64);
}

static const char *
skip_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits <= 6 ? text + digits : NULL;
}

bool
pgbr_is_archive_id(const char *text)
{
	text = skip_number(text);
	/* PostgreSQL 10 and later have one number */
	if (text && *text == '.')
		text = skip_number(text + 1);
	text = text && *text == '-' ? skip_number(text + 1) : NULL;
	return text && *text == '\0';
}

bool
pgbr_is_stanza(const char *text)
{
	return text[0] != '.' && is_word(text, "_.-", 64);
}

bool
pgbr_is_annotation_key(const char *text)
{
	return is_word(text, "_.-", 64);
}

/* YYYYMMDD-HHMMSS; the moments themselves are pgBackRest's business. */
static bool
is_label_time(const char *text)
{
	for (int i = 0; i < 15; i++)
	{
		if (i == 8 ? text[i] != '-' : !is_digit(text[i]))
			return false;
	}
	return true;
}

bool
pgbr_is_backup_label(const char *text)
{
	if (!is_label_time(text) || text[15] != 'F')
		return false;
	if (text[16] == '\0')
		return true;
	return text[16] == '_' && is_label_time(text + 17) && (text[32] == 'D' || text[32] == 'I') &&
		   text[33] == '\0';
}

bool
pgbr_is_utf8(const char *text, size_t length)
{
	const char *end = text + length;
	PgbrCharacter character;

	while (pgbr_character_next(&text, end, &character))
	{
		if (!character.valid)
			return false;
	}
	return true;
}

bool
pgbr_is_plain_text(const char *text, size_t max)
{
	PgbrCharacter character;

	if (strlen(text) > max)
		return false;
	while (pgbr_character_next(&text, NULL, &character))
	{
		/* C0, DEL and C1 */
		if (!character.valid || character.point < 0x20 ||
			(character.point >= 0x7F && character.point <= 0x9F))
			return false;
	}
	return true;
}

bool
pgbr_is_restore_point_name(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && pgbr_is_plain_text(text, 63) && strpbrk(text, "'\"\\`") == NULL &&
		   text[0] != ' ' && text[length - 1] != ' ';
}

bool
pgbr_is_lsn(const char *text)
{
	for (int side = 0; side < 2; side++)
	{
		int digits = 0;

		for (; is_hex(*text); text++)
		{
			if (++digits > 8)
				return false;
		}
		if (digits == 0 || *text != (side == 0 ? '/' : '\0'))
			return false;
		text++;
	}
	return true;
}

bool
pgbr_is_wal_segment(const char *text)
{
	int length = 0;

	for (; text[length]; length++)
	{
		if (length == 24 || !is_hex(text[length]) || (text[length] >= 'a' && text[length] <= 'f'))
			return false;
	}
	return length == 24;
}

bool
pgbr_is_option_name(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return length > 0 && length <= PGBR_OPTION_NAME_MAX && text[length] == '\0' && text[0] >= 'a';
}

bool
pgbr_is_secret(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && pgbr_is_plain_text(text, 4096) && strpbrk(text, "'\"\\`") == NULL &&
		   text[0] != ' ' && text[length - 1] != ' ';
}

bool
pgbr_is_secret_option(const char *name)
{
	/* those that pgBackRest does not log */
	static const char *const endings[] = {
		"-azure-account",
		"-azure-key",
		"-cipher-pass",
		"-gcs-key",
		"-s3-key",
		"-s3-key-secret",
		"-s3-sse-customer-key",
		"-s3-token",
		"-sftp-private-key-passphrase",
	};

	if (strncmp(name, "repo", 4) != 0)
		return false;
	name += 4;
	while (is_digit(*name))
		name++;
	for (size_t i = 0; i < LENGTH(endings); i++)
	{
		if (strcmp(name, endings[i]) == 0)
			return true;
	}
	return false;
}
