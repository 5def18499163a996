/*
 * pgbackrest_option.c
 *		See pgbackrest_option.h.
 */
#include "program/pgbackrest_option.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Sorted by their bytes; # stands for the number of a repository or a server. */
static const char *const options[] = {
	"allow-root",
	"annotation",
	"archive-async",
	"archive-check",
	"archive-copy",
	"archive-expire-before",
	"archive-get-queue-max",
	"archive-header-check",
	"archive-missing-retry",
	"archive-mode",
	"archive-mode-check",
	"archive-push-batch-size",
	"archive-push-queue-max",
	"archive-timeout",
	"backup-standby",
	"beta",
	"buffer-size",
	"checksum-page",
	"cipher-pass",
	"cmd",
	"cmd-ssh",
	"compress",
	"compress-level",
	"compress-level-network",
	"compress-type",
	"config",
	"config-include-path",
	"config-path",
	"db-exclude",
	"db-include",
	"db-timeout",
	"delta",
	"detail-level",
	"dry-run",
	"exclude",
	"exec-id",
	"expire-auto",
	"filter",
	"force",
	"ignore-missing",
	"io-timeout",
	"job-retry",
	"job-retry-interval",
	"link-all",
	"link-map",
	"lock",
	"lock-path",
	"log-level-console",
	"log-level-file",
	"log-level-stderr",
	"log-path",
	"log-subprocess",
	"log-timestamp",
	"manifest-save-threshold",
	"neutral-umask",
	"oldest",
	"online",
	"output",
	"page-header-check",
	"pg",
	"pg#-database",
	"pg#-host",
	"pg#-host-ca-file",
	"pg#-host-ca-path",
	"pg#-host-cert-file",
	"pg#-host-cmd",
	"pg#-host-config",
	"pg#-host-config-include-path",
	"pg#-host-config-path",
	"pg#-host-key-file",
	"pg#-host-port",
	"pg#-host-type",
	"pg#-host-user",
	"pg#-local",
	"pg#-path",
	"pg#-port",
	"pg#-socket-path",
	"pg#-user",
	"pg#-version-force",
	"priority",
	"process",
	"process-max",
	"protocol-timeout",
	"raw",
	"recovery-option",
	"recurse",
	"reference",
	"remote-type",
	"repo",
	"repo#-azure-account",
	"repo#-azure-container",
	"repo#-azure-endpoint",
	"repo#-azure-key",
	"repo#-azure-key-type",
	"repo#-azure-uri-style",
	"repo#-block",
	"repo#-block-age-map",
	"repo#-block-checksum-size-map",
	"repo#-block-size-map",
	"repo#-block-size-super",
	"repo#-block-size-super-full",
	"repo#-bundle",
	"repo#-bundle-limit",
	"repo#-bundle-size",
	"repo#-cipher-pass",
	"repo#-cipher-type",
	"repo#-gcs-bucket",
	"repo#-gcs-endpoint",
	"repo#-gcs-key",
	"repo#-gcs-key-type",
	"repo#-gcs-user-project",
	"repo#-hardlink",
	"repo#-host",
	"repo#-host-ca-file",
	"repo#-host-ca-path",
	"repo#-host-cert-file",
	"repo#-host-cmd",
	"repo#-host-config",
	"repo#-host-config-include-path",
	"repo#-host-config-path",
	"repo#-host-key-file",
	"repo#-host-port",
	"repo#-host-type",
	"repo#-host-user",
	"repo#-local",
	"repo#-path",
	"repo#-retention-archive",
	"repo#-retention-archive-type",
	"repo#-retention-diff",
	"repo#-retention-full",
	"repo#-retention-full-type",
	"repo#-retention-history",
	"repo#-s3-bucket",
	"repo#-s3-endpoint",
	"repo#-s3-key",
	"repo#-s3-key-secret",
	"repo#-s3-key-type",
	"repo#-s3-kms-key-id",
	"repo#-s3-process-cmd",
	"repo#-s3-region",
	"repo#-s3-requester-pays",
	"repo#-s3-role",
	"repo#-s3-service",
	"repo#-s3-sse-customer-key",
	"repo#-s3-sts-host",
	"repo#-s3-token",
	"repo#-s3-uri-style",
	"repo#-sftp-host",
	"repo#-sftp-host-fingerprint",
	"repo#-sftp-host-key-check-type",
	"repo#-sftp-host-key-hash-type",
	"repo#-sftp-host-port",
	"repo#-sftp-host-user",
	"repo#-sftp-known-host",
	"repo#-sftp-private-key-file",
	"repo#-sftp-private-key-passphrase",
	"repo#-sftp-public-key-file",
	"repo#-storage-ca-file",
	"repo#-storage-ca-path",
	"repo#-storage-host",
	"repo#-storage-port",
	"repo#-storage-prefetch",
	"repo#-storage-read-over",
	"repo#-storage-tag",
	"repo#-storage-upload-chunk-size",
	"repo#-storage-verify-tls",
	"repo#-symlink",
	"repo#-target-time",
	"repo#-type",
	"report",
	"resume",
	"sck-block",
	"sck-keep-alive",
	"set",
	"sort",
	"spool-path",
	"stanza",
	"start-fast",
	"stop-auto",
	"tablespace-map",
	"tablespace-map-all",
	"target",
	"target-action",
	"target-exclusive",
	"target-timeline",
	"tcp-keep-alive-count",
	"tcp-keep-alive-idle",
	"tcp-keep-alive-interval",
	"tls-cipher-12",
	"tls-cipher-13",
	"tls-server-address",
	"tls-server-auth",
	"tls-server-ca-file",
	"tls-server-cert-file",
	"tls-server-key-file",
	"tls-server-port",
	"type",
	"verbose",
};

