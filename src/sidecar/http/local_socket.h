/*
 * local_socket.h
 *		The sidecar's own Unix socket: made so that nobody connects before it has its mode, and that
 *		none that somebody serves is taken away.
 *
 * PATH.lock is locked for as long as the socket is served. Used by one thread.
 */
#ifndef PGBR_SIDECAR_HTTP_LOCAL_SOCKET_H
#define PGBR_SIDECAR_HTTP_LOCAL_SOCKET_H

#include "common/error.h"

#include <stdbool.h>
#include <sys/types.h>

typedef struct LocalSocket
{
	const char *path; /* borrowed */
	int fd;			  /* -1: there is none. Whoever serves it may close it. */
	int lock_fd;	  /* of PATH.lock, while we hold it, or -1 */
	dev_t device;	  /* of what lies at the path */
	ino_t inode;
} LocalSocket;

/*
 * Listen at a path that pgbr_is_socket_path took, for this user and its group (0660). A socket
 * that a crash left there is removed. CONFIG when somebody serves it or something else lies there,
 * and when the folder is missing or one in which everybody may put others' files away.
 */
extern bool local_socket_open(LocalSocket *local, const char *path, int backlog, PgbrError *error);

/* Take the names away; nothing is done when there is no socket. */
extern void local_socket_close(LocalSocket *local);

#endif
