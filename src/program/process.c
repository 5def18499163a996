/*
 * process.c
 *		See process.h.
 */
#include "program/process.h"

#include "common/memory.h"
#include "program/clock.h"
#include "program/file.h"
#include "program/pgbackrest_option.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* How often a condition that can't be waited for on a descriptor is looked at. */
#define POLL_MS 5

#define COMMAND_LINE_MOST 65536

/* Of what yields: the lowest priority. */
#define NICE 19

typedef struct Pipes
{
	int out[2];
	int err[2];
	int failure[2]; /* carries errno when exec fails; closed by a successful exec */
} Pipes;

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
close_pipes(Pipes *pipes)
{
	int *fds = (int *) pipes;

	for (int i = 0; i < 6; i++)
		close_fd(&fds[i]);
}

/* Our environment without what only looks like an option of pgbackrest, and with PROCESS_MARK;
 * the array and its last text are the caller's to free. */
static char **
make_environment(const char *mark, char **mark_text)
{
	size_t count = 0;
	char **copy;

	*mark_text = NULL;
	while (environ[count])
		count++;
	copy = memory_alloc((count + 2) * sizeof(*copy));
	if (copy == NULL)
		return NULL;
	count = 0;
	for (char **entry = environ; *entry; entry++)
	{
		if (!pgbackrest_is_stray(*entry))
			copy[count++] = *entry;
	}
	if (mark && asprintf(mark_text, PROCESS_MARK "=%s", mark) < 0)
	{
		memory_note_refused();
		free(copy);
		*mark_text = NULL;
		return NULL;
	}
	copy[count] = *mark_text;
	copy[count + 1] = NULL;
	return copy;
}

/*
 * In the child, between vfork and exec: async-signal-safe calls only, and no variable but its own.
 */
static _Noreturn void
become(const char *const *argv, char **environment, const Pipes *pipes, bool merge_stderr,
	   pid_t parent)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);
	int failed;

	setpgid(0, 0);
	/* a parent that died before prctl took hold sends nothing any more */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, STDIN_FILENO);
	dup2(pipes->out[1], STDOUT_FILENO);
	dup2(merge_stderr ? pipes->out[1] : pipes->err[1], STDERR_FILENO);
	/* everything else is close-on-exec, but what a library opened may not be */
	for (int fd = 3; fd < 256; fd++)
	{
		if (fd != pipes->failure[1])
			close(fd);
	}
	execvpe(argv[0], (char *const *) argv, environment);
	failed = errno;
	(void) !write(pipes->failure[1], &failed, sizeof(failed));
	_exit(127);
}

/*
 * vfork, because a copy of our memory costs more than all the rest of a start: the child borrows
 * it, and this thread stands still, until it executes or ends. A function of its own, since the
 * child would spoil the variables of a longer one.
 */
static __attribute__((noinline)) pid_t
start_child(const char *const *argv, char **environment, const Pipes *pipes, bool merge_stderr,
			pid_t parent)
{
	pid_t pid = vfork();

	if (pid == 0)
		become(argv, environment, pipes, merge_stderr, parent);
	return pid;
}

bool
process_start(Process *process, const char *const *argv, const char *mark, bool merge_stderr,
			  PgbrError *error)
{
	Pipes pipes = {{-1, -1}, {-1, -1}, {-1, -1}};
	char *mark_text;
	char **environment = make_environment(mark, &mark_text);
	int failed = 0;
	bool ok = false;

	process->pid = -1;
	if (environment == NULL || pipe2(pipes.out, O_CLOEXEC) != 0 ||
		(!merge_stderr && pipe2(pipes.err, O_CLOEXEC) != 0) ||
		pipe2(pipes.failure, O_CLOEXEC) != 0 ||
		(process->pid = start_child(argv, environment, &pipes, merge_stderr, getpid())) < 0)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not start \"%s\": %s", argv[0],
					   strerror(errno));
		goto done;
	}
	/* both sides set the group, so that it is there whoever comes first */
	setpgid(process->pid, process->pid);
	close_fd(&pipes.failure[1]);
	if (read(pipes.failure[0], &failed, sizeof(failed)) > 0)
	{
		waitpid(process->pid, NULL, 0);
		/* its number may be another's from here on */
		process->pid = -1;
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not execute \"%s\": %s", argv[0],
					   strerror(failed));
		goto done;
	}
	process->out = pipes.out[0];
	process->err = pipes.err[0];
	fcntl(process->out, F_SETFL, O_NONBLOCK);
	if (process->err >= 0)
		fcntl(process->err, F_SETFL, O_NONBLOCK);
	pipes.out[0] = pipes.err[0] = -1;
	ok = true;

done:
	close_pipes(&pipes);
	free(mark_text);
	free(environment);
	return ok;
}

void
process_yield(const Process *process)
{
	if (process->pid > 0)
		(void) setpriority(PRIO_PGRP, (id_t) process->pid, NICE);
}

void
process_signal(const Process *process, int signal)
{
	if (process->pid > 0)
		kill(-process->pid, signal);
}