/* Names that these had once. */
static const char *const old_options[] = {
	"archive-queue-max",
	"backup-cmd",
	"backup-config",
	"backup-host",
	"backup-ssh-port",
	"backup-user",
	"db#-cmd",
	"db#-config",
	"db#-host",
	"db#-path",
	"db#-port",
	"db#-socket-path",
	"db#-ssh-port",
	"db#-user",
	"db-cmd",
	"db-config",
	"db-host",
	"db-path",
	"db-port",
	"db-socket-path",
	"db-ssh-port",
	"db-user",
	"hardlink",
	"repo#-azure-ca-file",
	"repo#-azure-ca-path",
	"repo#-azure-host",
	"repo#-azure-port",
	"repo#-azure-verify-tls",
	"repo#-s3-ca-file",
	"repo#-s3-ca-path",
	"repo#-s3-host",
	"repo#-s3-port",
	"repo#-s3-verify-ssl",
	"repo#-s3-verify-tls",
	"repo-cipher-pass",
	"repo-cipher-type",
	"repo-path",
	"repo-s3-bucket",
	"repo-s3-ca-file",
	"repo-s3-ca-path",
	"repo-s3-endpoint",
	"repo-s3-host",
	"repo-s3-key",
	"repo-s3-key-secret",
	"repo-s3-region",
	"repo-s3-verify-ssl",
	"repo-type",
	"retention-archive",
	"retention-archive-type",
	"retention-diff",
	"retention-full",
};

static int
compare_option(const void *name, const void *option)
{
	return strcmp(name, *(const char *const *) option);
}

/* "repo12-path" as "repo#-path". */
static bool
put_pattern(const char *name, char pattern[PGBACKREST_VARIABLE_SIZE])
{
	static const char *const groups[] = {"repo", "pg", "db"};
	size_t at = 0;
	size_t length = strlen(name);

	if (length >= PGBACKREST_VARIABLE_SIZE)
		return false;
	for (size_t i = 0; i < LENGTH(groups); i++)
	{
		size_t group = strlen(groups[i]);
		size_t digits =
			strncmp(name, groups[i], group) == 0 ? strspn(name + group, "0123456789") : 0;

		if (digits == 0)
			continue;
		memcpy(pattern, name, group);
		pattern[group] = '#';
		at = group + 1;
		name += group + digits;
		break;
	}
	strcpy(pattern + at, name);
	return true;
}

static bool
is_among(const char *name, const char *const *names, size_t count)
{
	char pattern[PGBACKREST_VARIABLE_SIZE];

	return strchr(name, '#') == NULL && put_pattern(name, pattern) &&
		   bsearch(pattern, names, count, sizeof(*names), compare_option) != NULL;
}

bool
pgbackrest_is_old_option(const char *name)
{
	return is_among(name, old_options, LENGTH(old_options));
}

bool
pgbackrest_is_option(const char *name)
{
	return is_among(name, options, LENGTH(options)) || pgbackrest_is_old_option(name);
}

static bool
has_prefix(const char *entry)
{
	return strncmp(entry, PGBACKREST_VARIABLE_PREFIX, strlen(PGBACKREST_VARIABLE_PREFIX)) == 0;
}

bool
pgbackrest_variable_option(const char *entry, char name[PGBACKREST_VARIABLE_SIZE])
{
	size_t length;

	if (!has_prefix(entry))
		return false;
	entry += strlen(PGBACKREST_VARIABLE_PREFIX);
	length = strcspn(entry, "=");
	if (length >= PGBACKREST_VARIABLE_SIZE)
		return false;
	for (size_t i = 0; i < length; i++)
	{
		char c = entry[i];

		name[i] = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
	}
	name[length] = '\0';
	return pgbackrest_is_option(name);
}

bool
pgbackrest_is_stray(const char *entry)
{
	char name[PGBACKREST_VARIABLE_SIZE];

	return has_prefix(entry) && !pgbackrest_variable_option(entry, name);
}

bool
pgbackrest_next_stray(size_t *from, char name[PGBACKREST_VARIABLE_SIZE])
{
	while (environ[*from])
	{
		const char *entry = environ[(*from)++];
		size_t length = strcspn(entry, "=");

		if (!pgbackrest_is_stray(entry))
			continue;
		if (length >= PGBACKREST_VARIABLE_SIZE)
			length = PGBACKREST_VARIABLE_SIZE - 1;
		memcpy(name, entry, length);
		name[length] = '\0';
		return true;
	}
	return false;
}
