/*
 * vocabulary.h
 *		The words that the extension, the sidecar and the control binary share, between enum and
 *		text, and the grammar of every value from outside.
 *
 * The words are pgBackRest's own if it has one. All functions are pure and thread-safe; the
 * returned texts are constants.
 */
#ifndef PGBR_VOCABULARY_H
#define PGBR_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Each table owns its words: the enum, the texts and the list for messages are made of it. FIRST
 * stands for X in its first row.
 */

/* Name, text, strength: a stronger type covers a weaker one. */
#define PGBR_BACKUP_TYPE_TABLE(FIRST, X) \
	FIRST(FULL, "full", 2)               \
	X(DIFF, "diff", 1)                   \
	X(INCR, "incr", 0)

/* Name, text, whether it is a step of a restore (it belongs to one, is asked for there, and no
 * other jobs run meanwhile), whether pgbackrest holds the lock of the stanza while it runs. */
#define PGBR_JOB_KIND_TABLE(FIRST, X)                \
	FIRST(BACKUP, "backup", false, true)             \
	X(EXPIRE, "expire", false, true)                 \
	X(VERIFY, "verify", false, false)                \
	X(CHECK, "check", false, false)                  \
	X(STANZA_CREATE, "stanza-create", false, true)   \
	X(STANZA_UPGRADE, "stanza-upgrade", false, true) \
	X(ANNOTATE, "annotate", false, false)            \
	X(NODE_MARK, "node-mark", true, false)           \
	X(NODE_STOP, "node-stop", true, false)           \
	X(NODE_ARCHIVE, "node-archive", true, false)     \
	X(NODE_KEEP, "node-keep", true, false)           \
	X(NODE_RESTORE, "node-restore", true, false)     \
	X(NODE_RECOVER, "node-recover", true, false)     \
	X(NODE_UNFENCE, "node-unfence", true, false)

/* Name, text, whether a job in this state will not change any more. */
#define PGBR_JOB_STATE_TABLE(FIRST, X)                        \
	FIRST(QUEUED, "queued", false)                            \
	X(RUNNING, "running", false)                              \
	X(SUCCEEDED, "succeeded", true)                           \
	X(FAILED, "failed", true)                                 \
	X(CANCELLED, "cancelled", true)                           \
	/* the sidecar or its host went down while the job ran */ \
	X(INTERRUPTED, "interrupted", true)

/* Name, text. How a check of "doctor" ended, by weight: what could not be learned weighs more
 * than a warning. */
#define PGBR_VERDICT_TABLE(FIRST, X) \
	FIRST(OK, "ok")                  \
	X(WARN, "warn")                  \
	X(UNKNOWN, "unknown")            \
	X(FAIL, "fail")

typedef enum PgbrBackupType
{
#define X(name, text, strength) PGBR_BACKUP_##name = strength,
	PGBR_BACKUP_TYPE_TABLE(X, X)
#undef X
} PgbrBackupType;

typedef enum PgbrJobKind
{
#define X(name, text, is_step, locks) PGBR_JOB_##name,
	PGBR_JOB_KIND_TABLE(X, X)
#undef X
	PGBR_JOB_KIND_COUNT,
} PgbrJobKind;

typedef enum PgbrJobState
{
#define X(name, text, is_final) PGBR_STATE_##name,
	PGBR_JOB_STATE_TABLE(X, X)
#undef X
} PgbrJobState;

typedef enum PgbrVerdict
{
#define X(name, text) PGBR_VERDICT_##name,
	PGBR_VERDICT_TABLE(X, X)
#undef X
} PgbrVerdict;

/* The texts of all values, separated by ", ", for messages and help. */
#define PGBR_FIRST_WORD(name, text, ...) text
#define PGBR_NEXT_WORD(name, text, ...)	 ", " text
#define PGBR_BACKUP_TYPES				 PGBR_BACKUP_TYPE_TABLE(PGBR_FIRST_WORD, PGBR_NEXT_WORD)
#define PGBR_JOB_KINDS					 PGBR_JOB_KIND_TABLE(PGBR_FIRST_WORD, PGBR_NEXT_WORD)
#define PGBR_JOB_STATES					 PGBR_JOB_STATE_TABLE(PGBR_FIRST_WORD, PGBR_NEXT_WORD)

