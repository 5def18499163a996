/*
 * local_socket.c
 *		See local_socket.h.
 */
#include "sidecar/http/local_socket.h"

#include "common/sidecar_url.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_MODE 0660

_Static_assert(sizeof(((struct sockaddr_un *) 0)->sun_path) == PGBR_SOCKET_PATH_SIZE,
			   "the grammar of URLs has the length of a socket's path");

static bool
local_socket_fail(const char *path, const char *what, PgbrError *error)
{
	return pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not %s \"%s\": %s", what, path,
						  strerror(errno));
}

/* The folder is the cure, whichever of its files was met. */
static bool
fail_folder(const char *path, const char *what, PgbrError *error)
{
	local_socket_fail(path, what, error);
	return pgbr_error_hint(error,
						   "Make its folder, owned by PostgreSQL's user, or give --socket=PATH "
						   "in another one; \"--socket=\" does without a socket.");
}

static bool
check_folder(const char *path, PgbrError *error)
{
	char folder[PGBR_SOCKET_PATH_SIZE];
	struct stat st;

	pgbr_copy_text(folder, sizeof(folder), path);
	folder[strrchr(path, '/') - path + 1] = '\0';
	if (stat(folder, &st) != 0)
		return fail_folder(folder, "use the folder", error);
	if (!(st.st_mode & S_IWOTH) || (st.st_mode & S_ISVTX))
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFIG,
				   "refusing to make a socket in \"%s\", where everybody may remove it", folder);
	return pgbr_error_hint(error, "Use a folder that belongs to PostgreSQL's user.");
}

/* Lock the file beside the socket, so that of two sidecars one serves it. Whoever ends removes the
 * file: what was locked may be one that is gone. */
static bool
lock(LocalSocket *local, PgbrError *error)
{
	char path[PGBR_SOCKET_PATH_SIZE + 8];
	struct stat locked;
	struct stat named;

	snprintf(path, sizeof(path), "%s.lock", local->path);
	for (;;)
	{
		int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd < 0)
			return fail_folder(path, "open lock file", error);
		if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		{
			close(fd);
			pgbr_error_set(error, PGBR_ERROR_CONFIG, "another sidecar serves the socket \"%s\"",
						   local->path);
			return pgbr_error_hint(error, "Give each sidecar of this host a --socket of its own.");
		}
		if (fstat(fd, &locked) == 0 && stat(path, &named) == 0 && named.st_ino == locked.st_ino &&
			named.st_dev == locked.st_dev)
		{
			local->lock_fd = fd;
			return true;
		}
		close(fd);
	}
}

/* True when a connection is refused, or there is nothing: then nobody serves it. */
static bool
is_deserted(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool deserted = fd >= 0 &&
					connect(fd, (const struct sockaddr *) address, sizeof(*address)) != 0 &&
					(errno == ECONNREFUSED || errno == ENOENT);

	if (fd >= 0)
		close(fd);
	return deserted;
}

/* Remove a socket that a crash left behind: one of ours, which nobody serves. */
static bool
remove_stale(const struct sockaddr_un *address, PgbrError *error)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT || local_socket_fail(path, "look at", error);
	if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG,
					   "what lies at \"%s\" is no socket of the sidecar's user", path);
		return pgbr_error_hint(error, "See whose it is, and remove it or give another --socket.");
	}
	if (!is_deserted(address))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "another program serves the socket \"%s\"",
							  path);
	return unlink(path) == 0 || local_socket_fail(path, "remove", error);
}

/* Until it listens, a connection is refused. The umask keeps others out in any case. */
static bool
bind_it(LocalSocket *local, const struct sockaddr_un *address, int backlog, PgbrError *error)
{
	const char *path = local->path;
	struct stat st;

	local->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (local->fd < 0 || bind(local->fd, (const struct sockaddr *) address, sizeof(*address)) != 0)
		return local_socket_fail(path, "make the socket", error);
	if (lstat(path, &st) != 0)
		return local_socket_fail(path, "look at", error);
	local->device = st.st_dev;
	local->inode = st.st_ino;
	if (lchown(path, (uid_t) -1, getegid()) != 0 || chmod(path, SOCKET_MODE) != 0)
		return local_socket_fail(path, "set the mode of", error);
	return listen(local->fd, backlog) == 0 || local_socket_fail(path, "listen on", error);
}

bool
local_socket_open(LocalSocket *local, const char *path, int backlog, PgbrError *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*local = (LocalSocket){.path = path, .fd = -1, .lock_fd = -1};
	pgbr_copy_text(address.sun_path, sizeof(address.sun_path), path);
	if (check_folder(path, error) && lock(local, error) && remove_stale(&address, error) &&
		bind_it(local, &address, backlog, error))
		return true;
	if (local->fd >= 0)
		close(local->fd);
	local_socket_close(local);
	return false;
}

void
local_socket_close(LocalSocket *local)
{
	char lock_path[PGBR_SOCKET_PATH_SIZE + 8];
	struct stat st;

	/* somebody may have put another one there */
	if (local->inode && lstat(local->path, &st) == 0 && st.st_ino == local->inode &&
		st.st_dev == local->device)
		unlink(local->path);
	if (local->lock_fd >= 0)
	{
		snprintf(lock_path, sizeof(lock_path), "%s.lock", local->path);
		unlink(lock_path);
		close(local->lock_fd);
	}
	*local = (LocalSocket){.fd = -1, .lock_fd = -1};
}
