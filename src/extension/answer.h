/*
 * answer.h
 *		What the sidecar's answers must look like, and reading them.
 *
 * SQL turns answers into rows with plain casts. Each answer is first compared with a table: the
 * members that are used, their types, and whether they may be missing. So a strange answer gives
 * one clear error, never that of a cast. The tables follow docs/reference/openapi.yaml. Members
 * that they don't name are ignored. pgbackrest's versions differ, so only the names in its own
 * document are required.
 */
#ifndef PGBR_ANSWER_H
#define PGBR_ANSWER_H

#include "utils/jsonb.h"

typedef enum AnswerKind
{
	ANSWER_TEXT,
	ANSWER_JOB_ID, /* a text that has its grammar (vocabulary.h) */
	ANSWER_FLAG,
	ANSWER_NUMBER,
	ANSWER_SECONDS, /* from 0 to the year 9999 when counted from 1970 */
	ANSWER_INT4,	/* whole, in the range of integer */
	ANSWER_INT8,	/* whole, in the range of bigint */
	ANSWER_TIME,	/* a text that timestamptz takes */
	ANSWER_LSN,		/* a text that pg_lsn takes */
	ANSWER_XID,		/* a text that xid8 takes */
	ANSWER_TEXTS,	/* an array of texts */
	ANSWER_OBJECT,
	ANSWER_ARRAY, /* an array of objects */
	ANSWER_MAP,	  /* an object of objects, which may have any names */
} AnswerKind;

typedef struct AnswerMember
{
	const char *name; /* NULL ends a table */
	AnswerKind kind;
	bool required; /* neither missing nor null */
	const struct AnswerMember
		*members; /* of the object, or of each one in the array or map; NULL: any */
} AnswerMember;

extern const AnswerMember answer_job[];
extern const AnswerMember answer_jobs[];
extern const AnswerMember answer_audit[];
extern const AnswerMember answer_info[];
extern const AnswerMember answer_wal[];
extern const AnswerMember answer_restore_point[];
extern const AnswerMember answer_restore_points[];
extern const AnswerMember answer_problem[];

/* Raise 08P01 unless the answer is an object that fits the table. A text that its type rejects
 * raises that type's own error, which the caller translates. */
extern void answer_check(JsonbContainer *answer, const AnswerMember *members);

/* Members of an object; NULL, false or otherwise when they are missing, null or of another type.
 * A text is palloc'd and visible (common/visible.h), so it may be shown in a message; an object or
 * array is lent. */
extern char *answer_text(JsonbContainer *object, const char *name);
extern bool answer_flag(JsonbContainer *object, const char *name);
extern int answer_int(JsonbContainer *object, const char *name, int otherwise);
extern double answer_number(JsonbContainer *object, const char *name, double otherwise);
extern JsonbContainer *answer_object(JsonbContainer *object, const char *name);

#endif
