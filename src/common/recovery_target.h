/*
 * recovery_target.h
 *		Where a restore is to end: the grammar of --type, --target, --target-exclusive, --set and
 *		--target-timeline, and their canonical form.
 *
 * The words are pgBackRest's. What passes may be given to pgbackrest, which writes it into
 * postgresql.auto.conf: text holds no quote, no backslash and no control character. A time needs a
 * zone, and is handed on in UTC, so that nobody's time zone setting picks another moment. Pure and
 * thread-safe; the struct owns no memory.
 */
#ifndef PGBR_RECOVERY_TARGET_H
#define PGBR_RECOVERY_TARGET_H

#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>

/* name, pgbackrest's word, whether it wants a target, whether it may be exclusive */
#define PGBR_RECOVERY_TYPES(X)                                      \
	X(DEFAULT, "default", false, false)                             \
	X(IMMEDIATE, "immediate", false, false)                         \
	X(TIME, "time", true, true)                                     \
	X(LSN, "lsn", true, true)                                       \
	X(NAME, "name", true, false)                                    \
	X(XID, "xid", true, true)                                       \
	/* what a replica is restored as; nobody asks for it by hand */ \
	X(STANDBY, "standby", false, false)

typedef enum RecoveryType
{
#define X(name, text, wants_target, may_exclude) RECOVERY_##name,
	PGBR_RECOVERY_TYPES(X)
#undef X
} RecoveryType;

/* Those that a user may give. */
#define PGBR_RECOVERY_TYPE_WORDS "default, immediate, time, lsn, name, xid"

#define RECOVERY_TEXT_SIZE 64
#define RECOVERY_SET_SIZE  40

typedef struct RecoveryTarget
{
	RecoveryType type; /* DEFAULT is the end of WAL */

	/* what pgbackrest is given as --target; empty for types without one:
	 *	time	2026-11-24 11:41:32.000000+00
	 *	lsn		0/5000028, hexadecimal digits in upper case, no leading zeroes
	 *	name	as it was given
	 *	xid		decimal, without leading zeroes (PostgreSQL takes them for octal) */
	char text[RECOVERY_TEXT_SIZE];
	int64_t time_us; /* since 1970-01-01 00:00 UTC; of type TIME */
	uint64_t lsn;	 /* of type LSN */
	uint64_t xid;	 /* of type XID, as it was given: with an epoch in its upper half, or without */
	bool exclusive;
	char set[RECOVERY_SET_SIZE]; /* a backup's label; empty: the plan's choice */
	uint32_t timeline;			 /* 0: not given */
} RecoveryTarget;

/* The word of a type; never NULL. */
extern const char *recovery_type_name(RecoveryType type);

/* The type of a word, letter by letter; false when there is none. */
extern bool recovery_type_parse(const char *word, RecoveryType *type);

/*
 * Read what a user or a request gave; NULL and "" are "not given". Without a type a target is
 * refused, since its type would be a guess. False with INVALID_VALUE, which names the value and
 * tells the form; *target is then undefined.
 */
extern bool
recovery_target_parse(RecoveryTarget *target, const char *type, const char *text, bool exclusive,
					  const char *set, const char *timeline, PgbrError *error);

/* True when both ask for the same, however it was spelt. */
extern bool recovery_target_equal(const RecoveryTarget *a, const RecoveryTarget *b);

/* X/X; false for anything else. */
extern bool recovery_lsn_parse(const char *text, uint64_t *lsn);

/* "0/5000028"; at least RECOVERY_TEXT_SIZE bytes. */
extern void recovery_lsn_format(uint64_t lsn, char *text);

/* Decimal digits that fit into 64 bits, and nothing else. */
extern bool recovery_number_parse(const char *text, uint64_t *number);

#endif
