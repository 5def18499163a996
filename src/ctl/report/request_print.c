/*
 * request_print.c
 *		See request_print.h.
 */
#include "ctl/report/request_print.h"

#include "ctl/print/message.h"

#include <inttypes.h>
#include <string.h>

/* A word for a shell; a quote in it ends the quotes, stands alone, and begins them again. */
static void
put_option(StrBuf *out, const char *option, const char *value)
{
	static const char safe[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-./:";

	strbuf_printf(out, " --%s=", option);
	if (value[0] && value[strspn(value, safe)] == '\0')
	{
		strbuf_puts(out, value);
		return;
	}
	strbuf_putc(out, '\'');
	for (; *value; value++)
	{
		if (*value == '\'')
			strbuf_puts(out, "'\\''");
		else
			strbuf_putc(out, *value);
	}
	strbuf_putc(out, '\'');
}

static void
put_names(StrBuf *out, const char *option, const char names[][RESTORE_NAME_SIZE], int count)
{
	for (int i = 0; i < count; i++)
		put_option(out, option, names[i]);
}

static void
put_target(const RecoveryTarget *target, StrBuf *out)
{
	if (target->type != RECOVERY_DEFAULT)
		put_option(out, "type", recovery_type_name(target->type));
	if (target->text[0])
		put_option(out, "target", target->text);
	if (target->exclusive)
		strbuf_puts(out, " --target-exclusive");
	if (target->set[0])
		put_option(out, "set", target->set);
	if (target->timeline > 0)
		strbuf_printf(out, " --target-timeline=%" PRIu32, target->timeline);
}

void
restore_print_resume(const RestoreRequest *request, StrBuf *out)
{
	strbuf_printf(out, "%s %s", PROGRAM_NAME, request->undo ? "undo" : "restore");
	if (!request->undo)
	{
		put_target(&request->target, out);
		if (request->repo > 0)
			strbuf_printf(out, " --repo=%d", request->repo);
		if (request->accept[0])
			strbuf_printf(out, " --accept %s", request->accept);
		else
		{
			if (request->replicas_only)
				strbuf_puts(out, " --replicas-only");
			put_names(out, "member", request->only, request->only_count);
		}
		if (request->keep[0])
			put_option(out, "keep-member", request->keep);
		if (request->keep_old)
			strbuf_puts(out, " --keep-old");
	}
	else
	{
		if (request->from_repository)
			strbuf_puts(out, " --from-repository");
		if (request->target.set[0])
			put_option(out, "set", request->target.set);
	}
	put_names(out, "without-member", request->without, request->without_count);
}

void
restore_print_undo(const RestoreRequest *request, const char *id, StrBuf *out)
{
	/* without its ID an undo would go on */
	strbuf_printf(out, "%s undo%s%s", PROGRAM_NAME, request->undo ? " " : "",
				  request->undo ? id : "");
	put_names(out, "without-member", request->without, request->without_count);
}
