/*
 * compat.c
 *		See compat.h: bodies, and the sidecar's list of backups. The daemon's is in vault.c.
 */
#include "sidecar/compat/compat.h"

#include "common/vocabulary.h"
#include "program/json.h"
#include "program/pgbackrest_info.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct
{
	const char *name;
	size_t offset;
	size_t size;
} fields_known[] = {
#define FIELD(name, member)                                                           \
	{                                                                                 \
		name, offsetof(CompatFields, member), sizeof(((CompatFields *) NULL)->member) \
	}
	FIELD("timestamp", timestamp),
	FIELD("backupId", backup_id),
	FIELD("type", type),
	FIELD("target", target),
#undef FIELD
};

static bool
take_field(CompatFields *fields, const char *name, const char *value, PgbrError *error)
{
	for (size_t i = 0; i < sizeof(fields_known) / sizeof(fields_known[0]); i++)
	{
		if (strcasecmp(fields_known[i].name, name) != 0)
			continue;
		if (strlen(value) >= fields_known[i].size)
			return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "value of \"%s\" is too long",
								  fields_known[i].name);
		strcpy((char *) fields + fields_known[i].offset, value);
	}
	return true;
}

static bool
read_json(const char *body, size_t length, CompatFields *fields, PgbrError *error)
{
	json_t *object = json_parse(body, length, error);
	const char *key;
	json_t *value;
	bool ok = object != NULL;

	if (ok && !json_is_object(object))
		ok = pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "the body is not a JSON object");
	json_object_foreach(object, key, value)
	{
		bool known = false;

		for (size_t i = 0; i < sizeof(fields_known) / sizeof(fields_known[0]); i++)
			known = known || strcasecmp(fields_known[i].name, key) == 0;
		if (!ok || !known || json_is_null(value))
			continue;
		if (!json_is_string(value))
			ok =
				pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "value of \"%s\" is not a text", key);
		else
			ok = take_field(fields, key, json_string_value(value), error);
	}
	json_decref(object);
	return ok;
}

/* Decode one part of a form, up to an end, into text. False for a percent sign without two hex
 * digits, NUL, and what is not UTF-8. */
static bool
decode(const char *from, const char *end, StrBuf *text)
{
	strbuf_clear(text);
	for (; from < end; from++)
	{
		char digits[3] = {0};

		if (*from == '+')
			strbuf_putc(text, ' ');
		else if (*from != '%')
			strbuf_putc(text, *from);
		else if (end - from > 2 && isxdigit((unsigned char) from[1]) &&
				 isxdigit((unsigned char) from[2]))
		{
			memcpy(digits, from + 1, 2);
			strbuf_putc(text, (char) strtol(digits, NULL, 16));
			from += 2;
		}
		else
			return false;
	}
	return strlen(text->data) == text->length && pgbr_is_utf8(text->data, text->length);
}

static bool
read_form(const char *body, size_t length, CompatFields *fields, PgbrError *error)
{
	const char *end = body + length;
	StrBuf name;
	StrBuf value;
	bool ok = true;

	strbuf_init(&name);
	strbuf_init(&value);
	while (ok && body < end)
	{
		const char *stop = memchr(body, '&', (size_t) (end - body));
		const char *equals;

		stop = stop ? stop : end;
		equals = memchr(body, '=', (size_t) (stop - body));
		ok = decode(body, equals ? equals : stop, &name) &&
			 decode(equals ? equals + 1 : stop, stop, &value);
		if (!ok)
			pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "the form can't be read");
		else
			ok = take_field(fields, name.data, value.data, error);
		body = stop + 1;
	}
	strbuf_done(&name);
	strbuf_done(&value);
	return ok;
}

static bool
is_type(const char *content_type, const char *wanted)
{
	size_t length = content_type ? strcspn(content_type, "; \t") : 0;

	return length == strlen(wanted) && strncasecmp(content_type, wanted, length) == 0;
}

