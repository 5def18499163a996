/*
 * postmaster.h
 *		The postmaster of a data directory: whether one runs, and how it is ended.
 *
 * It is known by its data directory, not by the number in postmaster.pid alone: a process is the
 * one that runs PostgreSQL's program, as our own user, in this very folder, which a postmaster
 * never leaves. It is held by a descriptor from before it is looked at until it is signalled, so
 * that no signal reaches one that was given its number later. One that has ended and that its
 * parent has not collected (Patroni may take its time) counts as gone.
 */
#ifndef PGBR_SIDECAR_POSTGRES_POSTMASTER_H
#define PGBR_SIDECAR_POSTGRES_POSTMASTER_H

#include "common/error.h"

#include <sys/types.h>

typedef struct Postmaster
{
	pid_t pid; /* 0: none runs */
	int fd;	   /* of the process, or -1 */
} Postmaster;

/* Find it; *postmaster is to be ended by postmaster_done. False when it can't be told whether one
 * runs: UNAVAILABLE. */
extern bool postmaster_find(const char *data_directory, Postmaster *postmaster, PgbrError *error);
extern void postmaster_done(Postmaster *postmaster); /* may be called twice */

extern bool postmaster_signal(const Postmaster *postmaster, int signal, PgbrError *error);

/* Wait for its end, at most ms. False with TIMEOUT, or ABORTED when stop_fd became readable. */
extern bool postmaster_wait(const Postmaster *postmaster, int ms, int stop_fd, PgbrError *error);

/* Processes of PostgreSQL that work in the data directory, whoever their parent is: sends each the
 * signal (0: none) and gives their number. */
extern int postmaster_signal_all(const char *data_directory, int signal);

/*
 * A program that is no server and writes into the data directory, by its command line: pg_rewind or
 * pg_basebackup, which Patroni runs. 0: there is none; else *name is what it is, static.
 */
extern pid_t postmaster_find_writer(const char *data_directory, const char **name);

/*
 * Put ourselves in the place of a postmaster: no server can be started but by us, until ours has
 * taken the place or postmaster_release is called. CONFLICT when the place is taken.
 */
extern bool postmaster_reserve(const char *data_directory, PgbrError *error);
extern void postmaster_release(const char *data_directory);

/* Make the postmaster.pid of our server say that it was started long ago. Patroni then takes it for
 * the file of another process, and does not try to connect to it. PostgreSQL does not read that
 * line. */
extern void postmaster_hide(const char *data_directory);

/* Remove the file of a postmaster that is gone; fine if there is none. CONFLICT when a process
 * still holds the shared memory that the file names: a server that we can't see, such as one in
 * another container. */
extern bool postmaster_forget(const char *data_directory, PgbrError *error);

#endif
