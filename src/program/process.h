/*
 * process.h
 *		Other programs, run by argv and never through a shell.
 *
 * A child leads a process group of its own, so that it and what it starts can be signalled as one;
 * it gets no descriptor but 0 (/dev/null), 1 and 2, the default signal dispositions and an empty
 * signal mask. It is sent SIGTERM by the kernel when the thread that started it dies, so one that
 * outlives a crash of ours ends itself; PROCESS_MARK in its environment, which its own children
 * inherit, lets the next of us find what is left all the same.
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

/* Let others go first at the processors, for the whole group. */
extern void process_yield(const Process *process);

/* Signal the whole group; one that is gone is fine. */
extern void process_signal(const Process *process, int signal);

/*
 * Wait for the child and then for its whole group to be gone, and close the pipes. A group that
 * has not ended within grace_ms after the call is sent SIGKILL. Gives the wait status.
 */
extern int process_end(Process *process, int grace_ms);

typedef struct ProcessOutput
{
	int status; /* as waitpid gives it */
	StrBuf out;
	StrBuf err;
} ProcessOutput;

/*
 * Run a program to its end and take what it prints, at most max_output bytes of each stream. TIMEOUT
 * when it had to be killed after timeout_ms, TOO_LARGE when it printed more, ABORTED when stop_fd
 * (or -1) became readable; else as process_start. The caller ends output with process_output_done,
 * also after a failure.
 */
extern bool process_run(const char *const *argv, const char *mark, int timeout_ms,
						size_t max_output, int stop_fd, ProcessOutput *output, PgbrError *error);
extern void process_output_init(ProcessOutput *output);
extern void process_output_done(ProcessOutput *output);

/*
 * End every process whose PROCESS_MARK begins with mark: SIGTERM, and SIGKILL for what is left after
 * grace_ms and at once for children whose own group's leader is gone. Returns how many were found,
 * after none is left.
 */
extern int process_end_marked(const char *mark, int grace_ms);

/* The first process of this machine whose command line (arguments, each ended by a NUL) matches; 0 for none. */
extern pid_t
process_find(bool (*match)(const void *argument, const StrBuf *command_line), const void *argument);

#endif
