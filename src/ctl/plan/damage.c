/*
 * damage.c
 *		See damage.h.
 *
 * A repository that can't be read at all fails with the same errors. It is not the backup's fault
 * where pgbackrest could not read what is above all backups, or says that the key is wrong.
 */
#include "ctl/plan/damage.h"

#include "common/vocabulary.h"

#include <stddef.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* pgbackrest's errors, and whether they mean damage where no file of a backup is named. */
static const struct
{
	const char *error;
	bool by_itself;
} errors[] = {
	{"checksum", true},		 {"format", true},	   {"crypto", false},
	{"file-missing", false}, {"file-read", false},
};

/* What is about the repository as a whole. */
static const char *const of_repository[] = {
	"backup.info",
	"archive.info",
	"cipher header invalid",
};

/* Of encrypted files: the last block does not fit. */
#define DECRYPTED "unable to flush"

/* The label between two slashes, as in ".../backup/main/20261130-194432F/pg_data/base/5/1255". */
static bool
find_label(const char *message, char *label)
{
	for (const char *at = strchr(message, '/'); at; at = strchr(at + 1, '/'))
	{
		size_t length = strcspn(at + 1, "/");

		if (at[1 + length] != '/' || length >= RECOVERY_SET_SIZE)
			continue;
		memcpy(label, at + 1, length);
		label[length] = '\0';
		if (pgbr_is_backup_label(label))
			return true;
	}
	return false;
}

bool
damage_find(const char *error, const char *message, const char *set, char *label)
{
	size_t kind = 0;

	while (kind < LENGTH(errors) && strcmp(errors[kind].error, error) != 0)
		kind++;
	if (kind == LENGTH(errors))
		return false;
	for (size_t i = 0; i < LENGTH(of_repository); i++)
	{
		if (strstr(message, of_repository[i]))
			return false;
	}
	if (find_label(message, label))
		return true;
	if (!errors[kind].by_itself && strstr(message, DECRYPTED) == NULL)
		return false;
	/* "20261130-194432F_20261130-194442I" is based on "20261130-194432F" */
	strcpy(label, set);
	label[strcspn(label, "_")] = '\0';
	return true;
}
