/*
 * pgbackrest_error.c
 *		See pgbackrest_error.h.
 */
#include "sidecar/pgbackrest/pgbackrest_error.h"

#include "common/error.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct
{
	int code;
	const char *name;
	const char *hint;
} errors[] = {
	{25, "assert", NULL},
	{26, "checksum", NULL},
	{27, "config", "Check pgbackrest.conf, and that PostgreSQL is running."},
	{28, "file-invalid",
	 "The stanza belongs to another database cluster; after an upgrade of PostgreSQL ask for a "
	 "stanza-upgrade."},
	{29, "format", "Check the cipher pass phrase of the repository."},
	{30, "command-required", NULL},
	{31, "option-invalid", "Check pgbackrest.conf for options this version does not have."},
	{32, "option-invalid-value", "Check pgbackrest.conf."},
	{37, "option-required", "Check that pgbackrest.conf holds the stanza, with pg1-path."},
	{38, "pg-running", "Stop PostgreSQL first."},
	{39, "protocol", "Check the repository's host, bucket, key and secret."},
	{40, "path-not-empty", NULL},
	{41, "file-open", "Check the repository's path and its permissions."},
	{42, "file-read", "Check the repository's disk."},
	{43, "param-required", NULL},
	{44, "archive-mismatch", NULL},
	{45, "archive-duplicate", NULL},
	{46, "version-not-supported", NULL},
	{47, "path-create", "Check the repository's path, its permissions and its free space."},
	{48, "command-invalid", NULL},
	{49, "host-connect", "Check that the repository's host can be reached."},
	{50, "lock-acquire",
	 "Another pgbackrest is working on this stanza: wait for it, or look for one started by hand "
	 "or by cron."},
	{51, "backup-mismatch", "The repository belongs to another database cluster."},
	{52, "file-sync", "Check the repository's disk."},
	{53, "path-open", "Check the repository's path and its permissions."},
	{54, "path-sync", "Check the repository's disk."},
	{55, "file-missing", "Ask for a stanza-create first, and check the stanza's name."},
	{56, "db-connect",
	 "Check that PostgreSQL is running. On a standby pgbackrest.conf must name the primary as well "
	 "(pg2-host)."},
	{57, "db-query", NULL},
	{58, "db-mismatch",
	 "If a server was promoted just now, run CHECKPOINT on the new primary and ask again. "
	 "Otherwise "
	 "check pg1-path and pg1-port in pgbackrest.conf."},
	{60, "file-remove", "Check the repository's permissions."},
	{61, "path-remove", "Check the repository's permissions."},
	{62, "stop", "Somebody ran \"pgbackrest stop\"; run \"pgbackrest start\"."},
	{63, "term", "pgbackrest was asked to end; ask again."},
	{64, "file-write", "Check the free space of the repository."},
	{67, "feature-not-supported", NULL},
	{68, "archive-command-invalid",
	 "Set archive_command to \"pgbackrest --stanza=NAME archive-push %p\"."},
	{69, "link-expected", NULL},
	{70, "link-destination", NULL},
	{72, "host-invalid", "Backups of a remote repository are made on the repository's host."},
	{73, "path-missing", "Check that the repository's path and pg1-path exist."},
	{74, "file-move", NULL},
	{75, "backup-set-invalid", "Choose a backup that pgbr_backups shows."},
	{76, "tablespace-map", NULL},
	{78, "link-map", NULL},
	{79, "file-close", NULL},
	{80, "db-missing", NULL},
	{81, "db-invalid", NULL},
	{82, "archive-timeout",
	 "WAL does not reach the repository: check archive_command, and pg_stat_archiver for its "
	 "failures."},
	{83, "file-mode", NULL},
	{87, "archive-disabled", "Set archive_mode to on and restart PostgreSQL."},
	{88, "file-owner", NULL},
	{89, "user-missing", NULL},
	{93, "file-exists", NULL},
	{94, "memory", NULL},
	{95, "crypto", "Check the certificates: repo-storage-ca-file, repo-storage-verify-tls."},
	{96, "param-invalid", NULL},
	{97, "path-close", NULL},
	{98, "file-info", NULL},
	{99, "json-format", NULL},
	{100, "kernel", NULL},
	{101, "service", NULL},
	{102, "execute", NULL},
	{103, "repo-invalid", "No repository could be used: check their paths, hosts and keys."},
	{104, "command", "See the job's log for what went wrong."},
	{105, "access", NULL},
	{106, "clock", NULL},
	{122, "runtime", NULL},
	{124, "unhandled", NULL},
	{125, "unknown", NULL},
};

/*
 * What an error says, and what that asks for; the first that is found counts. "N" is the number of
 * a repository.
 */
