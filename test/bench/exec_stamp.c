/*
 * exec_stamp.c
 *		Runs pgbackrest, and first notes when: for the bench, which gives it to the sidecar as its
 *		--pgbackrest to learn how long a request takes to reach it.
 *
 * Appends a line to the file that EXEC_STAMP names: the monotonic clock in nanoseconds, then the
 * arguments. Linked statically, since what loading libraries takes is not the sidecar's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct timespec now;
	const char *path = getenv("EXEC_STAMP");
	int fd;

	clock_gettime(CLOCK_MONOTONIC, &now);
	fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
	{
		perror("exec_stamp: EXEC_STAMP");
		return 1;
	}
	dprintf(fd, "%lld", now.tv_sec * 1000000000LL + now.tv_nsec);
	for (int i = 1; i < argc; i++)
		dprintf(fd, " %s", argv[i]);
	dprintf(fd, "\n");
	argv[0] = "pgbackrest";
	execvp(argv[0], argv);
	perror("exec_stamp: pgbackrest");
	return 1;
}
