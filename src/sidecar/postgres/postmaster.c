/*
 * postmaster.c
 *		See postmaster.h.
 */
#include "sidecar/postgres/postmaster.h"

#include "program/clock.h"
#include "program/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

/* True when the process runs PostgreSQL's program as our user in this folder. */
static bool
is_server_process(pid_t pid, const struct stat *directory)
{
	char path[64];
	char program[PATH_MAX];
	struct stat st;
	ssize_t length;
	const char *name;

	snprintf(path, sizeof(path), "/proc/%d", (int) pid);
	if (stat(path, &st) != 0 || st.st_uid != geteuid())
		return false;
	/* a zombie has neither of these any more */
	snprintf(path, sizeof(path), "/proc/%d/cwd", (int) pid);
	if (stat(path, &st) != 0 || st.st_dev != directory->st_dev || st.st_ino != directory->st_ino)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int) pid);
	length = readlink(path, program, sizeof(program) - 1);
	if (length <= 0)
		return false;
	program[length] = '\0';
	name = strrchr(program, '/');
	/* " (deleted)" follows when the program was replaced under it */
	return name && strncmp(name, "/postgres", strlen("/postgres")) == 0;
}

/* The number in postmaster.pid; 0 when there is no such file. A negative one is of a single-user
 * server. */
static bool
read_pid(const char *data_directory, pid_t *pid, PgbrError *error)
{
	char path[PATH_MAX];
	long number = 0;
	FILE *file;
	bool ok;

	*pid = 0;
	snprintf(path, sizeof(path), "%s/postmaster.pid", data_directory);
	file = fopen(path, "re");
	if (file == NULL)
		return errno == ENOENT || errno == ENOTDIR ||
			   pgbr_error_set(error, PGBR_ERROR_UNAVAILABLE, "could not open file \"%s\": %s", path,
							  strerror(errno));
	ok = fscanf(file, "%ld", &number) == 1;
	fclose(file);
	*pid = (pid_t) labs(number);
	/* an empty one was left by a full disk: nobody holds it */
	return ok || (*pid = 0) == 0;
}

bool
postmaster_find(const char *data_directory, Postmaster *postmaster, PgbrError *error)
{
	struct stat directory;

	*postmaster = (Postmaster){0, -1};
	if (!read_pid(data_directory, &postmaster->pid, error))
		return false;
	if (postmaster->pid == 0 || stat(data_directory, &directory) != 0)
	{
		postmaster->pid = 0;
		return true;
	}
	postmaster->fd = pidfd_open(postmaster->pid, 0);
	if (postmaster->fd < 0 && errno != ESRCH)
		return pgbr_error_set(error, PGBR_ERROR_UNAVAILABLE, "could not look at process %d: %s",
							  (int) postmaster->pid, strerror(errno));
	if (postmaster->fd < 0 || !is_server_process(postmaster->pid, &directory))
		postmaster_done(postmaster);
	return true;
}

void
postmaster_done(Postmaster *postmaster)
{
	if (postmaster->fd >= 0)
		close(postmaster->fd);
	*postmaster = (Postmaster){0, -1};
}

bool
postmaster_signal(const Postmaster *postmaster, int signal_number, PgbrError *error)
{
	return pidfd_send_signal(postmaster->fd, signal_number, NULL, 0) == 0 || errno == ESRCH ||
		   pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not signal process %d: %s",
						  (int) postmaster->pid, strerror(errno));
}

bool
postmaster_wait(const Postmaster *postmaster, int ms, int stop_fd, PgbrError *error)
{
	int64_t deadline = clock_monotonic_ms() + ms;
	int64_t left;

	while ((left = deadline - clock_monotonic_ms()) > 0)
	{
		struct pollfd fds[2] = {{postmaster->fd, POLLIN, 0}, {stop_fd, POLLIN, 0}};

		poll(fds, 2, left > 60000 ? 60000 : (int) left);
		if (fds[0].revents)
			return true;
		if (fds[1].revents)
			return pgbr_error_set(error, PGBR_ERROR_ABORTED, "stopped while waiting for process %d",
								  (int) postmaster->pid);
	}
	return pgbr_error_set(error, PGBR_ERROR_TIMEOUT, "process %d has not ended after %d ms",
						  (int) postmaster->pid, ms);
}

bool
postmaster_reserve(const char *data_directory, PgbrError *error)
{
	char path[PATH_MAX];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "%s/postmaster.pid", data_directory);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return pgbr_error_set(error, errno == EEXIST ? PGBR_ERROR_CONFLICT : PGBR_ERROR_STORAGE,
							  "could not create file \"%s\": %s", path, strerror(errno));
	/* a child may take the place of its parent: see CreateLockFile() */
	ok = dprintf(fd, "%d\n%s\n1\n", (int) getpid(), data_directory) > 0 ||
		 pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not write file \"%s\": %s", path,
						strerror(errno));
	close(fd);
	if (!ok)
		unlink(path);
	return ok;
}

