/*
 * conf_write.c
 *		See conf_write.h. Every name and value was checked against a grammar before, so none can add
 *		another line.
 */
#include "ctl/conf/conf_write.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const char *
conf_variable(const char *option, char *variable)
{
	int length = snprintf(variable, CONF_VARIABLE_SIZE, "PGBACKREST_%s", option);

	for (int i = 0; i < length && i < CONF_VARIABLE_SIZE - 1; i++)
		variable[i] = variable[i] == '-' ? '_' : (char) toupper((unsigned char) variable[i]);
	return variable;
}

/* Say where options come from that are not in the file. */
static void
write_comment(const Conf *conf, StrBuf *out)
{
	char variable[CONF_VARIABLE_SIZE];

	strbuf_puts(out, "# Made by pgbackrest_ctl config render from a values file: change the values "
					 "file instead.\n");
	if (conf->secret_name)
		strbuf_printf(out, "# The secrets are in the Secret %s.\n", conf->secret_name);
	for (size_t i = 0; i < conf->count; i++)
	{
		if (conf->options[i].secret)
			strbuf_printf(out, "# %s comes from the environment: %s\n", conf->options[i].name,
						  conf_variable(conf->options[i].name, variable));
	}
}

static void
write_section(const Conf *conf, const char *section, bool in_stanza, StrBuf *out)
{
	bool is_open = false;

	for (size_t i = 0; i < conf->count; i++)
	{
		const ConfOption *option = &conf->options[i];

		if (option->secret || option->in_stanza != in_stanza)
			continue;
		if (!is_open)
			strbuf_printf(out, "%s[%s]\n", in_stanza ? "\n" : "", section);
		is_open = true;
		strbuf_printf(out, "%s=%s\n", option->name, option->value);
	}
}

void
conf_write(const Conf *conf, StrBuf *out)
{
	write_comment(conf, out);
	write_section(conf, "global", false, out);
	write_section(conf, conf->stanza, true, out);
}

/* A value without special characters gets no quotes: not every reader of such files removes
 * them. */
static bool
is_bare(const char *value)
{
	return value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
							   "_-+/=.,:@%")] == '\0';
}

void
conf_write_environment(const Conf *conf, StrBuf *out)
{
	char variable[CONF_VARIABLE_SIZE];

	for (size_t i = 0; i < conf->count; i++)
	{
		const ConfOption *option = &conf->options[i];
		const char *quote = is_bare(option->value) ? "" : "'";

		if (option->secret)
			strbuf_printf(out, "%s=%s%s%s\n", conf_variable(option->name, variable), quote,
						  option->value, quote);
	}
}
