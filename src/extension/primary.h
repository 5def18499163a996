/*
 * primary.h
 *		What the scheduler must know of its own server, and do to it, before a backup.
 *
 * Every function runs in the caller's transaction, with SPI not connected, on a primary.
 */
#ifndef PGBR_PRIMARY_H
#define PGBR_PRIMARY_H

#include "postgres.h"

/* True when at least one standby streams. */
extern bool primary_has_standby(void);

/* Have the new timeline in pg_control after a promotion: pgbackrest refuses to make a backup before a
 * checkpoint has put it there, and a server leaves itself minutes for that. */
extern void primary_end_promotion(void);

#endif
