/*
 * secret_rule.c
 *		See secret_rule.h.
 */
#include "ctl/client/secret_rule.h"

#include "common/vocabulary.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

static bool
has_scheme(const char *url, const char *scheme)
{
	return strncasecmp(url, scheme, strlen(scheme)) == 0;
}

bool
secret_rule_is_this_host(const char *url)
{
	char host[INET6_ADDRSTRLEN + 1];
	const char *start = strstr(url, "://");
	size_t length;
	struct in_addr four;
	struct in6_addr six;

	if (start == NULL)
		return has_scheme(url, "unix:");
	start += 3;
	start += *start == '[';
	length = strcspn(start, start[-1] == '[' ? "]" : ":/");
	if (length >= sizeof(host))
		return false;
	memcpy(host, start, length);
	host[length] = '\0';
	/* a DNS name can resolve to any address, and "127.0.0.1.example.com" is a name */
	return strcasecmp(host, "localhost") == 0 ||
		   (inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127) ||
		   (inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six));
}

const char *
secret_rule_refuses(const SecretRule *rule, const char *url)
{
	if (rule->trust_members)
		return NULL;
	if (has_scheme(url, "https:"))
		return rule->private_ca ? NULL
								: "only a response names its address, and any public CA's "
								  "certificate would do there";
	/* only PostgreSQL's user can listen at the default socket */
	if (!has_scheme(url, "http:"))
		return strcmp(url, PGBR_DEFAULT_URL) == 0 ? NULL : "only a response names that socket";
	if (!secret_rule_is_this_host(url))
		return "only a response names its address, and plain HTTP can be read on the way";
	return rule->on_this_host ? NULL : "another host's response names an address of this host";
}
