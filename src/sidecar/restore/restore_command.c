/*
 * restore_command.c
 *		See restore_command.h.
 */
#include "sidecar/restore/restore_command.h"

static void
put_quoted(StrBuf *setting, const char *option, const char *text)
{
	strbuf_printf(setting, " '%s", option);
	for (; *text; text++)
	{
		if (*text == '\'')
			strbuf_puts(setting, "'\\''");
		else if (*text == '%')
			strbuf_puts(setting, "%%");
		else
			strbuf_putc(setting, *text);
	}
	strbuf_putc(setting, '\'');
}

void
pgbackrest_restore_setting(const SidecarConfig *config, const char *program,
						   const char *data_directory, StrBuf *setting)
{
	/* in the shell's place, so that it ends when the process that waits for it does */
	strbuf_puts(setting, "exec");
	put_quoted(setting, "", program);
	put_quoted(setting, "--archive-get", "");
	put_quoted(setting, "--stanza=", config->stanza);
	put_quoted(setting, "--pgbackrest=", config->pgbackrest);
	if (config->pgbackrest_config)
		put_quoted(setting, "--config=", config->pgbackrest_config);
	put_quoted(setting, "--pg-data=", data_directory);
	strbuf_puts(setting, " \"%f\" \"%p\"");
}
