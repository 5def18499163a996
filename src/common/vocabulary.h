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

/* Ordered by strength: a stronger type covers a weaker one. */
typedef enum PgbrBackupType
{
	PGBR_BACKUP_INCR,
	PGBR_BACKUP_DIFF,
	PGBR_BACKUP_FULL,
} PgbrBackupType;

typedef enum PgbrJobKind
{
	PGBR_JOB_BACKUP,
	PGBR_JOB_EXPIRE,
	PGBR_JOB_VERIFY,
	PGBR_JOB_CHECK,
	PGBR_JOB_STANZA_CREATE,
	PGBR_JOB_STANZA_UPGRADE,
	PGBR_JOB_ANNOTATE,
	/* what a member's node does in a restore; no other jobs run meanwhile */
	PGBR_JOB_NODE_MARK,
	PGBR_JOB_NODE_STOP,
	PGBR_JOB_NODE_ARCHIVE,
	PGBR_JOB_NODE_KEEP,
	PGBR_JOB_NODE_RESTORE,
	PGBR_JOB_NODE_RECOVER,
	PGBR_JOB_NODE_UNFENCE,
} PgbrJobKind;

typedef enum PgbrJobState
{
	PGBR_STATE_QUEUED,
	PGBR_STATE_RUNNING,
	PGBR_STATE_SUCCEEDED,
	PGBR_STATE_FAILED,
	PGBR_STATE_CANCELLED,
	PGBR_STATE_INTERRUPTED, /* the sidecar or its host went down while the job ran */
} PgbrJobState;

/* How a check of "doctor" ended, by weight: what could not be learned weighs more than a warning. */
typedef enum PgbrVerdict
{
	PGBR_VERDICT_OK,
	PGBR_VERDICT_WARN,
	PGBR_VERDICT_UNKNOWN,
	PGBR_VERDICT_FAIL,
} PgbrVerdict;

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

/* True for a step of a restore: it can only be requested for a restore. */
extern bool pgbr_job_kind_is_step(PgbrJobKind kind);

/* True when a job in this state will not change any more. */
extern bool pgbr_job_state_is_final(PgbrJobState state);

/* The texts of all values, separated by ", ", for messages and help. */
#define PGBR_BACKUP_TYPES "full, diff, incr"
#define PGBR_JOB_KINDS                                                                    \
	"backup, expire, verify, check, stanza-create, stanza-upgrade, annotate, node-mark, " \
	"node-stop, node-archive, node-keep, node-restore, node-recover, node-unfence"
#define PGBR_JOB_STATES "queued, running, succeeded, failed, cancelled, interrupted"

/* Where the sidecar serves what. */
#define PGBR_PATH_JOBS			 "/v1/jobs"
#define PGBR_PATH_INFO			 "/v1/info"
#define PGBR_PATH_NODE			 "/v1/node"
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
 *	job id			[A-Za-z0-9_.:-], 1 to 64, not starting with '-'
 *	backup label	pgBackRest's: YYYYMMDD-HHMMSSF[_YYYYMMDD-HHMMSS(D|I)]
 *	archive id		pgBackRest's: a version of PostgreSQL, '-', a number
 *	stanza			[A-Za-z0-9_.-], 1 to 64, not starting with '-' or '.'
 *	annotation key	[A-Za-z0-9_.-], 1 to 64, not starting with '-'
 *	plain text		valid UTF-8 without control characters, at most max bytes
 *	restore point	PostgreSQL's limit of 1 to 63 bytes; plain text without quotes or backslash, no
 *					blank at either end: a name goes into postgresql.auto.conf at a restore
 *	LSN				X/X, each side 1 to 8 hexadecimal digits
 *	WAL segment		24 hexadecimal digits, upper case
 *	option name		of pgbackrest.conf: [a-z0-9-], at most 64, beginning with a letter
 *	secret			plain text of at most 4096 bytes without quotes or backslash, no blank at either end, so
 *					that every reader of environment files takes it for the same text
 */
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
