/*
 * damage.h
 *		Whether a restore has failed because a backup is damaged, and which one. Pure.
 */
#ifndef PGBR_CTL_PLAN_DAMAGE_H
#define PGBR_CTL_PLAN_DAMAGE_H

#include "common/recovery_target.h"

#include <stdbool.h>

/*
 * By the name of pgbackrest's error ("checksum") and its message. set is the backup that was
 * restored. *label, of RECOVERY_SET_SIZE bytes, is the damaged one: that whose file the message
 * names, or else the full backup that the set is based on, which holds most of its files.
 */
extern bool damage_find(const char *error, const char *message, const char *set, char *label);

#endif
