/*
 * caller.h
 *		Who asks: what the sidecar itself knows, not what a request says.
 */
#ifndef PGBR_SIDECAR_CONFIG_CALLER_H
#define PGBR_SIDECAR_CONFIG_CALLER_H

#include <stdbool.h>

/* What a caller may do. Each scope includes those above it. */
typedef enum Scope
{
	SCOPE_NONE,
	SCOPE_READ,
	SCOPE_OPERATE,
	SCOPE_RESTORE,
} Scope;

typedef enum CallerKind
{
	CALLER_ANONYMOUS,
	CALLER_USER, /* of this host, at our socket */
	CALLER_TOKEN,
	CALLER_CERTIFICATE,
} CallerKind;

/* Its text; "none" for none. */
extern const char *scope_name(Scope scope);

/* The scope of a text (read, operate, restore); false when there is none. */
extern bool scope_parse(const char *text, Scope *scope);

#define CALLER_NAME_SIZE 160

typedef struct Caller
{
	CallerKind kind;
	Scope scope;
	char name[CALLER_NAME_SIZE]; /* user:NAME, token:NAME, certificate:NAME or anonymous */
} Caller;

#define CALLER_NOBODY                 \
	(Caller)                          \
	{                                 \
		CALLER_ANONYMOUS, SCOPE_NONE, \
		{                             \
			"anonymous"               \
		}                             \
	}

#endif
