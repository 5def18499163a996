/*
 * vocabulary.c
 *		See vocabulary.h.
 */
#include "common/vocabulary.h"

#include "common/visible.h"

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char *const backup_types[] = {
	[PGBR_BACKUP_INCR] = "incr",
	[PGBR_BACKUP_DIFF] = "diff",
	[PGBR_BACKUP_FULL] = "full",
};

static const char *const job_kinds[] = {
	[PGBR_JOB_BACKUP] = "backup",
	[PGBR_JOB_EXPIRE] = "expire",
	[PGBR_JOB_VERIFY] = "verify",
	[PGBR_JOB_CHECK] = "check",
	[PGBR_JOB_STANZA_CREATE] = "stanza-create",
	[PGBR_JOB_STANZA_UPGRADE] = "stanza-upgrade",
	[PGBR_JOB_ANNOTATE] = "annotate",
	[PGBR_JOB_NODE_MARK] = "node-mark",
	[PGBR_JOB_NODE_STOP] = "node-stop",
	[PGBR_JOB_NODE_ARCHIVE] = "node-archive",
	[PGBR_JOB_NODE_KEEP] = "node-keep",
	[PGBR_JOB_NODE_RESTORE] = "node-restore",
	[PGBR_JOB_NODE_RECOVER] = "node-recover",
	[PGBR_JOB_NODE_UNFENCE] = "node-unfence",
};

static const char *const job_states[] = {
	[PGBR_STATE_QUEUED] = "queued",		  [PGBR_STATE_RUNNING] = "running",
	[PGBR_STATE_SUCCEEDED] = "succeeded", [PGBR_STATE_FAILED] = "failed",
	[PGBR_STATE_CANCELLED] = "cancelled", [PGBR_STATE_INTERRUPTED] = "interrupted",
};

static const char *const verdicts[] = {
	[PGBR_VERDICT_OK] = "ok",
	[PGBR_VERDICT_WARN] = "warn",
	[PGBR_VERDICT_UNKNOWN] = "unknown",
	[PGBR_VERDICT_FAIL] = "fail",
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
	return kind >= PGBR_JOB_NODE_MARK;
}

bool
pgbr_job_state_is_final(PgbrJobState state)
{
	return state != PGBR_STATE_QUEUED && state != PGBR_STATE_RUNNING;
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