void
postmaster_release(const char *data_directory)
{
	char path[PATH_MAX];
	PgbrError ignored;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/postmaster.pid", data_directory);
	if (read_pid(data_directory, &pid, &ignored) && pid == getpid())
		unlink(path);
}

void
postmaster_hide(const char *data_directory)
{
	static const char long_ago[] = "1000000000";
	char path[PATH_MAX];
	char text[PATH_MAX + 64];
	const char *third;
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "%s/postmaster.pid", data_directory);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	length = read(fd, text, sizeof(text) - 1);
	text[length > 0 ? length : 0] = '\0';
	third = strchr(text, '\n');
	third = third ? strchr(third + 1, '\n') : NULL;
	/* in place, and of the same length: the server writes other lines of it */
	if (third && strspn(third + 1, "0123456789") == strlen(long_ago) &&
		strncmp(third + 1, long_ago, strlen(long_ago)) != 0)
		(void) !pwrite(fd, long_ago, strlen(long_ago), third + 1 - text);
	close(fd);
}

int
postmaster_signal_all(const char *data_directory, int signal_number)
{
	int found = 0;
	struct stat directory;
	struct dirent *entry;
	DIR *folder = stat(data_directory, &directory) == 0 ? opendir("/proc") : NULL;

	while (folder && (entry = readdir(folder)) != NULL)
	{
		pid_t pid = (pid_t) atoi(entry->d_name);

		if (pid <= 0 || pid == getpid() || !is_server_process(pid, &directory))
			continue;
		found++;
		kill(pid, signal_number);
	}
	if (folder)
		closedir(folder);
	return found;
}

typedef struct Writer
{
	const char *data_directory;
	const char **name;
} Writer;

/* DIRECTORY as an argument of its own, or after -D or the "=" of an option. */
static bool
names_directory(const char *argument, const char *directory)
{
	size_t length = strlen(argument);
	size_t wanted = strlen(directory);

	while (length > 1 && argument[length - 1] == '/')
		length--;
	return length >= wanted && strncmp(argument + length - wanted, directory, wanted) == 0 &&
		   (length == wanted || argument[length - wanted - 1] == '=' ||
			(length == wanted + 2 && strncmp(argument, "-D", 2) == 0));
}

static bool
writes_into(const void *argument, const StrBuf *command_line)
{
	static const char *const names[] = {"pg_rewind", "pg_basebackup"};
	const Writer *writer = argument;
	const char *program = strrchr(command_line->data, '/');
	const char *end = command_line->data + command_line->length;
	bool found = false;

	program = program ? program + 1 : command_line->data;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		if (strcmp(program, names[i]) == 0)
		{
			*writer->name = names[i];
			found = true;
		}
	}
	for (const char *word = command_line->data; found && word < end; word += strlen(word) + 1)
	{
		if (names_directory(word, writer->data_directory))
			return true;
	}
	return false;
}

pid_t
postmaster_find_writer(const char *data_directory, const char **name)
{
	const Writer writer = {data_directory, name};

	return process_find(writes_into, &writer);
}

/* How many processes are attached to the shared memory that the file's seventh line names. */
static unsigned long
count_attached(const char *path)
{
	char line[256];
	struct shmid_ds segment;
	int id = -1;
	FILE *file = fopen(path, "re");

	for (int number = 1; file && number <= 7 && fgets(line, sizeof(line), file); number++)
	{
		if (number == 7 && sscanf(line, "%*u %d", &id) != 1)
			id = -1;
	}
	if (file)
		fclose(file);
	return id >= 0 && shmctl(id, IPC_STAT, &segment) == 0 ? segment.shm_nattch : 0;
}

bool
postmaster_forget(const char *data_directory, PgbrError *error)
{
	char path[PATH_MAX];
	unsigned long attached;

	snprintf(path, sizeof(path), "%s/postmaster.pid", data_directory);
	attached = count_attached(path);
	if (attached > 0)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFLICT,
					   "%lu process(es) of PostgreSQL still use the data directory \"%s\"",
					   attached, data_directory);
		return pgbr_error_hint(error, "Stop PostgreSQL; where it runs in a container of its own, "
									  "let the sidecar share its process namespace.");
	}
	return unlink(path) == 0 || errno == ENOENT ||
		   pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not remove file \"%s\": %s", path,
						  strerror(errno));
}
