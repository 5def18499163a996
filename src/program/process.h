/*
 * process.h
 *		Runs other programs, by argv and never through a shell.
 *
 * A child gets our environment but for variables that pgbackrest would warn of
 * (pgbackrest_option.h). It leads a process group of its own, so that it and its children can be
 * signalled together. It gets no descriptors but 0 (/dev/null), 1 and 2, the default signal
 * dispositions and an empty signal mask. The kernel sends it SIGTERM when the thread that started
 * it dies, so a child that outlives our crash ends itself. PROCESS_MARK in its environment, which
 * its own children inherit, lets the next sidecar find what is left.
 *
 * Start and wait from the same thread. Functions are otherwise thread-safe.
 */
#ifndef PGBR_PROCESS_H
#define PGBR_PROCESS_H

#include "common/error.h"
#include "common/strbuf.h"

#include <stdbool.h>
#include <sys/types.h>

/* Not PGBACKREST_*: pgbackrest warns of such variables that it does not know. */
#define PROCESS_MARK "PGBR_SIDECAR_MARK"

typedef struct Process
{
	pid_t pid; /* also its process group */
	int out;   /* its stdout, non-blocking */
	int err;   /* its stderr, or -1 when it was merged into out */
} Process;

/* Start argv[0], looked for in PATH. mark is the value of PROCESS_MARK, or NULL. INTERNAL or CONFIG
 * (the program can't be executed). On success the caller ends it with process_end. */
extern bool process_start(Process *process, const char *const *argv, const char *mark,
						  bool merge_stderr, PgbrError *error);

/* Give the whole group the lowest priority. */
extern void process_yield(const Process *process);

/* Signal the whole group; fine if it is gone. */
extern void process_signal(const Process *process, int signal);

/*
 * Wait until the child and its whole group are gone, and close the pipes. A group that has not
 * ended within grace_ms after the call gets SIGKILL. Returns the wait status.
 */
extern int process_end(Process *process, int grace_ms);

typedef struct ProcessOutput
{
	int status; /* as waitpid gives it */
	StrBuf out;
	StrBuf err;
} ProcessOutput;

/*
 * Run a program to its end and read what it prints, at most max_output bytes of each stream.
 * TIMEOUT when it was killed after timeout_ms, TOO_LARGE when it printed more, ABORTED when stop_fd
 * (or -1) became readable; else as process_start. The caller ends output with process_output_done,
 * also after a failure.
 */
extern bool process_run(const char *const *argv, const char *mark, int timeout_ms,
						size_t max_output, int stop_fd, ProcessOutput *output, PgbrError *error);
extern void process_output_init(ProcessOutput *output);
extern void process_output_done(ProcessOutput *output);

/*
 * End every process whose PROCESS_MARK begins with mark: first SIGTERM; SIGKILL after grace_ms, or
 * at once for a child whose group leader is gone. Returns, when all have ended, how many were
 * found.
 */
extern int process_end_marked(const char *mark, int grace_ms);

/*
 * The first process of this machine whose command line (arguments, each ended by a NUL) matches; 0
 * for none.
 */
extern pid_t
process_find(bool (*match)(const void *argument, const StrBuf *command_line), const void *argument);

#endif