bool
compat_read_body(const char *content_type, const char *body, size_t length, CompatFields *fields,
				 PgbrError *error)
{
	memset(fields, 0, sizeof(*fields));
	if (is_type(content_type, "application/json"))
		return read_json(body, length, fields, error);
	if (is_type(content_type, "application/x-www-form-urlencoded"))
		return read_form(body, length, fields, error);
	return pgbr_error_set(error, PGBR_ERROR_UNSUPPORTED_MEDIA_TYPE,
						  "the body must be a form or JSON");
}

void
compat_job_timestamp(const Job *job, char *id)
{
	json_t *annotations = json_loads(job->request.annotations, 0, NULL);
	const char *given = json_text(annotations, "timestamp");

	pgbr_copy_text(id, JOB_ID_SIZE, given ? given : job->id);
	json_decref(annotations);
}

bool
compat_make_request(PgbrBackupType type, const char *timestamp, const char *claimed_by,
					JobRequest *request, PgbrError *error)
{
	*request = (JobRequest){.kind = PGBR_JOB_BACKUP, .type = type};
	pgbr_copy_text(request->claimed_by, sizeof(request->claimed_by), claimed_by);
	if (timestamp[0] == '\0')
		return true;
	if (!pgbr_is_job_id(timestamp))
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE,
							  "invalid timestamp: use up to 64 letters, digits and _ . : -");
	/* nothing in the grammar needs to be escaped */
	snprintf(request->annotations, sizeof(request->annotations), "{\"timestamp\":\"%s\"}",
			 timestamp);
	return true;
}

static const char *
timestamp_of(const InfoBackup *backup)
{
	return info_annotation(backup, "timestamp");
}

/* A backup as those clients know it. Of its annotations they know one. */
static json_t *
backup_json(const InfoBackup *backup)
{
	const char *timestamp = timestamp_of(backup);

	return json_pack("{s:o, s:b, s:{s:I, s:I}, s:s, s:s, s:{s:I, s:I}}", "annotation",
					 timestamp ? json_pack("{s:s}", "timestamp", timestamp) : json_null(), "error",
					 backup->error, "info", "delta", (json_int_t) backup->delta, "size",
					 (json_int_t) backup->size, "label", backup->label ? backup->label : "", "type",
					 backup->type ? backup->type : "", "timestamp", "start",
					 (json_int_t) backup->start, "stop", (json_int_t) backup->stop);
}

json_t *
compat_list(const json_t *stanza)
{
	json_t *list = json_array();
	InfoBackup backup;

	for (size_t i = 0; info_backup_at(stanza, i, &backup); i++)
		json_array_append_new(list, backup_json(&backup));
	return list;
}

json_t *
compat_status(const json_t *stanza, const char *timestamp)
{
	InfoBackup backup;

	for (size_t i = 0; info_backup_at(stanza, i, &backup); i++)
	{
		const char *own = timestamp_of(&backup);

		if (own && strcmp(own, timestamp) == 0)
			return backup_json(&backup);
	}
	/* one that is empty */
	return backup_json(&(InfoBackup){.label = ""});
}

const char *
compat_find_label(const json_t *stanza, const char *id)
{
	InfoBackup backup;

	for (size_t i = 0; info_backup_at(stanza, i, &backup); i++)
	{
		const char *timestamp = timestamp_of(&backup);

		if (backup.label &&
			(strcmp(backup.label, id) == 0 || (timestamp && strcmp(timestamp, id) == 0)))
			return backup.label;
	}
	return NULL;
}

static bool
reaches(const InfoBackup *backup, const RecoveryTarget *target)
{
	uint64_t lsn;

	if (backup->error || backup->label == NULL)
		return false;
	switch (target->type)
	{
		case RECOVERY_TIME:
			return info_time(backup->stop) * 1000000 < target->time_us;
		case RECOVERY_LSN:
			return backup->lsn_stop && recovery_lsn_parse(backup->lsn_stop, &lsn) &&
				   lsn <= target->lsn;
		default:
			return true;
	}
}

const char *
compat_choose_label(const json_t *stanza, const RecoveryTarget *target)
{
	const char *label = NULL;
	long long newest = 0;
	InfoBackup backup;

	for (size_t i = 0; info_backup_at(stanza, i, &backup); i++)
	{
		if (backup.stop > newest && reaches(&backup, target))
		{
			newest = backup.stop;
			label = backup.label;
		}
	}
	return label;
}
