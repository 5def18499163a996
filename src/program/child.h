/*
 * child.h
 *		A program that runs for a while and prints lines, watched together with other events.
 *
 * Start, watch and end it from the same thread. Watching a silent program costs no processor time.
 */
#ifndef PGBR_PROGRAM_CHILD_H
#define PGBR_PROGRAM_CHILD_H

#include "common/error.h"
#include "common/strbuf.h"
#include "program/process.h"

typedef struct Child
{
	Process process;
	StrBuf line;
	bool open;	  /* its output */
	int ended_fd; /* readable when it has ended; -1 if the kernel has no pidfd */
	void (*take_line)(void *argument, char *line);
	void *argument;
} Child;

typedef enum ChildEvent
{
	CHILD_NOTHING, /* the time is over, or lines were read */
	CHILD_ENDED,
	CHILD_STOP, /* stop_fd is readable */
} ChildEvent;

/* Start a program. The functions below call take_line for each line that it prints, cut at 8 kB and
 * made visible (visible.h). Fails as process_start. The caller ends it with child_end. */
extern bool
child_start(Child *child, const char *const *argv, const char *mark,
			void (*take_line)(void *argument, char *line), void *argument, PgbrError *error);

/*
 * Wait until something happens, at most ms; without limit when ms is negative. stop_fd may be -1.
 */
extern ChildEvent child_watch(Child *child, int stop_fd, int ms);

/* Send SIGTERM to its process group, and read lines until it has ended, at most ms. */
extern void child_stop(Child *child, int ms);

/* Read what is there, at most what a pipe holds. */
extern void child_drain(Child *child);

/* Read the rest and end the program, as process_end. Returns the wait status. */
extern int child_end(Child *child, int grace_ms);

#endif
