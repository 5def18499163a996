/*
 * primary.h
 *		What the scheduler asks of its own server, and does to it, before a backup.
 *
 * Every function runs in the caller's transaction, with SPI not connected, on a primary.
 */
#ifndef PGBR_PRIMARY_H
#define PGBR_PRIMARY_H

#include "postgres.h"

/* True when at least one standby streams. */
extern bool primary_has_standby(void);

/* After a promotion, make a checkpoint: it writes the new timeline into pg_control. pgbackrest
 * makes no backup before that, and the server's own checkpoint may take minutes to come. */
extern void primary_end_promotion(void);

#endif
