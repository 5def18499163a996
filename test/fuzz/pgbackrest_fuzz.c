// links: sidecar
// runs: 20000
/*
 * pgbackrest_fuzz.c
 *		Anything that pgbackrest may print: the progress stays within its bounds, the label is one,
 *		and the texts are UTF-8 in one line.
 *
 * The first byte says of which kind of job it is; a stream that runs backwards is one of any other
 * program.
 */
#include "sidecar/pgbackrest/pgbackrest.h"
#include "sidecar/pgbackrest/pgbackrest.h"
#include "fuzz.h"

static void
check_progress(const JobProgress *progress, const JobProgress *before)
{
	MUST((progress->phase == NULL) == (before->phase == NULL));
	/* false for what is no number, too */
	MUST(progress->percent == -1 || (progress->percent >= 0 && progress->percent <= 100));
	MUST(progress->bytes_done >= before->bytes_done && progress->bytes_total >= -1);
}

static void
check_text(const char *text, size_t size)
{
	MUST(strlen(text) < size && pgbr_is_utf8(text, strlen(text)) && strchr(text, '\n') == NULL);
}

static void
check_line(PgbackrestRun *run, const char *line)
{
	PgbackrestRun before = *run;
	int64_t bytes = -1;
	int64_t files = -1;

	if (!pgbackrest_run_line(run, line))
		MUST(strstr(line, "DETAIL: "));
	check_progress(&run->progress, &before.progress);
	MUST(run->label[0] == '\0' || pgbr_is_backup_label(run->label));
	MUST(strncmp(run->message, before.message, strlen(before.message)) == 0);
	check_text(run->message, sizeof(run->message));
	check_text(run->hint, sizeof(run->hint));
	if (pgbackrest_read_restored(line, &bytes, &files))
		MUST(bytes >= 0 && files >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const PgbrJobKind kinds[] = {PGBR_JOB_BACKUP, PGBR_JOB_VERIFY, PGBR_JOB_NODE_RESTORE};
	PgbackrestRun run;
	char *text;
	char hint[512];
	char message[400];

	if (size == 0)
		return 0;
	pgbackrest_run_init(&run, kinds[data[0] % 3]);
	text = fuzz_visible(data + 1, size - 1);
	pgbackrest_error_text(text, message, sizeof(message));
	check_text(message, sizeof(message));
	for (char *line = text, *next = text; line; line = next)
	{
		strsep(&next, "\n");
		check_line(&run, line);
	}
	pgbackrest_run_hint(&run, data[0], hint, sizeof(hint));
	check_text(hint, sizeof(hint));
	pgbackrest_run_is_vague(&run);
	free(text);
	return 0;
}