static const struct
{
	const char *says;
	const char *hint;
} texts[] = {
	{"SignatureDoesNotMatch",
	 "The store knows the key, but its secret is another: check repoN-s3-key-secret."},
	{"InvalidAccessKeyId", "The store does not know the key: check repoN-s3-key."},
	{"NoSuchBucket",
	 "The store has no such bucket: check repoN-s3-bucket and repoN-s3-endpoint. What was in one "
	 "that was removed is lost; \"pgbackrest repo-create\" and a stanza-create begin a new one."},
	{"AccessDenied",
	 "The key may not do this: check repoN-s3-bucket, and that the key may list, read, write and "
	 "delete in it."},
	{"QuotaExceeded", "The store's quota is used up: raise it, or keep fewer backups."},
	{"RequestTimeTooSkewed", "The clocks of this host and of the store differ: set them."},
	{"unable to verify certificate presented by",
	 "The store's certificate is of a CA that is not trusted here: name the CA's certificate in "
	 "repoN-storage-ca-file, or check that it is the right store that answers."},
	{"in certificate common name or subject alternative names",
	 "The store's certificate is made out to another name: repoN-s3-endpoint must be one that it "
	 "holds."},
	{"unable to set user-defined CA certificate location",
	 "Check that repoN-storage-ca-file exists, is a certificate, and may be read."},
	{"unable to get address for",
	 "The name is not known: check repoN-s3-endpoint. A store that has no host name for every "
	 "bucket needs repoN-s3-uri-style=path."},
	/* with its number it is pgbackrest's own; without, what libpq says of PostgreSQL */
	{"[111] Connection refused",
	 "Nothing listens there: check that the server runs, and its host and port in "
	 "pgbackrest.conf."},
	{"[30] Read-only file system",
	 "Where systemd runs the sidecar: \"systemctl edit pgbackrest_sidecar\", add the path as "
	 "ReadWritePaths= below [Service], and restart it. Otherwise the disk is mounted read-only."},
	{"[13] Permission denied",
	 "Check the permissions of the path in the message, and the user that the sidecar runs as."},
	{"cipher header invalid",
	 "What is in the repository is not encrypted, the configuration says it is: check "
	 "repoN-cipher-type."},
	{"FileMissingError: unable to open missing file",
	 "The repository holds nothing of this stanza. If it is new, ask for a stanza-create; if it "
	 "is not, check the stanza's name and the repository's path and bucket."},
};

const char *
pgbackrest_error_name(int exit_code)
{
	for (size_t i = 0; i < LENGTH(errors); i++)
	{
		if (errors[i].code == exit_code)
			return errors[i].name;
	}
	return "unknown";
}

const char *
pgbackrest_code_hint(int exit_code)
{
	for (size_t i = 0; i < LENGTH(errors); i++)
	{
		if (errors[i].code == exit_code)
			return errors[i].hint;
	}
	return NULL;
}

const char *
pgbackrest_text_hint(const char *text)
{
	for (size_t i = 0; i < LENGTH(texts); i++)
	{
		if (strstr(text, texts[i].says))
			return texts[i].hint;
	}
	return NULL;
}

static const struct
{
	const char *begins;
	ErrorPart part;
} http_parts[] = {
	{"*** Path/Query ***", ERROR_HTTP_REQUEST},
	{"*** Response Content ***", ERROR_HTTP_ANSWER},
	{"*** ", ERROR_HTTP_HEADERS},
};

/* "ProtocolError: ...": an error within the error, which ends what was printed of an answer. */
static bool
begins_error(const char *line)
{
	static const char word[] = "Error: ";
	size_t length = 0;

	while (isalpha((unsigned char) line[length]))
		length++;
	return length >= 5 && strncmp(line + length - 5, word, strlen(word)) == 0;
}

/* The text of the element Code in a line of an answer in XML. */
static size_t
error_code_in(const char **line)
{
	static const char tag[] = "<Code>";
	const char *begin = memmem(*line, strcspn(*line, "\n"), tag, strlen(tag));

	if (begin == NULL)
		return 0;
	*line = begin + strlen(tag);
	return strcspn(*line, "<\n");
}

size_t
pgbackrest_error_line(ErrorPart *part, const char **line)
{
	for (size_t i = 0; i < LENGTH(http_parts); i++)
	{
		if (strncmp(*line, http_parts[i].begins, strlen(http_parts[i].begins)) != 0)
			continue;
		*part = http_parts[i].part;
		return 0;
	}
	if (begins_error(*line))
		*part = ERROR_TEXT;
	if (*part == ERROR_HTTP_HEADERS)
		return 0;
	return *part == ERROR_HTTP_ANSWER ? error_code_in(line) : strcspn(*line, "\n");
}

void
pgbackrest_append(char *target, size_t size, const char *separator, const char *text, size_t length)
{
	size_t used = strlen(target);

	if (used > 0)
		pgbr_copy_text(target + used, size - used, separator);
	used = strlen(target);
	pgbr_copy_text(target + used, length < size - used ? length + 1 : size - used, text);
}

void
pgbackrest_error_text(const char *lines, char *text, size_t size)
{
	ErrorPart part = ERROR_TEXT;

	text[0] = '\0';
	for (const char *next = lines; *next; next += strcspn(next, "\n"), next += *next == '\n')
	{
		const char *line = next;
		size_t length = strncmp(line, "HINT: ", 6) == 0 ? 0 : pgbackrest_error_line(&part, &line);

		if (length > 0)
			pgbackrest_append(text, size, " ", line, length);
	}
}
