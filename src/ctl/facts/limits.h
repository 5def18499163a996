/*
 * limits.h
 *		How many members a cluster may have, and how long names and IDs of restores are.
 */
#ifndef PGBR_CTL_FACTS_LIMITS_H
#define PGBR_CTL_FACTS_LIMITS_H

#define RESTORE_MEMBERS_MAX 32
#define RESTORE_NAME_SIZE	64
#define RESTORE_ID_SIZE		32

#endif
