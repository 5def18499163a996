/*
 * secret_rule.h
 *		Whether a token or a password goes to a URL that the user has not named: pure.
 *
 * Patroni's answers and the journals of restores tell where members are, and whoever can forge one of
 * them, or listens on the way, would collect what is sent there. So a secret goes to what the user has
 * named, and else only where nobody but the right one can read it.
 */
#ifndef PGBR_CTL_CLIENT_SECRET_RULE_H
#define PGBR_CTL_CLIENT_SECRET_RULE_H

#include <stdbool.h>

typedef struct SecretRule
{
	bool private_ca; /* https is held to a CA that the user named; the system's vouch for anybody */
	bool on_this_host;	/* only this host was asked where the members are */
	bool trust_members; /* the user trusts all that is told, and the network */
} SecretRule;

/* NULL when a secret may go there, else why not, as the end of a sentence. */
extern const char *secret_rule_refuses(const SecretRule *rule, const char *url);

/* Whether a URL is of this host: a socket, localhost, or an address that is loopback. */
extern bool secret_rule_is_this_host(const char *url);

#endif
