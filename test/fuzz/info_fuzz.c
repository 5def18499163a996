// links: sidecar
// runs: 4500
/*
 * info_fuzz.c
 *		Any document as what pgbackrest info says, which a repository that was tampered with
 *		decides: only labels and ids get on a command line, a pinned backup never goes, and the
 *		metrics are Prometheus' text.
 *
 * The first byte is how the retention is set.
 */
#include "program/json.h"
#include "program/retention_words.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/runner/expiry.h"
#include "sidecar/metrics/metrics.h"
#include "sidecar/pgbackrest/retention_info.h"
#include "fuzz_json.h"

#include <stdio.h>
#include <unistd.h>

#define NOW INT64_C(1796039500)

static void
check_stanza(const json_t *document)
{
	PgbackrestStanza stanza;
	PgbrError error;

	if (!pgbackrest_read_info(document, "main", &stanza, &error))
		return;
	MUST(stanza.archive_id[0] == '\0' || pgbr_is_archive_id(stanza.archive_id));
	MUST(stanza.system_id[strspn(stanza.system_id, "0123456789")] == '\0');
	MUST(stanza.archive_repo >= 0 && stanza.archive_repo <= PGBR_REPO_MAX);
	MUST(stanza.failed_repo >= 0 && stanza.repo_failed <= stanza.repo_count);
	MUST(fuzz_is_visible(stanza.repo_message, "\t"));
	MUST(fuzz_is_visible(stanza.status_message, "\t\n"));
}

static void
check_words(const RetentionHistory *history)
{
	char words[RETENTION_WORDS_SIZE];

	for (int i = 0; i < history->count; i++)
	{
		const RetentionBackup *backup = &history->backups[i];

		MUST(pgbr_is_backup_label(backup->label) && backup->prior < i);
		MUST(backup->repo >= 1 && backup->repo <= PGBR_REPO_MAX);
		MUST(!backup->goes || (backup->pin == NULL && backup->would_go));
		MUST(backup->prior < 0 || !history->backups[backup->prior].goes || backup->goes);
		MUST(backup->after_full >= 0 && backup->after_diff >= 0 && backup->days_after >= 0);
		retention_expires_words(history, i, words);
		MUST(words[0] && pgbr_is_plain_text(words, sizeof(words)));
		retention_kept_words(history, i, words);
		MUST(fuzz_is_visible(words, ""));
	}
}

static void
check_expiry(const SidecarConfig *config, const json_t *document, const RetentionHistory *history)
{
	Expiry expiry;
	PgbrError error;

	MUST(expiry_plan(config, document, 0, &expiry, &error));
	for (int i = 0; i < expiry.count; i++)
	{
		const ExpireStep *step = &expiry.steps[i];
		Command command;

		MUST(step->label[0] == '\0' || pgbr_is_backup_label(step->label));
		for (int j = 0; j < history->count; j++)
			MUST(history->backups[j].repo != step->repo ||
				 strcmp(history->backups[j].label, step->label) != 0 ||
				 history->backups[j].pin == NULL);
		MUST(step->archive > 0 && step->archive <= RETENTION_MAX);
		pgbackrest_expire_command(config, step, true, &command);
		MUST(!command.failed && strcmp(command.argv[command.count - 1], "expire") == 0);
		command_done(&command);
	}
	/* a line of the job's log each */
	for (char *line = expiry.notes.data, *next = line; line && line[0]; line = next)
	{
		next = strchr(line, '\n');
		MUST(next);
		*next++ = '\0';
		MUST(strncmp(line, "repo", 4) == 0 && fuzz_is_visible(line, ""));
	}
	expiry_done(&expiry);
}

