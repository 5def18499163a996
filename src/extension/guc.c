/*
 * guc.c
 *		See guc.h. Files are not looked at here: they may come and go while the server runs, and each
 *		request reads them anew.
 */
#include "postgres.h"

#include "common/vocabulary.h"
#include "extension/compat.h"
#include "extension/guc.h"

char *guc_sidecar_url;
int guc_sidecar_timeout;
char *guc_sidecar_token_file;
char *guc_sidecar_ca_file;
char *guc_sidecar_cert_file;
char *guc_sidecar_key_file;

typedef struct TextSetting
{
	const char *name;
	const char *short_description;
	const char *long_description;
	char **variable;
	const char *boot_value;
	GucStringCheckHook check;
} TextSetting;

static bool check_sidecar_url(char **value, void **extra, GucSource source);

static const TextSetting text_settings[] = {
	{"pgbackrest_ctl.sidecar_url", "Where pgbackrest_sidecar answers.",
	 "http or https, host, and where needed port and a path that comes before /v1.",
	 &guc_sidecar_url, PGBR_DEFAULT_URL, check_sidecar_url},
	{"pgbackrest_ctl.sidecar_token_file", "File whose first line is the sidecar's bearer token.",
	 "Read at each request, so a new token needs no reload.", &guc_sidecar_token_file, "", NULL},
	{"pgbackrest_ctl.sidecar_ca_file", "Certificates (PEM) to trust instead of the system's.", NULL,
	 &guc_sidecar_ca_file, "", NULL},
	{"pgbackrest_ctl.sidecar_cert_file", "Client certificate (PEM) to show to the sidecar.", NULL,
	 &guc_sidecar_cert_file, "", NULL},
	{"pgbackrest_ctl.sidecar_key_file", "Key (PEM) of the client certificate.",
	 "Empty: it is in the file of the certificate.", &guc_sidecar_key_file, "", NULL},
};

/* host, IPv4 address or [IPv6 address]; NULL when there is none, else where it ends */
static const char *
skip_host(const char *text)
{
	const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	size_t length;

	if (text[0] == '[')
	{
		length = strspn(text + 1, "0123456789abcdefABCDEF:.");
		return length > 0 && text[length + 1] == ']' ? text + length + 2 : NULL;
	}
	length = strspn(text, letters);
	return length > 0 ? text + length : NULL;
}

/* :port, which may be left out; NULL when it is none */
static const char *
skip_port(const char *text)
{
	size_t digits;

	if (text[0] != ':')
		return text;
	digits = strspn(text + 1, "0123456789");
	if (digits == 0 || digits > 5 || atoi(text + 1) < 1 || atoi(text + 1) > 65535)
		return NULL;
	return text + 1 + digits;
}

/* /prefix, which may be left out */
static bool
is_prefix(const char *text)
{
	if (text[0] != '\0' && text[0] != '/')
		return false;
	for (; *text; text++)
	{
		if (*text <= ' ' || *text > '~' || strchr("?#@\\\"<>", *text))
			return false;
	}
	return true;
}

static bool
check_sidecar_url(char **value, void **extra, GucSource source)
{
	const char *rest = NULL;

	if (pg_strncasecmp(*value, "http://", 7) == 0)
		rest = skip_host(*value + 7);
	else if (pg_strncasecmp(*value, "https://", 8) == 0)
		rest = skip_host(*value + 8);
	if (rest)
		rest = skip_port(rest);
	if (rest && is_prefix(rest))
		return true;
	GUC_check_errdetail("It must be http://host[:port][/prefix] or https://host[:port][/prefix], "
						"without user, query or fragment.");
	return false;
}

void
guc_define(void)
{
	for (size_t i = 0; i < lengthof(text_settings); i++)
	{
		const TextSetting *setting = &text_settings[i];

		DefineCustomStringVariable(setting->name, setting->short_description,
								   setting->long_description, setting->variable,
								   setting->boot_value, PGC_SIGHUP, 0, setting->check, NULL, NULL);
	}
	DefineCustomIntVariable(
		"pgbackrest_ctl.sidecar_timeout", "How long one request to the sidecar may take.", NULL,
		&guc_sidecar_timeout, 10000, 100, 3600000, PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	MarkGUCPrefixReserved("pgbackrest_ctl");
}