int
process_end(Process *process, int grace_ms)
{
	int64_t deadline = clock_monotonic_ms() + grace_ms;
	int status = 0;
	bool reaped = false;

	/*
	 * the group's id stays ours until its last member is gone, even after the child is reaped;
	 * where we are the reaper of orphans, its other members are ours to reap too
	 */
	while (!reaped || kill(-process->pid, 0) == 0)
	{
		int ended;
		pid_t pid = waitpid(-process->pid, &ended, WNOHANG);

		if (pid == process->pid)
		{
			reaped = true;
			status = ended;
		}
		if (pid > 0)
			continue;
		if (clock_monotonic_ms() >= deadline)
			process_signal(process, SIGKILL);
		poll(NULL, 0, POLL_MS);
	}
	close_fd(&process->out);
	close_fd(&process->err);
	process->pid = -1;
	return status;
}

/* Take what is there. True while the stream is open. */
static bool
take_output(int fd, StrBuf *buf)
{
	char block[65536];
	ssize_t got = read(fd, block, sizeof(block));

	if (got > 0)
		strbuf_append(buf, block, (size_t) got);
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool
take_all_output(Process *process, int64_t deadline, size_t max_output, int stop_fd,
				ProcessOutput *output, PgbrError *error)
{
	struct pollfd fds[3] = {
		{process->out, POLLIN, 0}, {process->err, POLLIN, 0}, {stop_fd, POLLIN, 0}};

	while (fds[0].fd >= 0 || fds[1].fd >= 0)
	{
		int64_t left = deadline - clock_monotonic_ms();

		if (left <= 0)
			return pgbr_error_set(error, PGBR_ERROR_TIMEOUT, "it did not end in time");
		poll(fds, 3, (int) left);
		if (fds[2].revents)
			return pgbr_error_set(error, PGBR_ERROR_ABORTED, "the sidecar is stopping");
		if (fds[0].revents && !take_output(fds[0].fd, &output->out))
			fds[0].fd = -1;
		if (fds[1].revents && !take_output(fds[1].fd, &output->err))
			fds[1].fd = -1;
		if (output->out.length > max_output || output->err.length > max_output)
			return pgbr_error_set(error, PGBR_ERROR_TOO_LARGE, "it printed more than %zu bytes",
								  max_output);
		if (output->out.failed || output->err.failed)
			return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	}
	return true;
}

bool
process_run(const char *const *argv, const char *mark, int timeout_ms, size_t max_output,
			int stop_fd, ProcessOutput *output, PgbrError *error)
{
	Process process;
	bool ok;

	if (!process_start(&process, argv, mark, false, error))
		return false;
	ok = take_all_output(&process, clock_monotonic_ms() + timeout_ms, max_output, stop_fd, output,
						 error);
	if (!ok)
		process_signal(&process, SIGTERM);
	output->status = process_end(&process, ok ? timeout_ms : 2000);
	return ok;
}

void
process_output_init(ProcessOutput *output)
{
	output->status = 0;
	strbuf_init(&output->out);
	strbuf_init(&output->err);
}

void
process_output_done(ProcessOutput *output)
{
	strbuf_done(&output->out);
	strbuf_done(&output->err);
}

/* True when the process's environment, as it was when it was executed, carries the mark. */
static bool
is_marked(pid_t pid, const char *mark)
{
	char path[64];
	StrBuf text;
	char block[4096];
	size_t got;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int) pid);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	strbuf_init(&text);
	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		strbuf_append(&text, block, got);
	fclose(file);
	for (size_t at = 0; at < text.length && !found; at += strlen(text.data + at) + 1)
		found = strncmp(text.data + at, PROCESS_MARK "=", sizeof(PROCESS_MARK)) == 0 &&
				strncmp(text.data + at + sizeof(PROCESS_MARK), mark, strlen(mark)) == 0;
	strbuf_done(&text);
	return found;
}

/* True when the process outlives the one it worked for: nothing is left for it to finish. */
static bool
is_orphan(pid_t pid)
{
	pid_t leader = getpgid(pid);

	return leader > 0 && leader != pid && kill(leader, 0) != 0 && errno == ESRCH;
}

/* A zombie has no environment any more, so one that waits for its parent does not count. */
static int
signal_marked(const char *mark, int signal)
{
	int found = 0;
	struct dirent *entry;
	DIR *folder = opendir("/proc");

	while (folder && (entry = readdir(folder)) != NULL)
	{
		pid_t pid = (pid_t) atoi(entry->d_name);

		if (pid > 0 && pid != getpid() && is_marked(pid, mark))
		{
			found++;
			kill(pid, is_orphan(pid) ? SIGKILL : signal);
			/* one that stands still takes no signal but the last */
			if (signal)
				kill(pid, SIGCONT);
		}
	}
	if (folder)
		closedir(folder);
	return found;
}

int
process_end_marked(const char *mark, int grace_ms)
{
	int64_t deadline = clock_monotonic_ms() + grace_ms;
	int found = signal_marked(mark, SIGTERM);

	while (found > 0 && signal_marked(mark, clock_monotonic_ms() < deadline ? 0 : SIGKILL) > 0)
		poll(NULL, 0, POLL_MS * 4);
	return found;
}

pid_t
process_find(bool (*match)(const void *argument, const StrBuf *command_line), const void *argument)
{
	pid_t found = 0;
	struct dirent *entry;
	DIR *folder = opendir("/proc");

	while (folder && !found && (entry = readdir(folder)) != NULL)
	{
		char path[300];
		StrBuf line;

		if (atoi(entry->d_name) <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		strbuf_init(&line);
		if (file_read(path, COMMAND_LINE_MOST, &line, NULL) && match(argument, &line))
			found = (pid_t) atoi(entry->d_name);
		strbuf_done(&line);
	}
	if (folder)
		closedir(folder);
	return found;
}