/* NAME{LABEL="text",...} NUMBER, as Prometheus reads it */
static void
check_sample(const char *line, const char *family)
{
	size_t length = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_");
	char *end;
	double value;

	MUST(length == strlen(family) && strncmp(line, family, length) == 0);
	line += length;
	while (*line == '{' || *line == ',')
	{
		line++;
		length = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
		MUST(length > 0 && line[length] == '=' && line[length + 1] == '"');
		for (line += length + 2; *line != '"'; line++)
		{
			MUST(*line);
			if (*line == '\\')
				MUST(strchr("n\\\"", *++line) && *line);
		}
		line++;
		MUST(*line == ',' || *line == '}');
	}
	line += *line == '}';
	MUST(*line == ' ');
	value = strtod(line + 1, &end);
	MUST(*end == '\0' && end > line + 1 && value - value == 0);
}

static void
check_metrics(const json_t *document, const RetentionHistory *history)
{
	static JobSummary jobs;
	static ArchiverState archiver;
	InfoSnapshot info = {.fetched_at = NOW * 1000 - 5, .document = info_document_new("[]", 2)};
	MetricsFacts facts = {.stanza = "main",
						  .pgbackrest_version = "2.45",
						  .now = NOW * 1000,
						  .info = &info,
						  .document = document,
						  .history = history,
						  .jobs = &jobs,
						  .archiver = &archiver};
	char family[128] = "";
	PgbrError error;
	StrBuf out;

	strbuf_init(&out);
	pgbackrest_read_info(document, "main", &info.stanza, &error);
	metrics_write(&facts, &out);
	MUST(pgbr_is_utf8(out.data, out.length) && out.data[out.length - 1] == '\n');
	for (char *line = out.data, *next = line; line[0]; line = next)
	{
		next = strchr(line, '\n');
		*next++ = '\0';
		if (sscanf(line, "# TYPE %127s", family) != 1 && line[0] != '#')
			check_sample(line, family);
	}
	info_document_release(info.document);
	strbuf_done(&out);
}

/* Kept in blocks and read in pieces, it is the same. */
static void
check_blocks(const char *text, size_t length)
{
	InfoDocument *document = info_document_new(text, length);
	char piece[100];
	size_t at = 0;
	size_t got;

	while ((got = info_document_read(document, at, piece, sizeof(piece))) > 0)
	{
		MUST(at + got <= length && memcmp(text + at, piece, got) == 0);
		at += got;
	}
	MUST(at == length && info_document_length(document) == length);
	info_document_release(document);
}

static void
write_config(char *path, unsigned int how)
{
	FILE *file = fopen(path, "w");

	MUST(file);
	fprintf(file,
			"[global]\nrepo1-path=/r\nrepo1-retention-full=%u\nrepo1-retention-full-type=%s\n",
			how % 3 + 1, how & 4 ? "time" : "count");
	if (how & 8)
		fprintf(file, "repo1-retention-diff=%u\n", how % 2 + 1);
	if (how & 16)
		fprintf(file, "repo1-retention-archive=2\nrepo1-retention-archive-type=%s\n",
				how & 32 ? "incr" : "diff");
	fclose(file);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[] = "/tmp/info_fuzz.XXXXXX";
	static int written = -1;
	SidecarConfig config = {
		.pgbackrest = "pgbackrest", .stanza = "main", .pgbackrest_config = path};
	RetentionState state;
	PgbrError error;
	json_t *document;

	if (size == 0)
		return 0;
	if (written < 0)
		close(mkstemp(path));
	if (written != data[0])
		write_config(path, (unsigned int) (written = data[0]));
	check_blocks((const char *) data + 1, size - 1);
	document = json_parse((const char *) data + 1, size - 1, &error);
	if (document == NULL)
		return 0;
	check_stanza(document);
	if (retention_state_read(&config, document, &state, &error))
	{
		bool pinned;
		StrBuf text;

		retention_decide(&state.history, state.settings.repos, state.settings.count, NOW);
		check_words(&state.history);
		check_expiry(&config, document, &state.history);
		check_metrics(document, &state.history);
		strbuf_init(&text);
		retention_info_write(&config, document, &text, &pinned);
		json_decref(json_parse(text.data, text.length, &error));
		MUST(!text.failed && pinned == state.history.pinned);
		strbuf_done(&text);
		retention_done(&state.history);
	}
	json_decref(document);
	return 0;
}
