/*
 * listener.c
 *		See listener.h.
 */
#include "sidecar/config/listener.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

static const struct
{
	const char *option;
	const char *example;
} faces[] = {
#define X(name, option, example) {option, example},
	PGBR_FACES(X)
#undef X
};

const char *
face_option(Face face)
{
	return faces[face].option;
}

bool
listener_is_loopback(const Listener *listener)
{
	const struct sockaddr_storage *address = &listener->address;

	if (address->ss_family == AF_INET)
		return ntohl(((const struct sockaddr_in *) address)->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *) address)->sin6_addr);
}

/* Split HOST:PORT, where HOST may be [an IPv6 address]. False when it is neither. */
static bool
split(const char *text, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t) (colon - text) : size;

	if (length >= size)
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	if (length >= 2 && host[0] == '[' && host[length - 1] == ']')
	{
		memmove(host, host + 1, length);
		host[length - 2] = '\0';
	}
	*port = colon + 1;
	return host[0] != '\0' && strspn(*port, "0123456789") == strlen(*port) && *port[0] != '\0' &&
		   strlen(*port) <= 5 && atoi(*port) <= 65535;
}

bool
listener_init_socket(Listener *listener, const char *path, PgbrError *error)
{
	*listener = (Listener){.face = FACE_API, .is_socket = true};
	pgbr_copy_text(listener->listen, sizeof(listener->listen), path);
	if (pgbr_is_socket_path(path))
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%s\" for --socket", path);
	return pgbr_error_hint(error,
						   "It is an absolute path of at most %d letters, digits and any of "
						   "./-_+@%%=~.",
						   PGBR_SOCKET_PATH_SIZE - 1);
}

bool
listener_init(Listener *listener, Face face, const char *listen, PgbrError *error)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found;
	const char *port;
	char host[256];
	int rc;

	*listener = (Listener){.face = face};
	pgbr_copy_text(listener->listen, sizeof(listener->listen), listen);
	if (!split(listen, host, sizeof(host), &port))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%s\" for --%s", listen,
					   faces[face].option);
		return pgbr_error_hint(error, "Use HOST:PORT, e.g. %s or [::1]%s.", faces[face].example,
							   strrchr(faces[face].example, ':'));
	}
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc != 0)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not resolve \"%s\" of --%s: %s",
							  host, faces[face].option, gai_strerror(rc));
	memcpy(&listener->address, found->ai_addr, found->ai_addrlen);
	listener->address_length = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}