/* The text of a value; never NULL. */
extern const char *pgbr_backup_type_name(PgbrBackupType type);
extern const char *pgbr_job_kind_name(PgbrJobKind kind);
extern const char *pgbr_job_state_name(PgbrJobState state);
extern const char *pgbr_verdict_name(PgbrVerdict outcome);

/* The value of a text, letter by letter; false when there is none. */
extern bool pgbr_backup_type_parse(const char *text, PgbrBackupType *type);
extern bool pgbr_job_kind_parse(const char *text, PgbrJobKind *kind);
extern bool pgbr_job_state_parse(const char *text, PgbrJobState *state);
extern bool pgbr_verdict_parse(const char *text, PgbrVerdict *outcome);

/* As the tables say; false for what is in none. */
extern bool pgbr_job_kind_is_step(PgbrJobKind kind);
extern bool pgbr_job_kind_locks_stanza(PgbrJobKind kind);
extern bool pgbr_job_state_is_final(PgbrJobState state);

/* Where the sidecar serves what. */
#define PGBR_PATH_JOBS			 "/v1/jobs"
#define PGBR_PATH_INFO			 "/v1/info"
#define PGBR_PATH_NODE			 "/v1/node"
#define PGBR_PATH_DOCTOR		 "/v1/doctor"
#define PGBR_PATH_WAL			 "/v1/wal"
#define PGBR_PATH_RESTORE_POINTS "/v1/restore-points"
#define PGBR_PATH_RESTORES		 "/v1/restores"
#define PGBR_PATH_ARCHIVE		 "/v1/archive"
#define PGBR_PATH_AUDIT			 "/v1/audit"

/* The default address of a sidecar, for itself and for its clients. */
#define PGBR_DEFAULT_SOCKET "/var/run/postgresql/pgbackrest_sidecar.sock"
#define PGBR_DEFAULT_URL	"unix:" PGBR_DEFAULT_SOCKET
#define PGBR_DEFAULT_PORT	8430 /* of one that other hosts ask */

/* pgBackRest numbers its repositories from 1 to this. */
#define PGBR_REPO_MAX 256

/* The longest name of an option of pgbackrest.conf that is taken. */
#define PGBR_OPTION_NAME_MAX 64

/* The grammar of values from outside. Each takes a NUL-terminated text.
 *	job id                  [A-Za-z0-9_.:-], 1 to 64, not starting with '-'
 *	backup label    pgBackRest's: YYYYMMDD-HHMMSSF[_YYYYMMDD-HHMMSS(D|I)]
 *	archive id              pgBackRest's: a version of PostgreSQL, '-', a number
 *	stanza                  [A-Za-z0-9_.-], 1 to 64, not starting with '-' or '.'
 *	annotation key  [A-Za-z0-9_.-], 1 to 64, not starting with '-'
 *	plain text              valid UTF-8 without control characters, at most max bytes
 *	restore point   PostgreSQL's limit of 1 to 63 bytes; plain text without quotes or backslash,
 *	no
 *					blank at either end: a name goes into postgresql.auto.conf at a restore
 *	LSN                             X/X, each side 1 to 8 hexadecimal digits
 *	WAL segment             24 hexadecimal digits, upper case
 *	option name             of pgbackrest.conf: [a-z0-9-], at most 64, beginning with a letter
 *	secret                  plain text of at most 4096 bytes without quotes or backslash, no
 *	blank at either end, so
 *					that every reader of environment files takes it for the same text
 * */
extern bool pgbr_is_job_id(const char *text);
extern bool pgbr_is_backup_label(const char *text);
extern bool pgbr_is_archive_id(const char *text);
extern bool pgbr_is_stanza(const char *text);
extern bool pgbr_is_annotation_key(const char *text);
extern bool pgbr_is_plain_text(const char *text, size_t max);
extern bool pgbr_is_restore_point_name(const char *text);
extern bool pgbr_is_lsn(const char *text);
extern bool pgbr_is_wal_segment(const char *text);
extern bool pgbr_is_option_name(const char *text);
extern bool pgbr_is_secret(const char *text);

/* What pgbr_is_secret wants, a sentence. */
#define PGBR_SECRET_RULE "Write it on one line, without quotes, backslashes or blanks around it."

/* True for an option of pgbackrest.conf whose value must be kept from others: repoN-s3-key, ... */
extern bool pgbr_is_secret_option(const char *name);

/* True when the bytes are valid UTF-8 (RFC 3629: no surrogates, no overlong forms). */
extern bool pgbr_is_utf8(const char *text, size_t length);

#endif
