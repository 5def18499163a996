/*
 * step_folder.c
 *		See step_folder.h.
 */
#include "sidecar/restore/step_folder.h"

#include "common/vocabulary.h"
#include "program/file.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_MOST (8 * 1024 * 1024) /* bytes of a configuration file */

bool
step_folder_path(const StepContext *context, const char *name, char *path, PgbrError *error)
{
	int length =
		snprintf(path, PATH_MAX, "%s/restore/%s", context->config->state_dir, context->restore);

	if (length >= PATH_MAX - 256)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "the path of the state folder is too long");
	if (!file_make_folder(path, error))
		return false;
	if (name[0])
		snprintf(path + length, (size_t) (PATH_MAX - length), "/%.200s", name);
	return true;
}

static bool
write_file(const StepContext *context, const char *name, const char *data, size_t length,
		   PgbrError *error)
{
	char folder[PATH_MAX];
	char path[PATH_MAX];

	if (!step_folder_path(context, "", folder, error) ||
		!step_folder_path(context, name, path, error))
		return false;
	if (file_write_secret(path, data, length, error) && file_sync_folder(folder, error))
		return true;
	error->code = PGBR_ERROR_STORAGE;
	return pgbr_error_hint(error, "Check the free space of the sidecar's state folder.");
}

bool
step_folder_write(const StepContext *context, const char *name, const char *text, PgbrError *error)
{
	return write_file(context, name, text, strlen(text), error);
}

bool
step_folder_read(const StepContext *context, const char *name, StrBuf *text)
{
	char path[PATH_MAX];

	return step_folder_path(context, name, path, NULL) && file_read(path, FILE_MOST, text, NULL);
}

bool
step_folder_forget(const StepContext *context, const char *name, PgbrError *error)
{
	char path[PATH_MAX];

	if (!step_folder_path(context, name, path, error))
		return false;
	return unlink(path) == 0 || errno == ENOENT ||
		   pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not remove file \"%s\": %s", path,
						  strerror(errno));
}

static const char *const saved[] = {
	"postmaster.opts", "postgresql*.conf", "pg_hba.conf", "pg_ident.conf", "patroni.dynamic.json",
};

static bool
is_saved(const char *name)
{
	for (size_t i = 0; i < sizeof(saved) / sizeof(saved[0]); i++)
	{
		if (fnmatch(saved[i], name, 0) == 0)
			return true;
	}
	return false;
}

/*
 * What a recovery server of an earlier restore has left as postmaster.opts is not the command
 * line of PostgreSQL: that one lies in the folder of the earlier restore, which is named in it.
 */
static bool
find_earlier(const StepContext *context, const StrBuf *opts, char *path)
{
	char before[PATH_MAX + 64];
	char id[128];
	const char *at;
	size_t length;

	snprintf(before, sizeof(before), "\"external_pid_file=%s/restore/", context->config->state_dir);
	at = strstr(opts->data, before);
	if (at == NULL)
		return false;
	at += strlen(before);
	length = strcspn(at, "/\"");
	snprintf(id, sizeof(id), "%.*s", length < sizeof(id) ? (int) length : 0, at);
	if (!pgbr_is_job_id(id) || id[0] == '.')
		strcpy(id, "none");
	snprintf(path, PATH_MAX, "%s/restore/%s/postmaster.opts", context->config->state_dir, id);
	return true;
}

/* Replace the content by the earlier restore's; empty when that has none. */
static void
take_earlier(const StepContext *context, StrBuf *opts)
{
	char path[PATH_MAX];

	if (!find_earlier(context, opts, path))
		return;
	strbuf_clear(opts);
	(void) file_read(path, FILE_MOST, opts, NULL);
}

static bool
save_file(const StepContext *context, const char *name, PgbrError *error)
{
	char from[PATH_MAX];
	char to[PATH_MAX];
	StrBuf content;
	bool ok;

	if (!step_folder_path(context, name, to, error))
		return false;
	if (access(to, F_OK) == 0)
		return true;
	snprintf(from, sizeof(from), "%s/%.200s", context->data_directory, name);
	strbuf_init(&content);
	ok = file_read(from, FILE_MOST, &content, error);
	if (ok && strcmp(name, "postmaster.opts") == 0)
		take_earlier(context, &content);
	/* an empty one says nothing */
	ok = ok &&
		 (content.length == 0 || write_file(context, name, content.data, content.length, error));
	strbuf_done(&content);
	return ok;
}

bool
step_folder_save(const StepContext *context, PgbrError *error)
{
	struct dirent *entry;
	bool ok = true;
	DIR *folder = opendir(context->data_directory);

	while (ok && folder && (entry = readdir(folder)) != NULL)
	{
		if (is_saved(entry->d_name))
			ok = save_file(context, entry->d_name, error);
	}
	if (folder)
		closedir(folder);
	return ok;
}
