/*
 * same_server.c
 *		See same_server.h.
 */
#include "ctl/facts/same_server.h"

#include "common/moment.h"
#include "program/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Two reports of the same start may differ by this much, in case that one of them tells
 * milliseconds. Members that Patroni restarts together may start within the same second.
 */
#define SAME_START_US 1000

bool
same_server_start(const char *a, const char *b)
{
	const char *ignored;
	int64_t a_us;
	int64_t b_us;

	/* an unreadable time proves nothing */
	if (!moment_parse(a, true, &a_us, &ignored) || !moment_parse(b, true, &b_us, &ignored))
		return true;
	return llabs(a_us - b_us) <= SAME_START_US;
}

/* Two texts that are both known and differ. */
static bool
differ(const char *a, const char *b)
{
	return a && b && a[0] && b[0] && strcmp(a, b) != 0;
}

static bool
are_equal(const char *a, const char *b)
{
	return a && b && a[0] && strcmp(a, b) == 0;
}

const char *
same_sidecar(SidecarIdentity a, SidecarIdentity b)
{
	return are_equal(a.sidecar, b.sidecar)		 ? "sidecar"
		   : are_equal(a.directory, b.directory) ? "data directory"
												 : NULL;
}

static const PatroniMember *
find_listed(const PatroniCluster *listed, const char *name)
{
	for (int i = 0; i < listed->count; i++)
	{
		if (strcmp(listed->members[i].name, name) == 0)
			return &listed->members[i];
	}
	return NULL;
}

/*
 * The other member whose port the sidecar reports; NULL when there is none. Behind a translation
 * of addresses Patroni lists another port than the server has, so a difference alone says nothing.
 */
static const PatroniMember *
find_owner(const PatroniCluster *listed, const char *name, long long port)
{
	const PatroniMember *own = find_listed(listed, name);

	if (own == NULL || own->port == 0 || port == 0 || own->port == port)
		return NULL;
	for (int i = 0; i < listed->count; i++)
	{
		const PatroniMember *other = &listed->members[i];

		if (other != own && other->port == port && strcmp(other->host, own->host) == 0)
			return other;
	}
	return NULL;
}

bool
same_server(const json_t *node, const PatroniNode *patroni, const PatroniCluster *listed,
			const char *name, char *why, size_t size)
{
	static const PatroniNode unknown = {.running = false};
	const char *role = json_text(node, "role");
	const char *start = json_text(node, "postmaster_start_time");
	const char *identifier = json_text(node, "system_identifier");
	const PatroniMember *owner = find_owner(listed, name, json_number(node, "port", 0));

	if (patroni == NULL)
		patroni = &unknown;
	if (differ(identifier, patroni->system_identifier))
		snprintf(why, size, "Its system identifier is %s, that of the member is %s.", identifier,
				 patroni->system_identifier);
	else if (owner)
		snprintf(why, size, "Its PostgreSQL has port %d, which is that of member \"%s\".",
				 owner->port, owner->name);
	else if (role && patroni->running && (strcmp(role, "primary") == 0) != patroni->primary)
		snprintf(why, size, "Its PostgreSQL is a %s, that of the member is a %s.", role,
				 patroni->primary ? "primary" : "standby");
	else if (start && patroni->running && !same_server_start(start, patroni->postmaster_start_time))
		snprintf(why, size, "Its PostgreSQL was started at %s, that of the member at %s.", start,
				 patroni->postmaster_start_time);
	else
		return true;
	return false;
}
