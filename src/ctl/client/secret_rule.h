/*
 * secret_rule.h
 *		Whether a token or a password goes to a URL that the user has not named: pure.
 *
 * Addresses of members come from Patroni's responses and from journals of restores. An attacker who
 * forges one of these, or listens on the network, would receive what is sent there. So a secret
 * goes to addresses that the user has named. It goes to others only where nobody but the right
 * server can read it.
 */
#ifndef PGBR_CTL_CLIENT_SECRET_RULE_H
#define PGBR_CTL_CLIENT_SECRET_RULE_H

#include <stdbool.h>

typedef struct SecretRule
{
	bool private_ca;	/* the user named a CA for https; the system's CAs vouch for anybody */
	bool on_this_host;	/* only this host reported the members */
	bool trust_members; /* the user trusts all reported addresses, and the network */
} SecretRule;

/* NULL when a secret may go there, else why not, as the end of a sentence. */
extern const char *secret_rule_refuses(const SecretRule *rule, const char *url);

/* Whether a URL is of this host: a socket, localhost, or an address that is loopback. */
extern bool secret_rule_is_this_host(const char *url);

#endif
