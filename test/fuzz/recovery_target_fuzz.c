// links:
// runs: 240000
/*
 * recovery_target_fuzz.c
 *		Any type and target of a restore: what passes holds nothing that could end a quoted value in
 *		postgresql.auto.conf or an argument, and its canonical form means the same again.
 */
#include "common/recovery_target.h"
#include "fuzz.h"

static void
check(const RecoveryTarget *target)
{
	const char *type = recovery_type_name(target->type);
	RecoveryTarget again;
	PgbrError error;

	MUST(strlen(target->text) < sizeof(target->text));
	MUST(strpbrk(target->text, "'\"\\`") == NULL);
	for (const char *p = target->text; *p; p++)
		MUST((unsigned char) *p >= ' ' && *p != 0x7F);
	if (target->type != RECOVERY_NAME)
		MUST(target->text[strspn(target->text, "0123456789ABCDEF/:+-. ")] == '\0');
	MUST(recovery_target_parse(&again, type, target->text, target->exclusive, target->set, NULL,
							   &error));
	again.timeline = target->timeline;
	MUST(recovery_target_equal(target, &again));
	MUST(again.time_us == target->time_us && again.lsn == target->lsn && again.xid == target->xid);
}

/* The input holds the parts of a request, each ended by a newline. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char *parts[4] = {NULL};
	RecoveryTarget target;
	PgbrError error;
	char *at = text;

	memcpy(text, data, size);
	text[size] = '\0';
	for (int i = 0; i < 4 && at; i++)
	{
		/* the last takes what is left, newlines and all */
		parts[(i + 1) % 4] = i < 3 ? strsep(&at, "\n") : at;
	}
	for (int exclusive = 0; exclusive < 2; exclusive++)
	{
		if (recovery_target_parse(&target, parts[1], parts[0], exclusive, parts[2], parts[3],
								  &error))
			check(&target);
	}
	free(text);
	return 0;
}
